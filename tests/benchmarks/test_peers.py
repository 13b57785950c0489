import importlib.util
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from posenet3d.data import MotionClip
from posenet3d.evaluation import evaluate


def load(path, monkeypatch):
    """A file of benchmarks/ as a module, with its neighbours on the path."""
    if not path.exists():
        pytest.skip("no benchmarks beside these tests")
    monkeypatch.syspath_prepend(str(path.parent))
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def film(repository, monkeypatch):
    return load(repository / "benchmarks" / "peers" / "film.py", monkeypatch)


@pytest.fixture
def run_one(repository, monkeypatch):
    return load(repository / "benchmarks" / "peers" / "run_one.py", monkeypatch)


@pytest.fixture
def peers(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks" / "peers"))
    return load(repository / "benchmarks" / "peers.py", monkeypatch)


@pytest.fixture
def clips():
    random = np.random.default_rng(0)
    still = random.normal(scale=0.4, size=(1, 14, 3))
    walks = [still + random.normal(scale=0.02, size=(frames, 14, 3)) for frames in (13, 22)]
    return tuple(
        MotionClip(f"S{number}/walk", walk, "lsp_14", fps=50.0) for number, walk in enumerate(walks)
    )


@pytest.mark.parametrize("protocol", ["cmu14", "cmu14-wild"])
def test_a_peer_is_judged_on_the_frames_and_by_the_figures_of_evaluate(film, clips, protocol):
    depths = torch.linspace(-1, 1, 14)

    def ours(windows):
        depth = depths.expand(windows.shape[:-1])
        return {"ramp": torch.cat([windows, 0.05 * depth[..., None]], dim=-1)}

    def peer(points):
        seen = torch.from_numpy(film.sequence_scaled(points)).float()
        return ours(seen[:, None])["ramp"][:, 0].numpy()

    expected = evaluate(ours, clips, protocol, frames=1)
    report = film.judge({"ramp": peer}, clips, protocol, both_signs=True)
    assert report.frames == expected.frames
    for head in ("flat", "ramp"):
        for figure in ("p_mpjpe", "n_mpjpe", "mpjve", "mblstd", "pck_150", "auc"):
            found = getattr(report[head], figure)
            assert found == pytest.approx(getattr(expected[head], figure), rel=1e-6), figure
    flipped = report["ramp" + film.NEGATED]
    assert flipped.p_mpjpe == pytest.approx(report["ramp"].p_mpjpe_depth_flipped, rel=1e-6)
    assert flipped.p_mpjpe != pytest.approx(report["ramp"].p_mpjpe, rel=1e-3)


def test_a_peer_that_learns_from_2d_is_given_no_truth(film, clips):
    assert all(view.joints is None for view in film.film(clips, "cmu14", with_truth=False))


def test_an_epoch_holds_each_window_once_and_none_crosses_into_the_next_sequence(film):
    sequences = [np.full((length, 1), number) for number, length in enumerate((5, 2, 9))]
    windows = film.Windows(sequences, batch=2, seed=3, length=3)
    assert len(windows) == 3 + 0 + 7
    drawn = torch.cat([windows(step) for step in range(windows.steps_an_epoch)])
    assert (drawn == drawn[:, :1]).all()
    starts = np.concatenate([windows.draw(step) for step in range(5)])
    assert sorted(starts) == [0, 1, 2, 7, 8, 9, 10, 11, 12, 13]


def test_a_step_draws_the_same_windows_whatever_was_drawn_before(film):
    sequences = [np.arange(30.0)[:, None]]
    straight = film.Windows(sequences, batch=4, seed=1)
    before = [straight.draw(step) for step in range(20)]
    resumed = film.Windows(sequences, batch=4, seed=1)
    np.testing.assert_array_equal(resumed.draw(17), before[17])
    assert not np.array_equal(film.Windows(sequences, batch=4, seed=2).draw(17), before[17])


def test_poses_scaled_by_frame_come_back_by_their_scale(film):
    points = np.random.default_rng(0).normal(size=(4, 14, 2))
    scaled, scale = film.frame_scaled(points)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=-1).mean(axis=1), 1)
    np.testing.assert_allclose(scaled * scale, film.rooted(points))


@pytest.fixture
def job(tmp_path, peers, monkeypatch):
    """What `run_job` takes, with a runner that writes a row in place of a training."""

    def runner(command, *, check, env):
        assert env["OMP_NUM_THREADS"] == "1"
        told = json.loads((tmp_path / "run" / "job.json").read_text())
        (tmp_path / "run" / "row.json").write_text(json.dumps({"seed": told["seed"]}))
        ran.append(command)

    ran = []
    monkeypatch.setattr(peers, "subprocess", SimpleNamespace(run=runner))
    told = {"adapter": "martinez", "hold_out": ["S02"], "seed": 4, "command": "x", "steps": 2}
    return SimpleNamespace(told=told, folder=tmp_path / "run", ran=ran)


def test_a_run_with_a_row_is_not_run_again(peers, job):
    for _ in range(2):
        row = peers.run_job("run_one.py", job.folder, job.told)
        assert row == {"seed": 4}
    assert len(job.ran) == 1


def test_a_folder_of_another_job_is_refused(peers, job):
    peers.run_job("run_one.py", job.folder, job.told)
    with pytest.raises(SystemExit, match="holds another job"):
        peers.run_job("run_one.py", job.folder, job.told | {"steps": 3})


