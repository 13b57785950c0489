import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from posenet3d import plugins
from posenet3d.cli import main
from posenet3d.cli.train import parse_changes
from posenet3d.data import AnnotatedFile, load_shards
from posenet3d.data.datasets import DatasetCard, Download
from posenet3d.data.datasets.cmu.dataset import CmuDataset
from posenet3d.data.datasets.synthetic import SyntheticDataset
from posenet3d.data.normalization import SCALE_MODES
from posenet3d.keypoints import read_clips
from posenet3d.networks import PoseNet3D, save_model
from posenet3d.plugins import Plugin
from posenet3d.training import Trainer, TrainerConfig

SMALL = ["--option", "clips=1", "--option", "seconds=0.5"]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as left:
        main(["data", *map(str, arguments)])
    return left.value.code or 0


def test_a_dataset_becomes_files_to_train_on_and_to_test_against(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "made"
    assert run("convert", "synthetic", *SMALL, "--out", out) == 0
    told = capsys.readouterr().out
    assert f"{out / 'train.npz'}: 4 sequences, 100 frames" in told
    assert f"Next: posenet3d train --data {out / 'train.npz'}" in told
    assert f"Next: posenet3d evaluate runs/mine --data {out / 'test.npz'}\n" in told
    assert (len(read_clips(out / "train.npz")), len(AnnotatedFile(out / "test.npz"))) == (4, 4)
    assert run("info", out / "test.npz", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["clips"], report["frames_counted"], len(report["cameras"])) == (1, 100, 4)


def test_annotated_2d_is_evaluated_by_the_protocol_that_its_file_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("convert", "synthetic", *SMALL, "--split", "test", "--out", tmp_path) == 0
    assert AnnotatedFile(tmp_path / "test.npz").protocols == ("cmu14",)
    small = {"name": "temporal", "options": {"channels": 8}}
    network = {"backbone": small, "discriminator": small}
    model = PoseNet3D(TrainerConfig.preset("quick", network=network).network)
    save_model(model, tmp_path / "run")
    command = ["evaluate", str(tmp_path / "run"), "--data", str(tmp_path / "test.npz")]
    with pytest.raises(SystemExit) as left:
        main([*command, "--device", "cpu"])
    assert left.value.code in (0, None)
    told = capsys.readouterr().out
    assert "cmu14, mean over frames" in told
    assert "1 clip x 4 views" in told
    with pytest.raises(SystemExit) as left:
        main([*command, "--device", "cpu", "--protocol", "h36m"])
    assert left.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "expected protocol 'cmu14', which its sequences are for, got 'h36m'" in told


def test_a_training_set_becomes_shards(tmp_path: Path) -> None:
    assert (
        run("convert", "synthetic", *SMALL, "--split", "train", "--shards", "--out", tmp_path) == 0
    )
    assert [path.name for path in tmp_path.iterdir()] == ["train"]
    assert load_shards(tmp_path / "train").frames == 100


@pytest.mark.parametrize("mode", SCALE_MODES)
def test_shards_are_normalised_as_training_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    options = ["--split", "train", "--shards", "--normalization", mode, "--distance", "8"]
    assert run("convert", "synthetic", *SMALL, *options, "--out", tmp_path) == 0
    told = capsys.readouterr().out
    assert f"4 sequences, 100 frames, normalised by {mode!r}" in told
    command = told.split("Next: posenet3d ")[1].split()
    changes = parse_changes(command[command.index("--set") + 1 :: 2])
    config = TrainerConfig.preset("quick").override(changes)
    Trainer(config, train_data=tmp_path / "train", device="cpu", progress=False)  # refuses others
    index = load_shards(tmp_path / "train").index
    assert (index.mode, index.distance) == (mode, 8.0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["synthetic", "--split", "validation"], "Unknown split"),
        (["synthetik"], "did you mean 'synthetic'?"),
        (["synthetic", "--option", "clips=0"], "clips"),
        (["synthetic", "--normalization", "window"], "expected --shards beside it"),
        (["synthetic", "--shards", "--normalization", "windows"], "did you mean 'window'?"),
        (["keypoint_folder", "--root", ".", "--split", "test"], "with train only"),
        (["keypoint_folder", "--root", "absent"], "nothing there"),
    ],
)
def test_what_cannot_be_converted_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.csv").write_text("frame,right_knee_x,right_knee_y\n0,1,2\n")
    assert run("convert", *arguments, "--out", tmp_path / "made") == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "made").exists()


def test_what_is_there_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test.npz").write_text("mine")
    assert run("convert", "synthetic", *SMALL, "--out", tmp_path) == 2
    shown = capsys.readouterr().err
    assert "already there" in shown
    assert "or make the rest with --split train." in shown
    assert [path.name for path in tmp_path.iterdir()] == ["test.npz"]


