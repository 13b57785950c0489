import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Never

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from posenet3d import __version__
from posenet3d.cli import app as command_line
from posenet3d.cli import main
from posenet3d.errors import StorageError


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code if isinstance(left.value.code, int) else int(bool(left.value.code))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["plugins", "--help"],
        ["plugins"],
        ["body", "--help"],
        ["doctor", "--help"],
        ["train", "--help"],
        ["evaluate", "--help"],
        ["demo", "--help"],
    ],
)
def test_help_and_lists_answer_without_importing_torch(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from posenet3d.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as left:\n"
        "    assert not left.code, left.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "assert 'numpy' not in sys.modules, 'numpy was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_module_stands_for_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "posenet3d", "--version"], capture_output=True, text=True
    )
    assert done.stdout == f"posenet3d {__version__}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for command in ("train", "evaluate", "demo", "plugins", "doctor"):
        assert command in shown


def test_a_paragraph_of_help_fills_its_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    assert run("lift", "--help") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith("Everything asked for"))
    paragraph = lines[first : lines.index("", first)]
    assert all(len(line) > 60 for line in paragraph[:-1]), paragraph


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: 0, done; 2, an error that you can mend" in shown


def commands_of(command: Any, name: str = "posenet3d") -> Iterator[tuple[str, Any]]:
    """Each command that can be run, with its name."""
    if isinstance(command, TyperGroup):
        for each, inner in command.commands.items():
            yield from commands_of(inner, f"{name} {each}")
    else:
        yield name, command


COMMANDS = dict(commands_of(typer.main.get_command(command_line.app)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_and_option_is_explained(command: str) -> None:
    unexplained = [each.name for each in COMMANDS[command].params if not each.help]
    assert not unexplained


def test_an_option_of_one_name_takes_one_kind_of_value_in_all_commands() -> None:
    kinds: dict[str, set[bool]] = {}
    for command in COMMANDS.values():
        for each in command.params:
            if isinstance(each, TyperOption):
                kinds.setdefault(max(each.opts, key=len), set()).add(each.is_flag)
    assert not [name for name, flags in kinds.items() if len(flags) > 1]
    assert kinds["--json"] == {True}


@pytest.mark.parametrize("command", COMMANDS)
def test_out_is_short_where_it_names_a_file(command: str) -> None:
    outs = [each for each in COMMANDS[command].params if "--out" in each.opts]
    for each in outs:
        assert each.metavar == ("FILE" if "-o" in each.opts else "FOLDER")


@pytest.mark.parametrize("arguments", [["trian"], ["plugins", "--jason"], []])
def test_wrong_usage_leaves_with_2_and_no_traceback(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_our_error_is_a_message_on_standard_error_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("plugins", "lozzes") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: Unknown plug-in group 'lozzes'; did you mean 'losses'?")
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    "arguments", [["--debug", "plugins", "lozzes"], ["plugins", "lozzes", "--debug"]]
)
def test_debug_adds_the_traceback_wherever_it_stands(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code"),
    [(KeyboardInterrupt(), 130), (StorageError("runs/a", "no space left"), 2)],
    ids=["interrupt", "storage"],
)
def test_an_ended_command_sets_the_exit_code(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, **__: object) -> Never:
        raise raised

    monkeypatch.setattr("posenet3d.plugins.list_plugins", end)
    assert run("plugins") == code
    monkeypatch.setattr(command_line, "app", end)
    monkeypatch.setattr(command_line, "options_of", lambda _: {})
    assert run() == code


def test_an_error_of_another_kind_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Never:
        raise ZeroDivisionError

    monkeypatch.setattr("posenet3d.plugins.list_plugins", fail)
    with pytest.raises(ZeroDivisionError):
        main(["plugins"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "say --layout body_25 or --layout body_25b."),
        (["--layout", "body_25"], "say --fps."),
        (["--layout", "body_25", "--fps", "30", "--height-m", "-1"], "--height-m: expected metres"),
    ],
)
def test_an_error_names_what_is_typed_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], told: str
) -> None:
    people = {"people": [{"pose_keypoints_2d": [float(each) for each in range(75)]}]}
    for frame in range(2):
        (tmp_path / f"walk_{frame:012}_keypoints.json").write_text(json.dumps(people))
    out = tmp_path / "walk.npz"
    assert run("lift", str(tmp_path), "--out", str(out), "--device", "cpu", *given) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "layout=" not in said
    assert "fps=" not in said


def test_the_options_are_those_of_the_command_that_is_called() -> None:
    assert command_line.options_of(["lift", "a.json"])["joints"] == "--joint"
    assert command_line.options_of(["body", "convert"]) != command_line.options_of(["body"])
    assert command_line.options_of([])["debug"] == "--debug"
