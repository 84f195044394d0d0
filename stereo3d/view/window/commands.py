"""Keys of the window: commands in groups, menus to choose from, and the help that lists them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stereo3d.view.overlay import HEAD

NAMES = {
    "return": "Enter", "backspace": "Backspace", "escape": "Esc", "plus": "+", "minus": "-", "comma": ",",
    "period": ".", "question": "?", "space": "Space", "bracketleft": "[", "bracketright": "]", "delete": "Delete",
    "prior": "PageUp", "next": "PageDown",
}  # fmt: skip
"""X's name of a key to what stands on it."""

_ALSO = {"enter": "return", "add": "plus", "subtract": "minus", "equal": "plus", "underscore": "minus"}


def key_name(symbol: str, shift: bool) -> str:
    """The name of a key in this program: X's in small letters, with "shift-" before a letter."""
    key = symbol.lower().removeprefix("kp_")
    key = _ALSO.get(key, key)
    return f"shift-{key}" if shift and len(key) == 1 and key.isalpha() else key


def shown_key(key: str) -> str:
    """What a person reads for a key."""
    if key.startswith("shift-"):
        return f"Shift+{key[-1].upper()}"
    return NAMES.get(key, key.upper() if key.startswith("f") and key[1:].isdigit() else key)


@dataclass(frozen=True)
class Command:
    """What a key does."""

    key: str
    group: str
    text: str
    do: Callable[[], None]


@dataclass(frozen=True)
class Choice:
    """One line of a menu."""

    key: str
    text: Callable[[], str]
    """Told anew each time: it holds the present value."""
    do: Callable[[], None]
    stays: bool = False
    """The menu stays open, for what is turned on and off."""


@dataclass(frozen=True)
class Menu:
    """A list of choices, opened and closed by its own key."""

    key: str
    title: str
    choices: tuple[Choice, ...]

    def lines(self) -> list[str]:
        """What a person reads."""
        return [HEAD + self.title, *(f"{shown_key(c.key):<5}  {c.text()}" for c in self.choices), "Esc    close"]


class Commands:
    """All keys, and which menu is open."""

    def __init__(self, commands: Sequence[Command], menus: Sequence[Menu]) -> None:
        """Raises ValueError where a key stands twice."""
        keys = [c.key for c in commands] + [m.key for m in menus]
        twice = sorted({k for k in keys if keys.count(k) > 1})
        if twice:
            raise ValueError(f"keys that stand twice: {', '.join(twice)}")
        self._commands = {c.key: c for c in commands}
        self._menus = {m.key: m for m in menus}
        self.open: Menu | None = None

    def press(self, key: str) -> bool:
        """Do what the key means; whether it means anything."""
        menu = self.open
        if menu is not None:
            for choice in menu.choices:
                if choice.key == key:
                    if not choice.stays:
                        self.open = None
                    choice.do()
                    return True
            self.open = None
            if key in ("escape", menu.key):
                return True
        if key in self._menus:
            self.open = self._menus[key]
            return True
        if key not in self._commands:
            return menu is not None
        self._commands[key].do()
        return True

    def help(self, more: Sequence[tuple[str, str, str]], page: int = 1) -> list[str]:
        """The keys in groups, or what is in the menus (page 2); ``more``: (group, keys, text) of what is no command."""
        if page == 2:
            return two_columns([
                [f"{HEAD}{shown_key(m.key)}  {m.title}", *(f"{shown_key(c.key):<6}  {c.text()}" for c in m.choices)]
                for m in self._menus.values()
            ])  # fmt: skip
        groups: dict[str, list[tuple[str, str]]] = {}
        for group, keys, text in more:
            groups.setdefault(group, []).append((keys, text))
        for command in self._commands.values():
            groups.setdefault(command.group, []).append((shown_key(command.key), command.text))
        for menu in self._menus.values():
            groups.setdefault("menus", []).append((shown_key(menu.key), menu.title))
        groups.setdefault("menus", []).append(("h again", "what is in the menus"))
        blocks = [[HEAD + name, *(f"{keys:<16}  {text}" for keys, text in lines)] for name, lines in groups.items()]
        return two_columns(blocks)


def two_columns(blocks: Sequence[Sequence[str]], left: int = 64) -> list[str]:
    """Blocks of lines beside each other, in two columns of about the same height; ``left`` letters for the first."""
    total, height = sum(len(b) for b in blocks), 0
    first: list[str] = []
    rest = list(blocks)
    while rest and height + len(rest[0]) / 2 <= total / 2:
        height += len(rest[0])
        first += rest.pop(0)
    second = [line for block in rest for line in block]
    rows = max(len(first), len(second))
    first, second = ([*part, *[""] * (rows - len(part))] for part in (first, second))
    return [f"{a:<{left}}  {b}" if b else a for a, b in zip(first, second, strict=True)]
