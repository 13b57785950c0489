"""The benchmark of robustness: what is measured is what its names say, and is measured once."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from posenet3d.data.detector_noise import NOISE
from posenet3d.data.rigs import Camera, camera_rig
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.evaluation import evaluate
from posenet3d.evaluation.sequences import TestSequence, sequences_of
from posenet3d.geometry import rotmat_to_rotvec
from posenet3d.networks import NetworkConfig, PoseNet3D, save_model
from posenet3d.skeletons import LSP_14

MODULES = (
    "robustness",
    "robustness_cameras",
    "robustness_measures",
    "robustness_moving",
    "robustness_page",
    "robustness_picture",
)
SCALES = ("sequence", "limbs")
HEADS = ("flat", "mean", "student", "teacher")


@pytest.fixture
def measures(benchmark):
    return benchmark.robustness_measures


def network(missing_joints=False, seed=0):
    torch.manual_seed(seed)
    small = {"name": "temporal", "options": {"channels": 8}}
    config = NetworkConfig(backbone=small, discriminator=small, missing_joints=missing_joints)
    model = PoseNet3D(config).eval()
    model.metres_per_unit.fill_(0.7)
    return model


@pytest.fixture(scope="module")
def clips():
    return synthetic_motion(clips=2, seconds=0.5)


@pytest.mark.parametrize("protocol", ["cmu14", "cmu14-wild"])
def test_the_error_of_exact_2d_is_that_of_the_protocol(measures, clips, protocol):
    model = network()
    report = evaluate(model.lift, clips, protocol, samples=0)
    frames = measures.frames_of(clips, protocol, measures.Input.of(model), every=5)
    found = measures.measure(measures.Condition("cameras", protocol), model, frames)
    assert sorted(found["p_mpjpe"]) == sorted(report.heads) == list(HEADS)
    for head in HEADS:
        assert found["p_mpjpe"][head] == pytest.approx(report[head].p_mpjpe, abs=1e-3)
        assert found["per_joint"][head] == pytest.approx(report[head].per_joint, abs=1e-3)
    for rows in found["bins"].values():
        assert sum(row["frames"] for row in rows) == found["frames"]
        mean = sum(row["frames"] * row["p_mpjpe"]["mean"] for row in rows) / found["frames"]
        assert mean == pytest.approx(found["p_mpjpe"]["mean"], abs=1e-3)


def pitched(degrees):
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def rolled(degrees):
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


@pytest.mark.parametrize("roll", [0, 12, -12])
@pytest.mark.parametrize("pitch", [-4, 0, 30])
@pytest.mark.parametrize(("lean", "tilt"), [((0, 0, 1), 0), ((0, 1, 1), 45), ((1, 0, 0), 90)])
def test_a_camera_s_and_a_pose_s_facts_are_read_off(measures, roll, pitch, lean, tilt):
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # looks along y, z is up
    rotation = rolled(roll) @ pitched(pitch) @ level
    camera = Camera(np.column_stack([rotation, (0.0, 0.0, 4.0)]), focal=2.5)
    person = np.zeros((3, 14, 3))
    person[:, LSP_14.index("neck")] = lean
    truth = 1000 * camera.to_camera(person)
    view = TestSequence("S0/a", "S0", 0, 1, truth, np.zeros((3, 14, 2)))
    facts = measures.facts_of(view, camera)
    wanted = {"pitch": pitch, "roll": abs(roll), "focal": 2.5, "distance": 4.0, "tilt": tilt}
    assert facts.keys() == wanted.keys() == measures.BINS.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(facts[name], [value] * 3, atol=1e-6, err_msg=name)


def test_a_component_of_the_noise_comes_alone_and_all_at_once_are_the_model(measures):
    full = NOISE["openpose"]
    assert measures.noise_of(measures.Condition("noise", "", "all", 1.0), "openpose") == full
    assert measures.noise_of(measures.EXACT, "openpose") is None
    jitter = measures.noise_of(measures.Condition("noise", "", "jitter", 3.0), "openpose")
    assert (jitter.wandering, jitter.white) == pytest.approx((3 * full.wandering, 3 * full.white))
    assert jitter.dropped == jitter.swapped == jitter.outliers == 0
    dropped = measures.noise_of(measures.Condition("noise", "", "dropped joints", 90.0), "openpose")
    assert dropped.dropped == 1
    assert dropped.wandering == dropped.swapped == 0


@pytest.mark.parametrize("count", range(7))
def test_so_many_joints_are_missing_in_each_frame(measures, count):
    windows = torch.zeros(50, 9, 14, 2)
    for kind in (measures.FLICKERING, measures.LASTING):
        hidden = measures.hidden_in(measures.Condition("missing", "", kind, count), windows)
        assert (hidden.sum(-1) == count).all()
        lasts = bool((hidden == hidden[:, :1]).all())
        assert lasts == (kind == measures.LASTING or count == 0)
        assert count < 2 or hidden[:, 0].any(0).all()  # every joint has its turn


def test_an_occlusion_hides_the_joints_of_its_name_and_no_others(measures):
    hidden = measures.hidden_in(
        measures.Condition("missing", "", "right arm", 2), torch.zeros(2, 9, 14, 2)
    )
    names = {name for name, off in zip(LSP_14.joint_names, hidden[1, 4], strict=True) if off}
    assert names == {"right_elbow", "right_wrist"}
    assert (hidden == hidden[:1, :1]).all()


class Recorder(torch.nn.Module):
    """A network that keeps what it is given, and answers flat."""

    def __init__(self, missing_joints):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.config = SimpleNamespace(missing_joints=missing_joints, distance=10.0)

    def lift(self, windows):
        self.given = windows
        return {"teacher": torch.nn.functional.pad(windows.nan_to_num(), (0, 1))}


@pytest.mark.parametrize("told", [True, False])
def test_only_a_network_that_is_told_of_missing_joints_gets_them_missing(measures, told):
    windows = torch.rand(5, 9, 14, 2, generator=torch.Generator().manual_seed(0))
    frames = measures.Frames(windows, torch.rand(5, 14, 3, dtype=torch.float64), {})
    model = Recorder(told)
    condition = measures.Condition("missing", "cmu14-wild", "both legs", 4)
    found = measures.measure(condition, model, frames)
    assert bool(model.given.isnan().any()) is told
    known = ~measures.hidden_in(condition, windows)
    torch.testing.assert_close(model.given[known], windows[known])
    assert found["missing"] == pytest.approx(4 / 14)
    assert found["of_missing"].keys() == found["p_mpjpe"].keys() == {"teacher", "flat"}


def called(benchmark, monkeypatch, folder, *words):
    """What a call writes on the results, with one measurement for each that is asked for."""
    made = []

    def measured(condition, model):
        made.append((model, condition))
        return {"frames": 3, "p_mpjpe": {"teacher": 1.0, "flat": 2.0}}

    def opened(path, device):
        return path.name, {"weights": path.name, "missing_joints": False}

    module = benchmark.robustness
    monkeypatch.setattr(module, "opened", opened)
    monkeypatch.setattr(module, "measurer", lambda arguments: measured)
    monkeypatch.setattr(module, "render", lambda results, picture: "")
    monkeypatch.setattr(module, "draw", lambda results, path: None)
    common = ["--data", str(folder), "--results", str(folder)]
    monkeypatch.setattr(sys, "argv", ["robustness.py", *common, *words])
    module.main()
    return made


def test_what_is_measured_stays_and_new_weights_are_measured_anew(benchmark, monkeypatch, tmp_path):
    every = benchmark.robustness_measures.conditions()
    assert len(set(every)) == len(every)
    run = lambda *words: called(benchmark, monkeypatch, tmp_path, *words)  # noqa: E731
    assert len(run("a=old", "b=other")) == 2 * len(every)
    assert run("a=old") == []
    again = run("a=new")
    assert again == [("new", condition) for condition in every]
    results = json.loads((tmp_path / "robustness.json").read_text())
    kept = {(r["network"], r["weights"]) for r in results["records"]}
    assert kept == {("a", "new"), ("b", "other")}
    assert str(tmp_path) not in results["command"]
    with pytest.raises(SystemExit, match="other settings"):
        run("a=new", "--noise", "gentle")


def test_a_look_at_the_test_subjects_is_written_down_and_no_other(benchmark, monkeypatch, tmp_path):
    log = tmp_path / "looks_at_test.md"
    called(benchmark, monkeypatch, tmp_path, "a=one")
    assert not log.exists()
    for _ in range(2):  # the second time nothing is looked at
        called(benchmark, monkeypatch, tmp_path, "a=one", "--test")
    called(benchmark, monkeypatch, tmp_path, "b=two", "--test")
    looks = [line for line in log.read_text().splitlines() if "--test" in line]
    assert [line.split(" | ")[2] for line in looks] == ["a", "b"]
    assert (tmp_path / "robustness_test.json").exists()


def test_names_of_networks_may_not_repeat_and_need_folders(benchmark, monkeypatch, tmp_path):
    for words in (["a=x", "a=y"], ["a"], ["=x"]):
        with pytest.raises(SystemExit):
            called(benchmark, monkeypatch, tmp_path, *words)


def test_a_whole_run_leaves_page_and_picture(benchmark, monkeypatch, tmp_path):
    save_walks(tmp_path / "cmu_train.npz", "S01", "S02")
    for name, told in (("plain", False), ("told", True)):
        save_model(network(told, seed=int(told)), tmp_path / name)
    moves = benchmark.robustness_cameras.MOVES
    monkeypatch.setitem(moves, "zoom", moves["zoom"]._replace(amounts=(4.0,)))
    for name in moves.keys() - {"zoom"}:
        monkeypatch.delitem(moves, name)
    words = [f"{name}={tmp_path / name}" for name in ("plain", "told")]
    words += ["--data", str(tmp_path), "--results", str(tmp_path), "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["robustness.py", *words, "--subjects", "S02"])
    benchmark.robustness.main()
    results = json.loads((tmp_path / "robustness.json").read_text())
    assert len(results["records"]) == 2 * len(benchmark.robustness_measures.conditions())
    page = (tmp_path / "robustness.md").read_text()
    assert "| plain | mean |" in page
    assert "told of them" in page
    assert "| it zooms in and out, 4 times, in 8 s |" in page
    assert "nan" not in page
    assert (tmp_path / "robustness.png").stat().st_size > 10_000
    seen = benchmark.robustness.clips_of(benchmark.robustness.parse())
    assert [clip.key for clip in seen] == ["S02/walk"]


def save_walks(path, *subjects):
    clips = synthetic_motion(clips=len(subjects), seconds=0.3)
    walks = {f"{name}/walk": clip.joints for name, clip in zip(subjects, clips, strict=True)}
    np.savez(path, fps=50.0, layout=clips[0].layout, **walks)


def test_a_subject_that_is_not_there_is_named(benchmark, monkeypatch, tmp_path):
    save_walks(tmp_path / "cmu_train.npz", "S01", "S02")
    words = ["a=x", "--data", str(tmp_path), "--subjects", "S02", "S77"]
    monkeypatch.setattr(sys, "argv", ["robustness.py", *words])
    with pytest.raises(SystemExit, match="S77"):
        benchmark.robustness.clips_of(benchmark.robustness.parse())


def moved(benchmark, clip, name="", amount=0.0):
    """What a clip's cameras see, and where up is, once they move."""
    condition = benchmark.robustness_measures.Condition("moving", "cmu14-wild", name, amount)
    wanted = benchmark.robustness_measures.Input(9, "sequence", 10.0, None)
    return list(benchmark.robustness_cameras.filmed(clip, condition, wanted))