def test_each_look_at_the_test_subjects_is_written_down_and_no_other(run_one, tmp_path):
    job = {"adapter": "martinez", "seed": 4, "command": "x", "looks": str(tmp_path)}
    run_one.record_look(job | {"hold_out": ["S02"]})
    assert not (tmp_path / "looks_at_test.md").exists()
    for _ in range(2):
        run_one.record_look(job | {"hold_out": []})
    lines = (tmp_path / "looks_at_test.md").read_text().splitlines()
    assert [line.split(" | ")[2:] for line in lines[-2:]] == 2 * [["martinez, seed 4", "`x` |"]]


def test_a_row_takes_the_place_of_its_former_self_and_the_floor_lies_lowest(peers, tmp_path):
    common = {"protocol": "cmu14", "judged_on": "held out S02", "settings_name": "small"}
    common |= {"steps": 5, "seed": 0, "settings": {"batch": 1}}
    rows = [
        common | {"name": "flat depth", "kind": "floor", "metrics": {"p_mpjpe": 30.0}},
        common | {"name": "a peer", "kind": "2D only", "metrics": {"p_mpjpe": 60.0}},
        common | {"name": "a ceiling", "kind": "supervised", "metrics": {"p_mpjpe": 90.0}},
    ]
    peers.merged(tmp_path / "peers.json", rows)
    better = rows[1] | {"metrics": {"p_mpjpe": 50.0}}
    again = peers.merged(tmp_path / "peers.json", [better])
    assert [row["name"] for row in again] == ["a ceiling", "a peer", "flat depth"]
    assert again[1]["metrics"]["p_mpjpe"] == 50.0
    assert json.loads((tmp_path / "peers.json").read_text()) == again


def test_an_unknown_setting_is_refused(peers):
    tuned = peers.tuned_settings("martinez", {"lr": 0.001}, ["martinez.lr=0.01", "chen.batch=3"])
    assert tuned == {"lr": 0.01}
    with pytest.raises(SystemExit, match="lr"):
        peers.tuned_settings("martinez", {"lr": 0.001}, ["martinez.rate=1"])


def test_what_was_stopped_stands_on_the_page_without_a_row(peers, tmp_path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    about = {"adapter": "martinez", "settings_name": "small", "seed": 0, "protocol": "cmu14"}
    about |= {"judged_on": "held out S02", "steps": 9}
    (folder / "job.json").write_text(json.dumps(about))
    notes = ("step=0,windows=0,seconds=0,cpu_seconds=0,p_mpjpe=99,p_mpjpe_depth_negated=88",)
    notes += ("step=4,windows=8,seconds=2,cpu_seconds=1,p_mpjpe=77,p_mpjpe_depth_negated=66",)
    (folder / "progress.csv").write_text("\n".join(notes) + "\n")
    rows, stopped = peers.gathered(tmp_path / "runs", smoke=True)
    assert rows == []
    page = peers.render(rows, stopped)
    assert "9 steps asked for: after step 4, 8 windows, 2 s (1 s of CPU): 99 / 88, 77 / 66." in page


def test_relative_lengths_are_those_of_the_bones_whatever_the_size(film):
    joints = np.zeros((3, 14, 3))
    joints[:, 2, 0], joints[:, 3, 0] = -1, 1  # hips, with their middle at the origin
    joints[:, 12, 1], joints[:, 13, 1] = 3, 5
    clips = [MotionClip(f"S{n}/a", (n + 1) * joints, "lsp_14", fps=50.0) for n in range(2)]
    # hip 1, spine 3, neck and head 2, in the order of the bones
    assert film.relative_lengths(clips, [(0, 3), (0, 13), (13, 14)]) == pytest.approx([0.5, 1.5, 1])


def test_a_smoke_run_gives_way_to_a_proper_one_of_the_same_peer(peers, tmp_path):
    common = {"protocol": "cmu14", "judged_on": "held out S02", "settings_name": "small"}
    common |= {"seed": 0, "kind": "2D only", "metrics": {"p_mpjpe": 60.0}, "name": "a peer"}
    smoke = common | {"steps": 5, "smoke": True}
    other = smoke | {"name": "another"}
    peers.merged(tmp_path / "peers.json", [smoke, other])
    kept = peers.merged(tmp_path / "peers.json", [common | {"steps": 50, "smoke": False}])
    assert {row["name"]: row["steps"] for row in kept} == {"a peer": 50, "another": 5}


@pytest.mark.parametrize(
    ("sign", "last", "end", "said"),
    [
        ("as trained", 50.0, 51.0, "It falls; on all frames it ends below flat depth"),
        ("as trained", 99.0, 91.0, "It does not fall; on all frames it ends not below flat depth"),
        ("negated, chosen by the truth", 50.0, 51.0, "It falls with the depth negated"),
    ],
)
def test_a_curve_is_told_in_words_by_its_figures(peers, sign, last, end, said):
    ends = ({"p_mpjpe": 80.0, "p_mpjpe_depth_negated": 80.0},)
    ends += ({"p_mpjpe": last, "p_mpjpe_depth_negated": last},)
    row = {"curve": ends, "depth_sign": sign, "flat": {"p_mpjpe": 90.0}}
    assert peers.outcome(row | {"metrics": {"p_mpjpe": end}}).startswith(said)


def test_the_page_says_what_small_budgets_and_smoke_runs_are_worth(peers):
    row = {"kind": "2D only", "name": "a peer", "settings_name": "small", "windows_seen": 250_000}
    (told, _) = peers.budgets([row, row | {"windows_seen": 1_280_000}])
    assert "0.25 to 1.28 million windows" in told
    assert "Smoke run** of a peer" in peers.budgets([row | {"smoke": True}])[0]
    (told, _) = peers.budgets([row | {"settings_name": "published"}])
    assert told.startswith("**Published settings**")
    assert peers.budgets([row | {"kind": "floor", "settings_name": ""}]) == []
