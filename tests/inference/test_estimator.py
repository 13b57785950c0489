from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from posenet3d.data import camera_rig, normalize, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import DataError, PoseNet3DError, ShapeError, UnknownNameError
from posenet3d.evaluation.lifting import lift_frames
from posenet3d.evaluation.sequences import centred_windows
from posenet3d.inference import STITCHES, Estimator
from posenet3d.inference.windows import lifting_scale
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import NetworkConfig, PoseNet3D
from posenet3d.reconstruction import Reconstruction
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips

SMALL = {"name": "temporal", "options": {"channels": 8}}


def network(**options: object) -> PoseNet3D:
    """A small network as it is before training."""
    torch.manual_seed(0)
    config = NetworkConfig.model_validate({"backbone": SMALL, "discriminator": SMALL, **options})
    return PoseNet3D(config)


def with_gap(walk: KeypointSequence, at: int) -> KeypointSequence:
    """The same frames, with thirty unseen ones between two of them."""
    frames = np.arange(len(walk))
    return replace(walk, frame_index=np.where(frames < at, frames, frames + 30))


def missing(walk: KeypointSequence, frames: slice, *joints: str) -> KeypointSequence:
    points = walk.to_layout("lsp_14").points.copy()
    points[frames, list(LSP_14.indices(*joints))] = np.nan
    return KeypointSequence(points, layout="lsp_14", fps=walk.fps, image_size=walk.image_size)


def normalized(estimator: Estimator, seen: KeypointSequence) -> torch.Tensor:
    config = estimator.model.config
    points = seen.to_layout("lsp_14").points
    scaled = normalize(points, lifting_scale(estimator.model), config.distance, gaps=True)
    return torch.from_numpy(scaled.points)


