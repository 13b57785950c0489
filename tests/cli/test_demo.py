import json
from pathlib import Path

import pytest

from posenet3d.cli import demo, main


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "TRAINING_CLIPS", 2)
    monkeypatch.setattr(demo, "TEST_CLIPS", 1)
    monkeypatch.setattr(demo, "SECONDS", 1.0)


@pytest.mark.usefixtures("small")
def test_the_demo_writes_table_pictures_mesh_and_run_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["demo", "--out", str(tmp_path), "--budget", "0.003", "--device", "cpu"])
    assert left.value.code == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {"flat", "teacher", "student", "mean"} <= set(figures)
    assert "P-MPJPE" in (tmp_path / "figures.txt").read_text()
    for picture in ("skeletons.png", "curves.png"):
        assert (tmp_path / picture).stat().st_size > 1000
    mesh = (tmp_path / "body.obj").read_text().splitlines()
    assert sum(line.startswith("v ") for line in mesh) == 6890
    assert (tmp_path / "run" / "model.safetensors").is_file()
    told = capsys.readouterr().out
    assert "Look at" in told
    for made in ("skeletons.png", "body.obj", "figures.txt", "curves.png", "run"):
        assert f"\n  {tmp_path / made} " in told
    assert "Try next" in told
