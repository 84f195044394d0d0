"""Whether another process is still there: what a killed one left behind may then be cleared away."""

from __future__ import annotations

import os


def alive(pid: int) -> bool:
    """Whether a process of this number runs; True where the system does not tell."""
    if os.name == "nt":  # signal 0 is no question there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