def test_cameras_that_do_not_move_are_the_protocols(benchmark, clips):
    still = sequences_of(clips[0], "cmu14-wild")
    for (found, up), expected in zip(moved(benchmark, clips[0]), still, strict=True):
        np.testing.assert_allclose(found.points, expected.points, atol=1e-12)
        np.testing.assert_allclose(found.truth, expected.truth, atol=1e-9)
        assert (up == up[0]).all()


def test_moves_by_nothing_change_nothing_but_where_one_looks(benchmark, clips):
    nothing = {"sway": 0, "shake": 0, "orbit": 0, "dolly": 1, "zoom": 1, "fast zoom": 1}
    for name, amount in nothing.items():
        for (found, _), (still, _) in zip(
            moved(benchmark, clips[0], name, amount), moved(benchmark, clips[0]), strict=True
        ):
            np.testing.assert_allclose(found.truth, still.truth, atol=1e-6)


@pytest.mark.parametrize("amount", [0.0, 1.0])
def test_a_camera_that_follows_stays_where_it_is_and_has_the_hips_in_the_middle(
    benchmark, clips, amount
):
    hips = list(LSP_14.indices("right_hip", "left_hip"))
    for (found, up), (still, upright) in zip(
        moved(benchmark, clips[0], "follow", amount), moved(benchmark, clips[0]), strict=True
    ):
        far = np.linalg.norm(still.truth, axis=-1)
        np.testing.assert_allclose(np.linalg.norm(found.truth, axis=-1), far)
        middle = found.truth[:, hips].mean(axis=1)
        aside = np.abs(middle[:, :2] / middle[:, 2:]).max(axis=1)
        assert aside[0] < 1e-9
        assert (aside.max() < 1e-9) == (amount == 0)
        roll = [np.arctan2(each[:, 0], -each[:, 1]) for each in (up, upright)]
        np.testing.assert_allclose(*roll, atol=1e-9)


