"""A table of the paper from a dataset's own files, as whoever holds the licence makes it."""

import importlib.util
import json
from pathlib import Path

import pytest

from posenet3d.cli import main

pytest.importorskip("scipy")

TOY = [
    "network.backbone.options.channels=8",
    "network.discriminator.options.channels=8",
    "batch_size=4",
    "validation.picture=false",
    "posenet3d:stages.distillation.batch_size=4",
    "posenet3d:stages.sja.batch_size=4",
]


@pytest.fixture(scope="module")
def h36m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of VideoPose3D's files, of made-up people."""
    path = Path(__file__).parents[1] / "data" / "datasets" / "human36m_files.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    files = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(files)
    files.RECORDINGS = [each for each in files.RECORDINGS if each.startswith("Photo")]
    root = tmp_path_factory.mktemp("h36m")
    standing, places = files.cameras(), files.world()
    seen = files.views(standing, places)
    files.write_archives(root, places, seen)
    files.write_detections(root, seen)
    files.write_metadata_xml(root / "metadata.xml", standing)
    return root


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(each) for each in arguments])
    return left.value.code


def test_human36m_is_converted_and_a_table_made_under_the_papers_protocol(
    h36m: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact, detected = tmp_path / "gt", tmp_path / "cpn"
    for keypoints, out in (("gt", exact), ("cpn_ft_h36m_dbb", detected)):
        told = ["data", "convert", "human36m", "--root", h36m, "--out", out]
        options = [f"keypoints={keypoints}", 'actions=["Photo"]', 'subjects=["S1"]']
        told += [word for option in options for word in ("--option", option)]
        assert run(*told) in (0, None), capsys.readouterr().err
    made = ["reproduce", "table2", "--data", exact, "--detected", detected, "--seeds", 0]
    made += ["--budget", 0.001, "--device", "cpu", "--out", tmp_path / "tables"]
    made += [word for change in TOY for word in ("--set", change)]
    assert run(*made) in (0, None), capsys.readouterr().err
    table = json.loads((tmp_path / "tables" / "table2.json").read_text())
    assert table["complete"]
    assert table["papers_data"]
    assert table["protocol"] == "h36m"
    assert sorted(table["subjects"]) == ["S11", "S9"]
    page = (tmp_path / "tables" / "table2.md").read_text()
    assert "63.7" in page
