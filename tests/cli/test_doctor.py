import json
import platform
from importlib import metadata
from pathlib import Path

import pytest
import torch

from posenet3d import __version__
from posenet3d.cli import doctor, main
from posenet3d.networks import pretrained


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["doctor", *arguments])
    assert left.value.code == 0


def test_json_tells_versions_devices_threads_and_extras(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("--json")
    report = json.loads(capsys.readouterr().out)
    assert report["posenet3d"] == __version__
    assert report["python"] == platform.python_version()
    assert report["versions"]["torch"] == metadata.version("torch")
    assert report["devices"][0].startswith("cpu")
    assert report["threads"]["torch"] == torch.get_num_threads()
    assert {"viz", "smpl", "docs", "test"} <= set(report["extras"])
    assert report["extras"]["test"] == {"missing": [], "install": 'pip install "posenet3d[test]"'}


def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        if package == "matplotlib":
            raise metadata.PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(doctor.metadata, "version", version)
    monkeypatch.setenv("COLUMNS", "120")
    run()
    shown = capsys.readouterr().out
    assert 'missing matplotlib; pip install "posenet3d[viz]"' in shown


def test_graphics_cards_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"card {index}")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert doctor.examine()["devices"][1:] == ["cuda:0 (card 0)", "mps"]


def test_the_weights_that_ship_are_listed_with_their_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    assert doctor.examine()["weights"] == {}
    run()
    assert "none ship" in capsys.readouterr().out
    for name, size in (("toy", 1_500_000), (pretrained.DEFAULT_WEIGHTS, 10)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_bytes(b" " * size)
    weights = doctor.examine()["weights"]
    assert weights["toy"] == {"bytes": 1_500_000, "default": False}
    assert weights[pretrained.DEFAULT_WEIGHTS] == {"bytes": 10, "default": True}
    run()
    shown = capsys.readouterr().out
    assert "1.5 MB" in shown
    assert "from_pretrained()'s default" in shown
