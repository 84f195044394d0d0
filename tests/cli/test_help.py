"""The help of every command: one layout, examples that are right, exit codes."""

from __future__ import annotations

import importlib
import re
import shlex

import pytest

from stereo3d.cli.help_text import EXIT_CODES
from stereo3d.cli.main import COMMANDS, build_parser, commands_of, main
from stereo3d.cli.main import EXAMPLES as OWN_EXAMPLES


def examples_of(name: str) -> tuple[tuple[str, str], ...]:
    """Those that the module of a command declares."""
    module = importlib.import_module(f"stereo3d.cli.{name}")
    assert hasattr(module, "EXAMPLES"), f"stereo3d/cli/{name}.py declares no EXAMPLES: (command line, what it does)"
    return tuple(module.EXAMPLES)


def arguments_of(line: str) -> list[str]:
    """What stands after "stereo3d" in a command line, without what the shell does with its output."""
    found = re.search(r"\bstereo3d( [^>)]*)?", line)
    assert found is not None, line
    return shlex.split(found[1] or "")


def help_of(name: str, capsys: pytest.CaptureFixture[str], *, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_examples_are_of_the_command_and_parse(name: str) -> None:
    examples = examples_of(name)
    assert 1 <= len(examples) <= 3
    for line, what in examples:
        arguments = arguments_of(line)
        assert arguments[0] == name, line
        assert build_parser((name,)).parse_args(arguments).command == name
        assert what == what.strip().rstrip(".")
        assert len(f"  {line}") <= 100


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("width", [60, 140])
def test_help_ends_with_exit_codes_and_examples(
    name: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = help_of(name, capsys, width=width, monkeypatch=monkeypatch)
    rest, mark, examples = shown.partition("\n\nExamples:\n")
    assert mark, shown
    assert " ".join(EXIT_CODES.split()) in " ".join(rest.split())
    # As they are declared, however wide the terminal is: a command that was wrapped could not be copied.
    assert examples == "".join(f"  {line}\n      {what}\n" for line, what in examples_of(name))


def test_notes_stand_before_the_exit_codes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of("cache", capsys, width=80, monkeypatch=monkeypatch)
    assert 0 < shown.index("STEREO3D_CACHE names") < shown.index("Exit code 0") < shown.index("Examples:")
    assert max(map(len, shown.splitlines())) <= 80


def test_help_of_the_program_ends_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert shown.index("Exit code 0") < shown.index("Examples:\n  stereo3d view\n")
    for line, _ in OWN_EXAMPLES:
        arguments = arguments_of(line)
        assert build_parser(arguments[:1]).parse_args(arguments).command == arguments[0]


def test_help_command_prints_what_the_option_prints(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["export"], []):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        by_option = capsys.readouterr().out
        assert main(["help", *words]) == 0
        assert capsys.readouterr().out == by_option


def test_help_of_what_is_no_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["help", "fly"])
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "invalid choice: 'fly'" in told
    assert told.count("\n") == 1


def test_every_command_has_a_description() -> None:
    for name, parser in commands_of(build_parser()).items():
        assert parser.description is not None, name
        assert parser.description.endswith("."), name
