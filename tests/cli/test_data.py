import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from posenet3d.cli import main
from posenet3d.cli.train import parse_changes
from posenet3d.data import load_shards
from posenet3d.keypoints import KeypointSequence, write_clips
from posenet3d.training import TrainerConfig


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["data", *map(str, arguments)])
    return left.value.code or 0


def walk(frames=50, seed=0, **facts):
    up = np.linspace(0, -100, 14)[:, None] * np.array([0.1, 1.0])
    points = up + np.random.default_rng(seed).normal(size=(frames, 14, 2))
    return KeypointSequence(points, layout="lsp_14", fps=25.0, **facts)


@pytest.fixture
def clips(tmp_path):
    """A folder of two files: three clips of two people, one with a gap."""
    folder = tmp_path / "clips"
    folder.mkdir()
    seen = np.arange(50) + (np.arange(50) >= 30)
    write_clips(folder / "a.npz", {"anna/walk": walk(), "anna/run": walk(40, 1)})
    write_clips(folder / "b.npz", {"ben/walk": walk(50, 2, frame_index=seen)})
    return folder


def test_files_become_shards_and_are_told_what_to_do_next(clips, tmp_path, capsys):
    out = tmp_path / "shards"
    assert run("shard", clips, "--out", out, "--frames-per-shard", 60) == 0
    shown = capsys.readouterr().out
    assert "3 sequences, 140 frames in 3 shards, normalised by 'sequence'" in shown
    assert f"Next: posenet3d train --data {out} --run runs/mine\n" in shown
    assert (len(load_shards(out)), load_shards(out).frames) == (3, 140)


def test_normalisation_and_protocol_are_options(tmp_path, capsys):
    joints = np.random.default_rng(0).normal(size=(20, 14, 3))
    np.savez(tmp_path / "motion.npz", fps=50.0, layout="lsp_14", **{"S1/a": joints})
    options = ["--protocol", "cmu14-wild", "--split", "test"]
    options += ["--normalization", "dataset", "--distance", 8]
    assert run("shard", tmp_path / "motion.npz", "--out", tmp_path / "shards", *options) == 0
    index = load_shards(tmp_path / "shards").index
    assert (len(index), index.mode, index.distance) == (4, "dataset", 8.0)
    told = capsys.readouterr().out
    assert "4 sequences, 80 frames" in told
    (command,) = [line for line in told.splitlines() if line.startswith("Next: posenet3d train ")]
    changes = parse_changes(command.split()[command.split().index("--set") + 1 :: 2])
    network = TrainerConfig.preset("quick").override(changes).network
    assert (network.normalization, network.distance) == ("dataset", 8.0)


