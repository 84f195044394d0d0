"""A line of text typed in the window."""

from __future__ import annotations

from collections.abc import Callable

_LETTERS = 120


class Prompt:
    """What is asked, and what has been typed so far; nothing is asked most of the time."""

    def __init__(self) -> None:
        self._title = ""
        self._text = ""
        self._done: Callable[[str], None] | None = None

    def ask(self, title: str, done: Callable[[str], None], text: str = "") -> None:
        """Ask for a line; ``done`` is called with it after Enter, and never after Escape."""
        self._title, self._text, self._done = title, text, done

    @property
    def asking(self) -> bool:
        """Whether keys are letters now."""
        return self._done is not None

    def press(self, key: str, character: str) -> None:
        """A key goes down: a letter, Backspace, Enter or Escape."""
        if key == "escape":
            self._done = None
        elif key == "return":
            done, self._done = self._done, None
            if done is not None:
                done(self._text.strip())
        elif key == "backspace":
            self._text = self._text[:-1]
        elif character.isprintable() and len(character) == 1 and len(self._text) < _LETTERS:
            self._text += character

    def lines(self) -> list[str]:
        """What a person reads."""
        return [self._title, f"> {self._text}_", "Enter: done  Esc: leave it"] if self.asking else []
