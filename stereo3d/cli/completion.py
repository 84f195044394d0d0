"""``stereo3d completion``: the script that lets a shell complete what is typed after ``stereo3d``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from stereo3d.libraries import import_library

SHELLS = ("bash", "zsh", "fish")

EXAMPLES = (
    ('eval "$(stereo3d completion bash)"', "in ~/.bashrc: Tab completes from the next shell on"),
    ("stereo3d completion zsh > ~/.zfunc/_stereo3d", "for zsh, in a folder of its fpath"),
    ("stereo3d completion fish > ~/.config/fish/completions/stereo3d.fish", "for fish"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """SHELL."""
    parser.epilog = (
        "The script is made of the program's own parsers and holds all that it needs: completing does not run "
        "stereo3d.  Print it again after an update."
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    print(completion_script(args.shell))
    return 0


_BASH_FOLDERS = """
_stereo3d_dirs() {
  compgen -d -- "$1"
}
"""
_BASH_END = "complete -o bashdefault -o default -F _shtab_stereo3d stereo3d"
"""What bash finds nothing for is completed by bash itself, which knows names with spaces, quotes, ~ and variables."""


def completion_script(shell: str) -> str:
    """What ``shell`` (one of SHELLS) is to read.  Imports every command; raises MissingLibraryError without shtab."""
    from stereo3d.cli.main import COMMANDS, build_parser, commands_of  # not above: it is what imports this module

    shtab = import_library("shtab")
    files = {**shtab.FILE, "bash": ":"}
    folders = {**shtab.DIRECTORY, "bash": "_stereo3d_dirs", "preamble": {"bash": _BASH_FOLDERS}}
    parser = build_parser(COMMANDS)
    for one in (parser, *commands_of(parser).values()):
        for action in path_arguments(one):
            action.complete = folders if action.metavar == "DIR" else files  # type: ignore[attr-defined]
    script = str(shtab.complete(parser, shell))
    if shell == "zsh":  # shtab's own word for "any number of files" offers the first one only
        return re.sub(r'^  "\(\*\)::?', '  "*:', script, flags=re.MULTILINE)
    return f"{script}\n{_BASH_END}" if shell == "bash" else script


def path_arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments that are files or folders: those of type Path; with the metavar DIR, folders alone."""
    return [action for action in parser._actions if action.type is Path]