def test_info_tells_what_a_folder_holds(clips, tmp_path, capsys):
    out = tmp_path / "shards"
    assert run("shard", clips, "--out", out) == 0
    capsys.readouterr()
    assert run("info", out, "--json", "--check") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sequences"], report["stretches"], report["subjects"]) == (3, 4, 2)
    assert (report["frames"], report["fps"]) == (140, [25.0])
    assert report["hours"] == pytest.approx(140 / 25 / 3600, abs=1e-4)
    assert (report["normalization"], report["distance"]) == ("sequence", 10.0)
    assert (report["shards"], report["bytes"]) == (1, 140 * 112 + 128)
    assert report["checksums"] == "as written"
    assert run("info", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["checksums"] == "not checked"


def test_info_tells_what_a_file_holds(clips, capsys):
    assert run("info", clips / "b.npz", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sequences"], report["stretches"], report["frames"]) == (1, 2, 50)
    assert (report["layout"], report["normalization"]) == (["lsp_14"], None)


def test_info_tells_what_3d_motion_is_before_anybody_films_it(tmp_path, capsys):
    path = tmp_path / "motion.npz"
    still = np.random.default_rng(0).normal(size=(20, 14, 3))
    np.savez(path, fps=50.0, layout="lsp_14", **{"S1/a": still, "S1/b": still, "S2/a": still})
    assert run("info", path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert "3D motion" in report["kind"]
    assert (report["clips"], report["subjects"], report["frames"]) == (3, 2, 60)
    assert (report["fps"], report["layout"]) == ([50.0], ["lsp_14"])
    assert run("info", path, "--json", "--protocol", "cmu14") == 0
    assert json.loads(capsys.readouterr().out)["sequences"] == 3 * 4


def test_info_tells_what_a_detector_wrote(tmp_path, capsys):
    joints = [number for joint in range(25) for number in (joint, 2 * joint, 0.9)]
    folder = tmp_path / "anna" / "walk"
    folder.mkdir(parents=True)
    for frame in range(20):
        person = {"person_id": [-1], "pose_keypoints_2d": joints}
        (folder / f"cam_{frame:012}_keypoints.json").write_text(json.dumps({"people": [person]}))
    assert run("info", tmp_path, "--layout", "body_25", "--fps", "20", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sequences"], report["subjects"], report["frames"]) == (1, 1, 20)
    assert (report["fps"], report["layout"]) == ([20.0], ["body_25"])
    assert run("info", tmp_path) == 2
    assert "say --layout body_25" in capsys.readouterr().err


def test_info_tells_what_another_program_s_npz_holds(tmp_path, capsys):
    found = {"S1": {"Walking": list(np.ones((4, 9, 17, 2), dtype=np.float32))}}
    sides = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    path = tmp_path / "data_2d_h36m_gt.npz"
    np.savez(path, positions_2d=found, metadata={"keypoints_symmetry": sides})
    assert run("info", path) == 2
    assert "say --fps" in capsys.readouterr().err
    assert run("info", path, "--fps", "50", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sequences"], report["frames"], report["layout"]) == (4, 36, ["h36m_17"])


def test_info_is_a_table_for_people(clips, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert run("shard", clips, "--out", tmp_path / "shards") == 0
    capsys.readouterr()
    assert run("info", tmp_path / "shards") == 0
    shown = capsys.readouterr().out
    for fact in ("sequences", "subjects", "140", "hours", "normalization", "sequence"):
        assert fact in shown
    assert "head to root length" not in shown  # there is none in this mode


def test_a_checksum_is_whole_on_a_narrow_terminal(clips, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert run("shard", clips, "--out", tmp_path / "shards") == 0
    assert "in 1 shard, normalised" in capsys.readouterr().out
    assert run("info", tmp_path / "shards") == 0
    cells = [
        line.split("│")[2].strip() for line in capsys.readouterr().out.splitlines() if "│" in line
    ]
    assert load_shards(tmp_path / "shards").fingerprint() in "".join(cells)


def test_shards_are_filmed_already(clips, tmp_path, capsys):
    assert run("shard", clips, "--out", tmp_path / "shards") == 0
    assert run("info", tmp_path / "shards", "--protocol", "cmu14") == 2
    assert "leave the protocol away" in capsys.readouterr().err


def test_a_changed_shard_is_found_when_asked(clips, tmp_path, capsys):
    out = tmp_path / "shards"
    assert run("shard", clips, "--out", out) == 0
    content = bytearray((out / "00000.npy").read_bytes())
    content[1000] ^= 4
    (out / "00000.npy").write_bytes(content)
    assert run("info", out) == 0
    assert run("info", out, "--check") == 2
    told = capsys.readouterr().err
    assert "00000.npy" in told
    assert "the file changed" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["shard", "clips/c.npz", "--out", "shards"], "no such file or folder"),
        (["shard", "clips", "--out", "clips"], "already there"),
        (["shard", "clips", "--out", "no/such/shards"], "Check that its folder exists"),
        (["shard", "clips", "--out", "shards", "--protocol", "cmu14"], "leave the protocol away"),
        (["shard", "clips", "--out", "shards", "--protocol", "cmu15"], "did you mean 'cmu14'?"),
        (["shard", "clips", "--out", "shards", "--normalization", "frames"], "'frame'"),
        (["shard", "clips", "--out", "shards", "--distance", "0"], "a positive number"),
        (
            ["shard", "clips", "--out", "shards", "--frames-per-shard", "0"],
            "Invalid value for",
        ),
        (["shard", "--out", "shards"], "Missing argument 'IN'"),
        (["info", "clips", "--check"], "folder of shards for --check"),
        (["info", "clips", "--protocol", "cmu14"], "leave the protocol away"),
        (["info", "clips/c.npz"], "cannot be read"),
        (["shard", "no/clips.npz", "--out", "clips"], "no such file or folder"),
        (["info", "clips/a.npz", "--check"], "folder of shards for --check"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    clips, tmp_path, monkeypatch, arguments, told, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a child")
def test_an_interrupted_command_leaves_nothing_behind(tmp_path):
    clips = {f"a/{n}:points": np.asarray(walk(5000, n).points) for n in range(4)}
    np.savez(tmp_path / "clips.npz", layout="lsp_14", fps=25, **clips)
    many = [str(tmp_path / "clips.npz")]
    out = tmp_path / "out"
    out.mkdir()
    program = (
        "import sys, itertools, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background
        "from posenet3d.cli import main\n"
        "from posenet3d.data import SequenceFiles\n"
        "whole = SequenceFiles.of\n"
        "def endless(self, path):\n"
        "    for n in itertools.count():\n"
        "        yield from ((f'{n}/{name}', s) for name, s in whole(self, path))\n"
        "SequenceFiles.of = endless\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", program, "data", "shard", *many, "--out", str(out / "shards")]
    process = subprocess.Popen([*command, "--frames-per-shard", "5000"], stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 60
        while not list(out.glob(".*/00001.npy")) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, told
    assert told.decode().endswith(f"Interrupted; nothing was written to {out / 'shards'}.\n")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("arguments", [["data", "--help"], ["data", "shard", "--help"]])
def test_help_imports_no_torch(arguments):
    program = (
        "import sys\nfrom posenet3d.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False False", done.stderr
