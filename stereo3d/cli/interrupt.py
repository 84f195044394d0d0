"""Ctrl-C, kill and a closed terminal: clean up, say so, leave."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks the program to stop (not every system has them all)."""

MESSAGE = "stereo3d: interrupted; nothing was written"

_message = MESSAGE
_asked = 0
_working = False


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to stop; the clean-up runs as this travels up."""


def catch_signals() -> None:
    """From now on a stop signal ends the program at once, and after ``work_begins`` raises Interrupted."""
    for each in STOP_SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:  # as under nohup
            signal.signal(each, _on_signal)


def work_begins() -> None:
    """Say that there may be something to clean up.  Until then only modules are imported.

    The two phases differ because libraries swallow or disguise an exception that hits them while they are imported.
    """
    global _working, _message
    _working, _message = True, MESSAGE


def say_instead(message: str) -> None:
    """What is said of an interruption from now on, by a command that keeps what it had done until then."""
    global _message
    _message = message


def message() -> str:
    """What is said of an interruption now."""
    return _message


def asked_to_stop() -> int:
    """The number of the stop signal that came, 0 when none did."""
    return _asked


def raise_if_asked() -> None:
    """Raise Interrupted when a stop signal came whose exception was swallowed."""
    if _asked:
        raise Interrupted


def leave(code: int) -> NoReturn:
    """End the process without the interpreter's shutdown: a thread inside native code crashes or blocks that."""
    with contextlib.suppress(OSError):  # the terminal may be what went away
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _on_signal(signum: int, frame: FrameType | None) -> None:
    global _asked
    _asked = signum
    # A second signal must not cut the clean-up of the first short.
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if not _working:
        with contextlib.suppress(OSError):
            os.write(2, f"{MESSAGE}\n".encode())  # not print, which may be what was interrupted
        os._exit(128 + signum)
    raise Interrupted
