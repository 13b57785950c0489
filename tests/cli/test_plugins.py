import json
import sys
from types import SimpleNamespace

import pytest

from posenet3d import plugins
from posenet3d.body import mannequin_data
from posenet3d.cli import main
from posenet3d.cli.plugins import BODIES
from posenet3d.errors import PluginLoadError
from posenet3d.plugins import Plugin

STICK = Plugin("posenet3d.body_models", "stick", "sticks:Stick", "stranger", "3.1")
DRIFT = Plugin("posenet3d.losses", "drift", "no_such_module:Drift", "stranger", "3.1")


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """One installed plug-in, whose import fails."""

    def advertised(group: str) -> tuple[Plugin, ...]:
        return (DRIFT,) if group == DRIFT.group else ()

    monkeypatch.setattr(plugins, "_advertised", advertised)


def run(*arguments: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(["plugins", *arguments])
    return left.value.code


@pytest.mark.usefixtures("stranger")
def test_the_table_tells_group_name_and_package_unbroken_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run() == 0
    shown = capsys.readouterr().out
    for fact in (DRIFT.group, DRIFT.name, "stranger 3.1"):
        assert fact in shown


@pytest.mark.usefixtures("stranger")
def test_json_holds_what_the_table_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    assert [Plugin(**row) for row in json.loads(capsys.readouterr().out)] == [DRIFT]


@pytest.mark.usefixtures("stranger")
def test_an_empty_group_is_said_to_be_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("exporters") == 0
    assert "No plug-ins." in capsys.readouterr().out


@pytest.mark.usefixtures("stranger")
def test_check_tells_what_cannot_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PluginLoadError) as fault:
        DRIFT.load()
    assert run("--check", "--json") == 2
    (row,) = json.loads(capsys.readouterr().out)
    assert row["error"] == str(fault.value)
    assert run("--check") == 2
    assert "no_such_module" in capsys.readouterr().out


def test_every_installed_plugin_of_the_library_can_be_imported() -> None:
    assert run("--check") == 0


def test_body_models_are_listed_with_family_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("body_models", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["mannequin"]["family"], rows["mannequin"]["license"]) == (
        "makehuman-cc0",
        "CC0 1.0",
    )
    assert "non-commercial" in rows["smpl"]["license"]
    assert run("body_models") == 0
    assert "makehuman-cc0" in capsys.readouterr().out


def test_what_is_told_of_the_mannequin_is_so() -> None:
    family, licence = BODIES["posenet3d.body:load_mannequin"]
    assert mannequin_data().family == family
    assert licence in mannequin_data().license


def test_a_strangers_body_tells_family_and_licence_when_it_is_imported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = type("Stick", (), {"family": "stick"})
    monkeypatch.setitem(sys.modules, "sticks", SimpleNamespace(Stick=stick))

    def advertised(group: str) -> tuple[Plugin, ...]:
        return (STICK,) if group == STICK.group else ()

    monkeypatch.setattr(plugins, "_advertised", advertised)
    for options, facts in ((), ("--check tells",) * 2), (("--check",), ("stick", "not told")):
        assert run("--json", *options) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["family"], row["license"]) == facts
