"""Results of earlier runs on disk, found by the content of what they were made of.

What is not there, or is damaged, is computed again; nobody can tell the difference.
"""

from stereo3d.store.place import user_folder, user_limit
from stereo3d.store.store import Store, recall

__all__ = ["Store", "recall", "user_folder", "user_limit"]
