"""Asking a web server politely, and trusting nothing that it says.

Two connections at most; what fails for a moment is tried again after waits that double, with jitter, and no sooner
than the server's Retry-After.  Only addresses of the allowed origins are asked, whoever names them, redirects included;
every answer has a bound on its size, and none may be compressed, so that what is counted is what arrives.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from stereo3d import __version__
from stereo3d.errors import FeedError
from stereo3d.libraries import import_library

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

CONNECTIONS = 2
USER_AGENT = f"stereo3d/{__version__} (3-D ground from Mars rover stereo pairs; at most {CONNECTIONS} connections)"

_HOPS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_FOR_A_MOMENT = (408, 425, 429, 500, 502, 503, 504)
_ADDRESS = re.compile(r"[!-\[\]-~]{1,1000}")
"""Printable ASCII without spaces and backslashes: what all programs understand alike."""


class TryAgainError(FeedError):
    """Something that may be gone in a moment; ``after_s`` is how long the server asks to wait."""

    after_s: float = 0.0


class UnreachableError(FeedError):
    """What did not work in as many attempts as there are."""


@dataclass(frozen=True)
class Patience:
    """How often and after how long something is tried again; the clock and the dice are arguments for the tests."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    longest_asked_s: float = 600.0
    """A server that asks to wait for longer is not waited for."""
    timeout_s: float = 30.0
    """For the connection, and for each piece of an answer."""
    whole_s: float = 900.0
    """For one whole answer: a server that gives a byte at a time is not waited for either."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    dice: Callable[[], float] = random.random
    """From 0 to 1."""

    def wait_s(self, attempt: int, asked_s: float) -> float:
        """Seconds before the attempt after ``attempt`` (from 0): half to all of the doubled wait, or what was asked."""
        backoff = min(self.longest_wait_s, self.first_wait_s * float(1 << attempt))
        # Jitter above what was asked as well, so that not all who were sent away come back in the same moment.
        return max(backoff * (0.5 + 0.5 * self.dice()), asked_s + self.dice())


class Web:
    """Connections to the origins that are allowed."""

    def __init__(self, client: httpx.Client, origins: tuple[str, ...], patience: Patience) -> None:
        self._client, self._origins, self.patience = client, origins, patience

    def get(self, url: str, most: int) -> bytes:
        """The answer to ``url``, at most ``most`` bytes.  Raises FeedError."""

        def once() -> bytes:
            data = bytearray()
            with self.open(url) as answer:
                if answer.status_code != 200:
                    raise FeedError(f"answers {answer.status_code}, which was not asked for", file=url)
                for piece in self.pieces(answer, url, most):
                    data += piece
            return bytes(data)

        return self.patiently(once)

    def patiently(self, work: Callable[[], T]) -> T:
        """``work()``, again while it raises TryAgainError.  Raises UnreachableError after the last attempt."""
        for attempt in range(self.patience.attempts):
            try:
                return work()
            except TryAgainError as error:
                last = error
            if last.after_s > self.patience.longest_asked_s:
                raise UnreachableError(
                    f"{last.what}, and asks to wait for {last.after_s:.0f} s",
                    file=last.file,
                    todo="run the same command again then",
                ) from last
            if attempt + 1 < self.patience.attempts:
                self.patience.sleep(self.patience.wait_s(attempt, last.after_s))
        raise UnreachableError(
            f"{last.what}, {self.patience.attempts} times",
            file=last.file,
            todo="run the same command again later: what is whole is kept",
        ) from last

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
        """The answer (200, 206 or 416) with its body not read yet.

        Raises TryAgainError for a server that is busy and a connection that fails, also while the body is read;
        FeedError for an address that is not allowed, too many redirects and any other status.
        """
        import httpx

        try:
            for _ in range(_HOPS + 1):
                refuse_address(url, self._origins)
                with self._client.stream("GET", url, headers=dict(headers or {})) as answer:
                    if answer.status_code not in _REDIRECTS:
                        self._refuse_status(answer, url)
                        yield answer
                        return
                    place = answer.headers.get("location", "")
                url = _joined(url, place)
            raise FeedError(f"redirects more than {_HOPS} times", file=url)
        except httpx.InvalidURL as error:
            raise FeedError("this is no address", file=url) from error
        except httpx.TimeoutException as error:
            raise TryAgainError("does not answer in time", file=url) from error
        except httpx.TransportError as error:
            what = "cannot be reached" if isinstance(error, httpx.ConnectError) else "cuts the connection"
            raise TryAgainError(f"{what} ({str(error)[:200] or type(error).__name__})", file=url) from error

    def pieces(self, answer: httpx.Response, url: str, most: int) -> Iterator[bytes]:
        """The body in pieces as they arrive.

        Raises FeedError beyond ``most`` bytes (said in advance or not), TryAgainError when it takes too long or does
        not have the length that was said.
        """
        said = length_of(answer)
        if said is not None and said > most:
            raise FeedError(f"the answer has {said} bytes", file=url, expected=f"at most {most}")
        started, got = self.patience.clock(), 0
        for piece in answer.iter_raw():
            got += len(piece)
            if got > most:
                raise FeedError(f"the answer has more than {most} bytes", file=url, todo="it is not read any further")
            if self.patience.clock() - started > self.patience.whole_s:
                raise TryAgainError("does not answer in time", file=url)
            yield piece
        if said is not None and got != said:
            raise TryAgainError(f"gave {got} of {said} bytes", file=url)

    def _refuse_status(self, answer: httpx.Response, url: str) -> None:
        code = answer.status_code
        if code in _FOR_A_MOMENT:
            again = TryAgainError(f"answers {_status(code)}", file=url)
            again.after_s = asked_wait_s(answer.headers.get("retry-after", ""), self.patience.now())
            raise again
        if code not in (200, 206, 416):
            raise FeedError(f"answers {_status(code)}", file=url)
        if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise FeedError("answers compressed, which was not asked for", file=url)


@contextmanager
def connected(origins: tuple[str, ...], patience: Patience | None = None) -> Iterator[Web]:
    """Connections to ``origins``, closed at the end.  Raises MissingLibraryError without httpx."""
    import_library("httpx")
    import httpx

    patience = patience if patience is not None else Patience()
    with httpx.Client(
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        timeout=patience.timeout_s,
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        follow_redirects=False,
    ) as client:
        yield Web(client, origins, patience)


def refuse_address(url: str, origins: tuple[str, ...]) -> None:
    """Raise FeedError unless ``url`` is of one of the origins (scheme, host and port, nothing besides)."""
    try:
        parts = urlsplit(url) if _ADDRESS.fullmatch(url) else None
    except ValueError:
        parts = None
    if parts is None:
        raise FeedError(f"'{url[:200]}' is no address", expected=f"one of {', '.join(origins)}")
    if f"{parts.scheme.lower()}://{parts.netloc.lower()}" not in origins:
        raise FeedError(
            f"the address {url[:200]} is refused", expected=f"one of {', '.join(origins)}, which is all that is asked"
        )


def length_of(answer: httpx.Response) -> int | None:
    """The Content-Length, where there is one."""
    text = answer.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def asked_wait_s(text: str, now: datetime) -> float:
    """Seconds that a Retry-After asks to wait, given as such or as a date (RFC 9110, 10.2.3); 0 when it says none."""
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())


def _joined(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise FeedError("redirects to what is no address", file=url) from error


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)
