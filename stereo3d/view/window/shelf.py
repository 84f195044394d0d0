"""The bookmarks of a window: set, visited, kept in a file."""

from __future__ import annotations

from pathlib import Path

from stereo3d.view.bookmarks import Bookmark, load_bookmarks, save_bookmarks
from stereo3d.view.window.files import free_path


class Shelf:
    """Bookmarks in order, and which one was visited last."""

    def __init__(self, path: Path | None = None) -> None:
        """With a ``path``, the bookmarks of that file, which are saved there again.

        A file that is not there yet is made by saving.  Raises RecordError for one that holds no bookmarks.
        """
        self._path = path
        self.bookmarks: list[Bookmark] = list(load_bookmarks(path)) if path is not None and path.exists() else []
        self._at = -1

    def add(self, bookmark: Bookmark) -> None:
        """Put one at the end."""
        self.bookmarks.append(bookmark)
        self._at = len(self.bookmarks) - 1

    def step(self, by: int) -> Bookmark | None:
        """The next one (or one before), round and round; None without any."""
        if not self.bookmarks:
            return None
        # Before any was visited the one before is the last.
        at = self._at if self._at >= 0 or by > 0 else 0
        self._at = (at + by) % len(self.bookmarks)
        return self.bookmarks[self._at]

    def drop(self) -> Bookmark | None:
        """Take away the one visited last."""
        if not self.bookmarks:
            return None
        gone = self.bookmarks.pop(self._at)
        self._at = min(self._at, len(self.bookmarks) - 1)
        return gone

    def save(self, folder: Path) -> Path:
        """Write the file they came from, or a new one in ``folder``.  Raises OutputError."""
        if self._path is None:
            self._path = free_path(folder, "stereo3d-bookmarks", (".json",))
        return save_bookmarks(self._path, self.bookmarks)
