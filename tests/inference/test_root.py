import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.data import Anchoring
from posenet3d.errors import ShapeError
from posenet3d.inference.camera import assumed_camera
from posenet3d.inference.root import fill_root, fit_root, smooth_depth
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import AssumedCamera

CAMERA = AssumedCamera(focal=1500.0, centre=(960.0, 540.0))
BODY = np.random.default_rng(1).normal(scale=0.4, size=(14, 3))


def seen_from(joints: np.ndarray, root: np.ndarray, camera: AssumedCamera) -> np.ndarray:
    placed = joints + root[:, None]
    return camera.focal * placed[..., :2] / placed[..., 2:] + np.asarray(camera.centre)


@given(
    x=st.floats(-2, 2),
    y=st.floats(-2, 2),
    z=st.floats(2, 30),
    focal=st.floats(300, 5000),
    speed=st.floats(-0.01, 0.01),
    turn=st.floats(0, 0.1),
)
def test_exact_projections_of_a_known_motion_give_its_root(
    x: float, y: float, z: float, focal: float, speed: float, turn: float
) -> None:
    time = np.arange(30)
    cos, sin = np.cos(turn * time), np.sin(turn * time)
    joints = np.repeat(BODY[None], 30, axis=0)
    turned = joints.copy()
    turned[..., 0] = cos[:, None] * joints[..., 0] + sin[:, None] * joints[..., 2]
    turned[..., 2] = cos[:, None] * joints[..., 2] - sin[:, None] * joints[..., 0]
    root = np.stack([x + speed * time, y - speed * time, z + speed * time], axis=1)
    camera = AssumedCamera(focal=focal, centre=(100.0, -50.0), given=True)
    found = fit_root(turned, seen_from(turned, root, camera), np.ones((30, 14)), camera)
    np.testing.assert_allclose(found, root, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(smooth_depth(found, 5.0)[:, 2], root[:, 2], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("distance", [3.0, 1000.0])
def test_in_single_precision_the_root_is_good_to_millionths_of_its_distance(distance) -> None:
    joints = np.repeat(BODY[None], 20, axis=0).astype(np.float32)
    root = np.linspace((0.2, -0.1, 1.0), (-0.3, 0.2, 1.1), 20) * distance
    points = seen_from(joints, root, CAMERA)
    points[:, 2] += 20.0 / distance  # off by little, which weighs it down a little
    found, exact = (
        fit_root(joints.astype(kind), points, np.ones((20, 14)), CAMERA)
        for kind in (np.float32, np.float64)
    )
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, exact, atol=1e-5 * distance)
    np.testing.assert_allclose(exact, root, atol=0.02 * distance)


def test_one_joint_far_off_moves_the_root_little() -> None:
    joints, root = BODY[None], np.array([[0.3, 0.1, 5.0]])
    points = seen_from(joints, root, CAMERA)
    points[0, 3] += 300.0  # a metre
    found = fit_root(joints, points, np.ones((1, 14)), CAMERA)
    assert np.linalg.norm(found - root) < 0.05


def test_unknown_and_distrusted_joints_do_not_count() -> None:
    joints, root = BODY[None], np.array([[0.3, 0.1, 5.0]])
    points = seen_from(joints, root, CAMERA)
    points[0, 3], points[0, 5] = np.nan, 0.0
    weights = np.ones((1, 14))
    weights[0, 5] = 0.0
    np.testing.assert_allclose(fit_root(joints, points, weights, CAMERA), root, atol=1e-9)


@pytest.mark.parametrize("known", [0, 1])
def test_a_frame_with_less_than_two_joints_has_no_root_of_its_own(known: int) -> None:
    joints, root = np.repeat(BODY[None], 3, axis=0), np.array([[0, 0, 4.0], [1, 1, 5], [0, 0, 6]])
    points = seen_from(joints, root, CAMERA)
    points[1, known:] = np.nan
    found = fit_root(joints, points, np.ones((3, 14)), CAMERA)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(fill_root(found, 7.0)[1], [0, 0, 5], atol=1e-12)
    np.testing.assert_array_equal(fill_root(np.full((2, 3), np.nan), 7.0), [[0, 0, 7], [0, 0, 7]])


def test_smoothing_keeps_every_root_on_its_line_of_sight_and_steadies_its_depth() -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=200)
    ray = np.stack([np.sin(np.arange(200) / 9), np.cos(np.arange(200) / 7), np.ones(200)], axis=1)
    rough = ray * (5.0 + noise)[:, None]
    smooth = smooth_depth(rough, 5.0)
    np.testing.assert_allclose(smooth / smooth[:, 2:], ray, atol=1e-12)
    assert np.abs(smooth[:, 2] - 5).std() < 0.4 * np.abs(noise).std()
    np.testing.assert_array_equal(smooth_depth(rough, 0.0), rough)
    assert smooth_depth(rough[:1], 5.0).shape == (1, 3)
    assert smooth_depth(rough[:2], 5.0).shape == (2, 3)


ANCHORS = Anchoring(np.full(2, 1 / 3000), np.array([[100.0, 200.0], [300.0, 400.0]]))


@pytest.mark.parametrize(
    ("facts", "focal", "centre"),
    [
        ({"image_size": (1088, 1920)}, 1920.0, (544.0, 960.0)),
        ({"unit": "normalized"}, 2.0, (0.0, 0.0)),
        ({}, 3000.0, (200.0, 300.0)),
    ],
)
def test_the_assumed_camera_follows_what_is_known(
    facts: dict[str, object], focal: float, centre: tuple[float, float]
) -> None:
    seen = KeypointSequence(np.ones((2, 14, 2)), layout="lsp_14", fps=25, **facts)  # type: ignore[arg-type]
    camera, told = assumed_camera(seen, ANCHORS)
    assert (camera.focal, camera.given) == (pytest.approx(focal), False)
    assert camera.centre == pytest.approx(centre)
    assert told != "given"
    camera, told = assumed_camera(seen, ANCHORS, focal=1234)
    assert (camera.focal, camera.given, told) == (1234.0, True, "given")
    with pytest.raises(ShapeError, match="focal"):
        assumed_camera(seen, ANCHORS, focal=0)
