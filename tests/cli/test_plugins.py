import json

import pytest

from posenet3d import plugins
from posenet3d.cli import main
from posenet3d.errors import PluginLoadError
from posenet3d.plugins import Plugin

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
def test_the_table_tells_group_name_package_and_target(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run() == 0
    shown = capsys.readouterr().out
    for fact in (DRIFT.group, DRIFT.name, "stranger 3.1", DRIFT.target):
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