def test_centre_stitching_gives_the_answer_for_the_window_around_each_frame(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    points = normalized(estimator, walk)
    model = estimator.model
    expected = lift_frames(model.lift, points, 9, 32, "walk")["teacher"]
    lifted = estimator.predict(walk, stitch="centre", batch_size=17)
    ours = lifted.branches["teacher"] / float(model.metres_per_unit)
    np.testing.assert_allclose(ours, expected.numpy(), atol=1e-5)


def test_centre_stitching_gives_these_windows_student_with_one_shape_for_all(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    model = estimator.model
    betas, rotations = model.parameters_of(centred_windows(normalized(estimator, walk).float(), 9))
    with torch.no_grad():
        body = betas.mean(0), rotations[:, 4]
        joints = model.joint_regressor.joints(model.body, *body, model.rows)
    expected = centre_on_hips(joints * model.body_to_camera)
    lifted = estimator.predict(walk, stitch="centre")
    np.testing.assert_allclose(lifted.branches["student"], expected.numpy(), atol=1e-5)
    assert lifted.body is not None
    np.testing.assert_allclose(lifted.body.betas, betas.mean(0).numpy(), atol=1e-5)


@pytest.mark.parametrize("stitch", ["average", "centre"])
def test_the_size_of_batches_changes_nothing(
    estimator: Estimator, walk: KeypointSequence, stitch: str
) -> None:
    whole = estimator.predict(walk, stitch=stitch)
    parts = estimator.predict(walk, stitch=stitch, batch_size=7)
    np.testing.assert_allclose(parts.joints3d, whole.joints3d, atol=1e-5)
    assert parts.body is not None
    assert whole.body is not None
    np.testing.assert_allclose(parts.body.rotations, whole.body.rotations, atol=1e-5)


def test_an_average_is_the_mean_over_the_windows_that_hold_a_frame(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    windows = centred_windows(normalized(estimator, walk).float(), 9)
    teacher = estimator.model.lift(windows)["teacher"]
    lifted = estimator.predict(walk).branches["teacher"] / float(estimator.model.metres_per_unit)
    for frame in (0, 2, 30, len(walk) - 1):
        around = range(max(frame - 4, 0), min(frame + 5, len(walk)))
        held = torch.stack([teacher[middle, frame - middle + 4] for middle in around])
        np.testing.assert_allclose(lifted[frame], held.mean(0).numpy(), atol=1e-5)


def test_a_student_that_cannot_follow_is_that_of_the_window_around_each_frame(
    walk: KeypointSequence,
) -> None:
    """The paper's student may turn a pose into other rotations in each frame of its window."""
    model = network()
    model.metres_per_unit.fill_(0.8)
    with torch.no_grad():
        model.student.parameters_layer.weight.normal_()
    average, centre = (Estimator(model).predict(walk, stitch=way) for way in STITCHES)
    assert average.body is not None
    assert centre.body is not None
    np.testing.assert_array_equal(average.body.rotations, centre.body.rotations)
    assert np.abs(average.branches["teacher"] - centre.branches["teacher"]).max() > 1e-4


def test_body_and_skeleton_stand_in_one_place(estimator: Estimator, walk: KeypointSequence) -> None:
    lifted = estimator.predict(walk, height_m=1.9)
    model = estimator.model
    weights = model.joint_regressor.weight[list(model.rows)].detach().double()
    joints = weights @ torch.from_numpy(lifted.vertices(10, 14))
    hips = middle_of_hips(joints)
    np.testing.assert_allclose(hips[:, 0].numpy(), lifted.root[10:14], atol=1e-5)
    np.testing.assert_allclose(
        (joints - hips).numpy(), lifted.branches["student"][10:14], atol=1e-5
    )


def test_a_given_height_is_the_bodys_height_at_rest(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    plain, tall = estimator.predict(walk), estimator.predict(walk, height_m=1.93)
    assert (plain.metric, tall.metric) == (False, True)
    assert tall.body is not None
    rest = replace(tall.body, rotations=np.broadcast_to(np.eye(3), tall.body.rotations.shape))
    height = np.ptp(replace(tall, body=rest).vertices(0, 1)[..., 1])
    np.testing.assert_allclose(height, 1.93, atol=1e-5)
    for lesser, larger in (
        (plain.root, tall.root),
        (plain.joints3d, tall.joints3d),
        (plain.branches["teacher"], tall.branches["teacher"]),
    ):
        np.testing.assert_allclose(larger, lesser * tall.body.scale, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("fusion", "weights"), [("teacher", (1, 0)), ("student", (0, 1))])
def test_fusion_says_whose_skeleton_it_is(
    estimator: Estimator, walk: KeypointSequence, fusion: str, weights: tuple[int, int]
) -> None:
    chosen = estimator.predict(walk, fusion=fusion)
    mean = estimator.predict(walk)
    teacher, student = mean.branches["teacher"], mean.branches["student"]
    np.testing.assert_array_equal(chosen.joints3d, weights[0] * teacher + weights[1] * student)
    np.testing.assert_allclose(mean.joints3d, (teacher + student) / 2, atol=1e-6)
    assert chosen.provenance["fusion"] == fusion


@pytest.mark.parametrize("frames", [1, 2, 8])
def test_a_sequence_shorter_than_a_window_is_repeated(
    estimator: Estimator, walk: KeypointSequence, frames: int
) -> None:
    lifted = estimator.predict(walk.cut(0, frames))
    assert len(lifted) == frames
    assert np.isfinite(lifted.joints3d).all()
    assert np.isfinite(lifted.root).all()
    if frames == 1:
        still = normalized(estimator, walk.cut(0, 1)).float().expand(9, 14, 2)[None]
        teacher = estimator.model.lift(still)["teacher"][0, 4] * estimator.model.metres_per_unit
        np.testing.assert_allclose(lifted.branches["teacher"][0], teacher.numpy(), atol=1e-5)


def test_windows_do_not_reach_over_a_gap(estimator: Estimator, walk: KeypointSequence) -> None:
    gap = estimator.predict(with_gap(walk, 25))
    whole = estimator.predict(walk)
    apart = np.abs(gap.branches["teacher"] - whole.branches["teacher"]).max(axis=(1, 2))
    far = np.abs(np.arange(len(walk)) - 24.5) > 8
    assert apart[far].max() < 1e-6  # the same scale in both stretches
    assert apart[~far].max() > 1e-4
    moved = walk.points.copy()
    moved[25:] += 40.0 * np.random.default_rng(0).normal(size=moved[25:].shape)
    other = estimator.predict(with_gap(replace(walk, points=moved), 25))
    first, changed = normalized(estimator, walk), normalized(estimator, replace(walk, points=moved))
    ratio = float((changed[0, 0] / first[0, 0])[0])
    assert ratio != 1.0  # one scale for both stretches: the first is bigger or smaller, no more
    assert np.isfinite(other.joints3d).all()


def test_joints_that_nobody_saw_are_guessed_and_marked(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    hidden = missing(walk, slice(20, 23), "left_wrist", "right_knee")
    lifted = estimator.predict(hidden)
    expected = np.zeros((len(walk), 14), dtype=bool)
    expected[20:23, list(LSP_14.indices("left_wrist", "right_knee"))] = True
    np.testing.assert_array_equal(lifted.invented, expected)
    assert np.isfinite(lifted.joints3d).all()
    apart = np.linalg.norm(lifted.joints3d - estimator.predict(walk).joints3d, axis=-1)
    assert apart.max() < 0.2  # three frames are guessed well from their neighbours
    assert apart.max() > 1e-4


def test_a_network_that_is_told_of_missing_joints_gets_them_as_missing(
    walk: KeypointSequence,
) -> None:
    asked = []

    class Watched(torch.nn.Module):
        channels = 8

        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            asked.append(bool(windows.isnan().any()))
            return self.inner(windows)

    model = network(missing_joints=True)
    model.backbone = Watched(model.backbone)
    lifted = Estimator(model).predict(missing(walk, slice(20, 23), "left_wrist"))
    assert asked == [True]
    assert np.isfinite(lifted.joints3d).all()


def test_a_frame_in_which_nothing_was_seen_is_no_end(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    empty = missing(walk, slice(20, 22), *LSP_14.joint_names)
    lifted = estimator.predict(empty)
    assert np.isfinite(lifted.joints3d).all()
    assert np.isfinite(lifted.root).all()
    assert lifted.invented is not None
    assert lifted.invented[20:22].all()


def test_a_network_without_a_student_gives_skeletons_of_a_given_height(
    walk: KeypointSequence,
) -> None:
    estimator = Estimator(network())
    plain, tall = estimator.predict(walk, fusion="mean"), estimator.predict(walk, height_m=3.4)
    assert plain.body is None
    assert sorted(plain.branches) == ["teacher"]
    assert plain.provenance["fusion"] == "teacher"
    grown = np.linalg.norm(tall.joints3d) / np.linalg.norm(plain.joints3d)
    assert 1.8 < grown < 2.2  # the mean body is some 1.7 m tall
    with pytest.raises(PoseNet3DError, match="skeleton alone"):
        plain.vertices()


def test_any_layout_and_unit_gives_the_same_pose(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    points = (walk.points - (960.0, 540.0)) / 960
    halves = KeypointSequence(points, layout=walk.layout, fps=walk.fps, unit="normalized")
    lifted, expected = estimator.predict(halves), estimator.predict(walk)
    np.testing.assert_allclose(lifted.joints3d, expected.joints3d, atol=1e-4)
    np.testing.assert_allclose(lifted.root, expected.root, atol=1e-3)  # both assume the width
    same = estimator.predict(walk.to_layout("lsp_14"))
    np.testing.assert_allclose(same.joints3d, expected.joints3d, atol=1e-6)


def test_the_answer_says_where_it_comes_from(estimator: Estimator, walk: KeypointSequence) -> None:
    lifted = estimator.predict(walk, up=[0.0, -2.0, -2.0])
    assert lifted.keypoints is walk
    assert lifted.up_from == "given"
    np.testing.assert_allclose(lifted.up, [0, -np.sqrt(0.5), -np.sqrt(0.5)])
    assert lifted.provenance["weights"] == "best-detected"
    assert len(lifted.provenance["weights_sha256"]) == 64
    assert estimator.predict(walk).provenance["stitch"] == "average"


def test_a_path_is_loaded_with_what_it_takes(
    estimator: Estimator, walk: KeypointSequence, tmp_path: Path
) -> None:
    path = tmp_path / "walk.npz"
    np.savez(path, points=walk.points, layout=walk.layout)
    lifted = estimator.predict(path, fps=50, image_size=(1920, 1080))
    np.testing.assert_allclose(lifted.joints3d, estimator.predict(walk).joints3d, atol=1e-6)
    with pytest.raises(ShapeError, match=r"fps=: expected a path beside it"):
        estimator.predict(walk, fps=50)
    with pytest.raises(TypeError, match="unexpected argument 'height'"):
        estimator.predict(walk, height=1.8)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"fusion": "teecher"}, UnknownNameError, "did you mean 'teacher'"),
        ({"stitch": "center"}, UnknownNameError, "did you mean 'centre'"),
        ({"height_m": 0}, ShapeError, "height_m"),
        ({"height_m": 178}, ShapeError, "height_m: expected metres, more than 0 and at most 4"),
        ({"height_m": float("nan")}, ShapeError, "height_m"),
        ({"focal": -3.0}, ShapeError, "focal"),
        ({"batch_size": 0}, ShapeError, "batch_size"),
        ({"up": [0.0, 0.0, 0.0]}, ShapeError, "up"),
        ({"up": [1.0, 0.0]}, ShapeError, "up"),
    ],
)
def test_what_cannot_be_is_said(
    estimator: Estimator,
    walk: KeypointSequence,
    options: dict[str, object],
    error: type[PoseNet3DError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        estimator.predict(walk, **options)  # type: ignore[arg-type]


def test_a_person_without_a_head_cannot_be_scaled(
    estimator: Estimator, walk: KeypointSequence
) -> None:
    with pytest.raises(DataError, match="got no 'head_top'"):
        estimator.predict(missing(walk, slice(None), "head_top"))


def test_progress_ends_with_all_frames(estimator: Estimator, walk: KeypointSequence) -> None:
    seen: list[tuple[int, int]] = []
    estimator.predict(walk, batch_size=25, on_progress=lambda done, all: seen.append((done, all)))
    assert seen[-1] == (len(walk), len(walk))
    assert len(seen) == -(-len(walk) // 25)


def test_unknown_weights_and_devices_are_told() -> None:
    with pytest.raises(UnknownNameError, match="best-wild"):
        Estimator.from_pretrained("best-wlid")
    with pytest.raises(PoseNet3DError, match="device"):
        Estimator.from_pretrained(device="tpu0")


def test_a_reconstruction_is_small(estimator: Estimator, walk: KeypointSequence) -> None:
    lifted: Reconstruction = estimator.predict(walk)
    assert lifted.body is not None
    arrays = [lifted.joints3d, *lifted.branches.values(), lifted.body.rotations]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    kept = [*arrays, lifted.root, lifted.body.translation]
    assert sum(array.nbytes for array in kept) / len(walk) < 1500


def test_a_zoom_of_the_camera_changes_little(
    estimator: Estimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clip,) = synthetic_motion(clips=1, seconds=4.0)
    walk = observe(clip, camera_rig("cmu14-wild", "test").cameras(clip)[0])
    zoom = 2.0 ** np.sin(np.linspace(0, 6, len(walk)))[:, None, None]
    zoomed = replace(walk, points=zoom * walk.points)

    def apart() -> float:
        lifted = [estimator.predict(each).joints3d for each in (zoomed, walk)]
        return float(np.linalg.norm(lifted[0] - lifted[1], axis=-1).mean())

    ours = apart()
    monkeypatch.setattr("posenet3d.inference.windows.lifting_scale", lambda model: "sequence")
    assert ours < 0.5 * apart()