def test_an_orbit_goes_round_at_its_speed_and_keeps_its_height(benchmark, clips):
    cameras, clip = benchmark.robustness_cameras, clips[0]
    (camera, *_) = camera_rig("cmu14-wild", "test").cameras(clip)
    start = cameras.still(camera, len(clip.joints))
    track = cameras.orbit(start, clip, 40.0, np.random.default_rng(0))
    place = -np.einsum("fji,fj->fi", track.turn, track.shift)
    place -= clip.joints.reshape(-1, 3).mean(axis=0)
    angle = np.degrees(np.unwrap(np.arctan2(place[:, 1], place[:, 0])))
    np.testing.assert_allclose(abs(np.diff(angle)) * clip.fps, 40.0)
    np.testing.assert_allclose(place[:, 2], place[0, 2])


def test_a_shake_has_the_size_that_is_asked_for(benchmark):
    cameras, (clip,) = benchmark.robustness_cameras, synthetic_motion(clips=1, seconds=60.0)
    start = cameras.Track(np.tile(np.eye(3), (3000, 1, 1)), np.zeros((3000, 3)), np.ones(3000))
    turn = cameras.shaking(3.0)(start, clip, 2.0, np.random.default_rng(0)).turn
    angles = np.degrees(rotmat_to_rotvec(torch.from_numpy(turn)).numpy())
    np.testing.assert_allclose(angles.std(axis=0), 2.0, rtol=0.2)
    spectrum = (abs(np.fft.rfft(angles, axis=0)) ** 2).sum(axis=1)
    above = np.fft.rfftfreq(3000, 1 / 50) > 2.5 * 3.0
    assert spectrum[above].sum() < 0.01 * spectrum.sum()


def test_every_joint_is_a_metre_in_front_of_a_camera_that_moves(benchmark, clips):
    for name, each in benchmark.robustness_cameras.MOVES.items():
        for found, up in moved(benchmark, clips[0], name, each.amounts[-1]):
            assert found.truth[..., 2].min() > 999.999
            np.testing.assert_allclose(np.linalg.norm(up, axis=-1), 1.0)


def test_a_zoom_costs_what_one_scale_for_the_sequence_makes_of_it(benchmark, clips):
    measures, model = benchmark.robustness_measures, network()
    figures = {}
    for name, amount in (("", 0.0), ("zoom", 4.0)):
        condition = measures.Condition("moving", "cmu14-wild", name, amount)
        figures[name] = benchmark.robustness_moving.measure_moving(condition, model, clips, 5)
    flat = [
        figures[name]["scales"][scale]["p_mpjpe"]["flat"] for name in figures for scale in SCALES
    ]
    np.testing.assert_allclose(flat, flat[0])
    assert list(figures[""]["scales"]) == list(SCALES)
    assert figures[""]["up"] == pytest.approx(figures["zoom"]["up"], abs=2.0)