def test_a_fault_in_the_midst_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = SyntheticDataset.training

    def interrupted(self: SyntheticDataset) -> Iterator[object]:
        yield next(whole(self))
        raise KeyboardInterrupt

    monkeypatch.setattr(SyntheticDataset, "training", interrupted)
    assert run("convert", "synthetic", *SMALL, "--out", tmp_path) == 130
    assert "nothing was written to" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_datasets_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run("list") == 0
    shown = capsys.readouterr().out
    assert "keypoint_folder" in shown
    assert "Apache-2.0" in shown
    assert run("list", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["synthetic"]["splits"] == ["train", "test"]


def test_a_broken_dataset_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    group = "posenet3d.datasets"
    broken = Plugin(group, "broken", "no_such_module:Broken", "stranger", "3.1")
    bare = Plugin(group, "bare", "builtins:dict", "stranger", "3.1")
    known = plugins._advertised
    monkeypatch.setattr(plugins, "_advertised", lambda asked: (*known(asked), broken, bare))
    assert run("list", "--json") == 0
    shown = capsys.readouterr()
    names = {row["name"] for row in json.loads(shown.out)}
    assert "synthetic" in names
    assert not names & {"broken", "bare"}
    assert "Not listed: Plug-in 'broken' of stranger 3.1" in shown.err
    assert "expected a class with a DatasetCard 'about', got NoneType" in shown.err
    assert run("fetch", "bare") == 2
    assert "'bare' of stranger 3.1" in capsys.readouterr().err


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a server, and a dataset that has one file there and one that is asked for."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "walks.npz").write_bytes(b"2D" * 1000)
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/walks.npz"
        sha256 = hashlib.sha256(b"2D" * 1000).hexdigest()
        card = DatasetCard(
            title="Walks",
            homepage="https://example.org/walks",
            licence="CC BY 4.0",
            citation="Nobody 2020",
            steps=("Ask at https://example.org/walks for truth.npz.",),
            files={"walks.npz": "2D", "truth*.npz": "3D"},
            downloads=(Download(url, "walks.npz", sha256),),
        )
        monkeypatch.setattr(SyntheticDataset, "about", card)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("hosted")
def test_fetch_downloads_what_it_may_and_tells_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "walks"
    assert run("fetch", "synthetic", "--root", root) == 2
    told = capsys.readouterr().out
    for line in ("Licence: CC BY 4.0", "Downloaded: ", "Ask at https://example.org/walks"):
        assert line in told
    assert "found (0.0 MB)" in told
    assert "missing" in told
    (root / "truth.npz").write_bytes(b"3D")
    assert run("fetch", "synthetic", "--root", root) == 0
    told = capsys.readouterr().out
    assert f"Next: posenet3d data convert synthetic --root {root}" in told
    assert "Ask at" not in told


def test_nothing_is_called_optional_where_there_is_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fetch", "mpi_inf_3dhp", "--root", tmp_path) == 2
    told = capsys.readouterr().out
    assert told.count("  missing ") == 2
    assert "optional" not in told
    (tmp_path / "S1" / "Seq1").mkdir(parents=True)
    (tmp_path / "S1" / "Seq1" / "annot.mat").write_bytes(b"2D")
    assert run("fetch", "mpi_inf_3dhp", "--root", tmp_path) == 0
    told = capsys.readouterr().out
    assert "  optional " in told
    assert "found (1 file, 0.0 MB)" in told  # of sixteen


@pytest.mark.usefixtures("hosted")
def test_fetch_without_a_folder_or_dry_downloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("fetch", "synthetic") == 0
    assert "can be downloaded" in capsys.readouterr().out
    assert run("fetch", "synthetic", "--root", "walks", "--dry-run") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("unpacked", [True, False], ids=["by fetch", "by hand"])
def test_an_archive_whose_files_are_there_is_not_fetched_again(
    hosted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unpacked: bool
) -> None:
    card = SyntheticDataset.about
    packed = replace(card.downloads[0], path="walks.zip", unpacked=unpacked)
    monkeypatch.setattr(SyntheticDataset, "about", replace(card, downloads=(packed,)))
    for name in ("walks.npz", "truth.npz"):
        (tmp_path / name).touch()
    assert run("fetch", "synthetic", "--root", tmp_path) == 0
    assert not (tmp_path / "walks.zip").exists()


def test_where_a_download_is_refused_the_steps_are_told(
    hosted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hosted / "walks.npz").unlink()
    assert run("fetch", "synthetic", "--root", tmp_path / "walks") == 2
    told = capsys.readouterr()
    assert "walks.npz: cannot be downloaded: 404" in told.err
    assert "kept" not in told.err
    assert "Ask at https://example.org/walks" in told.out


def test_cmu_s_archive_is_fetched_and_unpacked(
    hosted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with zipfile.ZipFile(hosted / "allasfamc.zip", "w") as archive:
        for name in ("01.asf", "01_01.amc"):
            archive.writestr(f"all_asfamc/subjects/01/{name}", name)
    server = SyntheticDataset.about.downloads[0].url.rpartition("/")[0]
    card = CmuDataset.about
    (packed,) = card.downloads
    here = replace(packed, url=packed.url.replace("http://mocap.cs.cmu.edu", server))
    monkeypatch.setattr(CmuDataset, "about", replace(card, downloads=(here,)))
    root = tmp_path / "cmu"
    assert run("fetch", "cmu", "--root", root) == 0
    told = capsys.readouterr().out
    assert "its publisher gives no checksum" in told
    assert f"Next: posenet3d data convert cmu --root {root}" in told
    recording = root / "all_asfamc" / "subjects" / "01" / "01_01.amc"
    recording.unlink()  # as if unpacking had been interrupted
    assert run("fetch", "cmu", "--root", root) == 0
    assert recording.read_text() == "01_01.amc"


def test_a_wrong_checksum_ends_in_one_message(
    hosted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hosted / "walks.npz").write_bytes(b"cut off")
    assert run("fetch", "synthetic", "--root", tmp_path / "walks") == 2
    assert "expected a file with SHA-256" in capsys.readouterr().err
    assert list((tmp_path / "walks").iterdir()) == []


def test_what_needs_no_files_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fetch", "synthetic") == 0
    assert "Nothing to do" in capsys.readouterr().out
