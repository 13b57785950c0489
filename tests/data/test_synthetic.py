import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.body import load_body_model
from posenet3d.data.synthetic import (
    ACTIVITIES,
    FREE,
    LIMITS,
    body_to_world,
    lsp_joints,
    synthetic_motion,
    synthetic_poses,
    synthetic_training_set,
)
from posenet3d.data.synthetic.angles import angles_to_rotations, neutral_pose, within_limits
from posenet3d.data.synthetic.curves import cycle, drift, minimum_jerk
from posenet3d.data.synthetic.grounding import root_path
from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.skeletons import LIMBS, LSP_14

ROUND = len(ACTIVITIES)


@pytest.fixture(scope="module")
def body():
    return load_body_model("mannequin")


@pytest.fixture(scope="module")
def poses(body):
    return synthetic_poses(clips=3 * ROUND, seed=1, body=body)


@pytest.fixture(scope="module")
def motion(body):
    return synthetic_motion(clips=3 * ROUND, seed=1, body=body)


def point(clip, name):
    return clip.joints[:, LSP_14.index(name)]


def forward(clip):
    hips = (point(clip, "right_hip") + point(clip, "left_hip")) / 2
    across = np.cross(
        point(clip, "neck") - hips, point(clip, "right_hip") - point(clip, "left_hip")
    )
    return across / np.linalg.norm(across, axis=-1, keepdims=True)


def in_front_of_middle(clip, upper, middle, lower):
    """Mean over both sides and all frames of how far a joint lies in front, head-to-root units."""
    hips = (point(clip, "right_hip") + point(clip, "left_hip")) / 2
    unit = np.linalg.norm(point(clip, "head_top") - hips, axis=-1).mean()
    ahead = [
        (
            point(clip, f"{side}_{middle}")
            - (point(clip, f"{side}_{upper}") + point(clip, f"{side}_{lower}")) / 2
        )
        for side in ("left", "right")
    ]
    return float(np.mean([np.sum(one * forward(clip), axis=-1).mean() for one in ahead]) / unit)


def bend(clip, upper, middle, lower):
    """The angle between two bones, degrees; zero where they are in line."""
    a, b = point(clip, middle) - point(clip, upper), point(clip, lower) - point(clip, middle)
    cosine = np.sum(a * b, axis=-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_clips_have_the_promised_shape_layout_and_rate(motion):
    assert {clip.joints.shape for clip in motion} == {(200, 14, 3)}
    assert {clip.layout for clip in motion} == {"lsp_14"}
    assert {clip.fps for clip in motion} == {50.0}
    assert len({clip.subject for clip in motion}) == len(motion)


def test_all_numbers_are_finite_and_rotations_are_rotations(poses):
    for clip in poses:
        assert np.isfinite(clip.translation).all()
        gram = clip.rotations @ np.swapaxes(clip.rotations, -1, -2)
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-5)
        assert np.linalg.det(clip.rotations).min() > 0.999


def test_every_joint_keeps_to_its_limits(poses):
    for clip in poses:
        assert set(clip.angles) == set(LIMITS) | set(FREE)
        for name, (low, high) in LIMITS.items():
            assert low <= clip.angles[name].min(), (clip.key, name)
            assert clip.angles[name].max() <= high, (clip.key, name)


def test_the_table_of_limits_lets_knees_and_elbows_bend_one_way_only():
    for side in ("left", "right"):
        assert LIMITS[f"{side}_knee_flexion"][0] == 0
        assert LIMITS[f"{side}_elbow_flexion"][0] == 0


@given(
    angle=st.floats(-1e4, 1e4),
    name=st.sampled_from(sorted(LIMITS)),
)
def test_any_angle_is_brought_within_its_limits_and_order_is_kept(angle, name):
    low, high = LIMITS[name]
    curve = within_limits({name: np.array([angle, angle + 1.0])}, frames=2)[name]
    assert low <= curve[0] <= curve[1] <= high


def test_an_unknown_angle_is_refused():
    with pytest.raises(UnknownNameError, match="left_knee_bend"):
        within_limits({"left_knee_bend": np.zeros(2)}, frames=2)


@pytest.mark.parametrize("side", ["left", "right"])
def test_knee_and_elbow_angles_of_the_posed_body_are_the_angles_asked_for(poses, motion, side):
    for clip, posed in zip(poses, motion, strict=True):
        knee = bend(posed, f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        elbow = bend(posed, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        np.testing.assert_allclose(knee, clip.angles[f"{side}_knee_flexion"], atol=0.2)
        np.testing.assert_allclose(elbow, clip.angles[f"{side}_elbow_flexion"], atol=0.2)


@given(flexion=st.floats(5.0, 140.0), heading=st.floats(-180.0, 180.0))
@settings(max_examples=20)
def test_flexion_takes_the_ankle_back_and_the_wrist_forward_wherever_one_faces(
    body, flexion, heading
):
    still = torch.eye(3).expand(24, 3, 3)
    rest = body.joints(torch.zeros(body.num_betas), still)
    asked = {f"left_{joint}_flexion": np.array([flexion]) for joint in ("knee", "elbow")}
    angles = within_limits(asked | {"heading": np.array([heading])}, frames=1)
    rotations = angles_to_rotations(angles, neutral_pose(rest), body.parents).float()
    joints = body.joints(torch.zeros(body.num_betas), rotations)[0].double().numpy()
    at = {name: joints[body.joint_names.index(name)] for name in body.joint_names}
    turn = np.radians(heading)
    ahead = np.array([np.sin(turn), 0.0, np.cos(turn)])
    assert (at["left_ankle"] - at["left_knee"]) @ ahead < 0
    assert (at["left_wrist"] - at["left_elbow"]) @ ahead > 0


def test_the_anatomical_position_has_hanging_arms_and_straight_legs(body):
    still = torch.eye(3).expand(24, 3, 3)
    rest = body.joints(torch.zeros(body.num_betas), still)
    angles = within_limits(
        {name: np.array([0.0 if high > 0 > low else low]) for name, (low, high) in LIMITS.items()},
        frames=1,
    )
    rotations = angles_to_rotations(angles, neutral_pose(rest), body.parents).float()
    joints = body.joints(torch.zeros(body.num_betas), rotations)[0]
    for upper, lower in (("hip", "ankle"), ("shoulder", "elbow")):
        ends = [joints[body.joint_names.index(f"left_{name}")] for name in (upper, lower)]
        down = (ends[1] - ends[0]) / (ends[1] - ends[0]).norm()
        assert down[1] < -0.99


def test_limbs_have_constant_lengths_of_a_human_size(motion):
    for clip in motion:
        for start, end in LIMBS:
            length = np.linalg.norm(point(clip, start) - point(clip, end), axis=-1)
            assert np.ptp(length) < 1e-5
            assert 0.18 < length.mean() < 0.60


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_knees_lie_clearly_in_front_of_the_middle_of_hip_and_ankle(motion, activity):
    clips = [clip for clip in motion if clip.key.endswith(f"/{activity}")]
    ahead = [in_front_of_middle(clip, "hip", "knee", "ankle") for clip in clips]
    assert min(ahead) > 0.02
    assert 0.03 < np.mean(ahead) < 0.30


def test_over_all_clips_knees_point_forwards_and_elbows_backwards(motion):
    knees = np.mean([in_front_of_middle(clip, "hip", "knee", "ankle") for clip in motion])
    elbows = np.mean([in_front_of_middle(clip, "shoulder", "elbow", "wrist") for clip in motion])
    assert 0.06 < knees < 0.25
    assert -0.20 < elbows < -0.03


def test_the_lower_foot_stays_near_the_ground(motion):
    for clip in motion:
        lower = np.minimum(point(clip, "left_ankle"), point(clip, "right_ankle"))[:, 2]
        assert lower.min() > 0.04, clip.key
        assert np.median(lower) < (0.25 if clip.key.endswith("run") else 0.16), clip.key
        assert lower.max() < 0.35, clip.key


def test_feet_that_stand_do_not_slide_and_stay_down(body):
    for clip in synthetic_motion(clips=8, activities=["idle", "squat", "bend", "sit"], body=body):
        for side in ("left", "right"):
            ankle = point(clip, f"{side}_ankle")
            assert np.ptp(ankle[:, :2], axis=0).max() < 0.15, clip.key
            assert ankle[:, 2].max() < 0.18, clip.key


def test_motion_is_smooth(motion):
    for clip in motion:
        acceleration = np.diff(clip.joints, 2, axis=0) * clip.fps**2
        assert np.abs(acceleration).max() < 200, clip.key  # m/s^2; a fast runner's foot has 100


def test_walkers_and_runners_get_somewhere_and_others_stay(body):
    def speed(activity):
        travelled = [
            np.linalg.norm(np.diff((c.joints[:, 2] + c.joints[:, 3])[:, :2] / 2, axis=0), axis=-1)
            for c in synthetic_motion(clips=6, activities=[activity], body=body)
        ]
        return np.array([each.mean() * 50.0 for each in travelled])

    assert speed("walk").min() > 0.3
    assert speed("walk").max() < 2.3
    assert np.ptp(speed("walk")) > 0.3
    assert 1.4 < speed("run").min() < speed("run").max() < 5.5
    assert speed("idle").max() < 0.3


def test_people_walk_the_way_they_face(body):
    for clip in synthetic_motion(clips=4, activities=["walk", "run"], body=body):
        hips = (point(clip, "left_hip") + point(clip, "right_hip")) / 2
        going = np.diff(hips, axis=0)
        assert np.sum(going * forward(clip)[1:], axis=-1).mean() > 0


def test_clips_differ_in_shape_facing_and_arms(poses):
    betas = np.stack([clip.betas for clip in poses])
    heading = np.radians([clip.angles["heading"][0] for clip in poses])
    assert betas.std(axis=0).min() > 0.3
    assert np.hypot(np.cos(heading).mean(), np.sin(heading).mean()) < 0.6
    raised = np.concatenate([clip.angles["left_shoulder_flexion"] for clip in poses])
    assert raised.std() > 15


def test_every_round_has_each_activity_once(body):
    clips = synthetic_poses(clips=2 * ROUND, seconds=0.1, body=body)
    orders = [[clip.activity for clip in half] for half in (clips[:ROUND], clips[ROUND:])]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(ACTIVITIES)
    assert orders[0] != orders[1]


@given(seed=st.integers(0, 2**40), count=st.integers(1, 3))
@settings(max_examples=5)
def test_a_clip_depends_on_seed_and_number_alone(body, seed, count):
    few = synthetic_poses(clips=count, seconds=0.4, seed=seed, body=body)
    more = synthetic_poses(clips=count + 1, seconds=0.4, seed=seed, body=body)
    for one, same in zip(few, more[:count], strict=True):
        assert one.key == same.key
        np.testing.assert_array_equal(one.rotations, same.rotations)
        np.testing.assert_array_equal(one.translation, same.translation)
        np.testing.assert_array_equal(one.betas, same.betas)


def test_other_seeds_give_other_motion(body):
    one, other = (
        synthetic_motion(clips=1, seconds=0.4, seed=seed, activities=["walk"], body=body)[0]
        for seed in (0, 1)
    )
    assert np.abs(one.joints - other.joints).max() > 0.05


def test_joints_are_those_of_the_posed_body_in_the_world(body, poses):
    clip = poses[0]
    with torch.no_grad():
        joints = body.joints(torch.as_tensor(clip.betas), torch.as_tensor(clip.rotations))
    placed = body_to_world(joints.double().numpy() + clip.translation[:, None])
    knee = placed[:, body.joint_names.index("left_knee")]
    mine = lsp_joints(clip, body)[:, LSP_14.index("left_knee")]
    np.testing.assert_allclose(mine, knee, atol=1e-6)


@pytest.mark.parametrize("activity", ["idle", "squat", "sit", "walk"])
def test_the_mesh_of_a_clip_stands_on_the_ground(body, activity):
    clip = synthetic_poses(clips=1, seconds=0.1, activities=[activity], body=body)[0]
    with torch.no_grad():
        mesh = body.vertices(torch.as_tensor(clip.betas), torch.as_tensor(clip.rotations))
    lowest = (mesh.double().numpy() + clip.translation[:, None])[..., 1].min(axis=1)
    assert np.abs(lowest).max() < 0.04


@pytest.mark.parametrize(
    "wrong",
    [
        {"clips": -1},
        {"seed": -1},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"fps": -50.0},
        {"seconds": 0.02},
        {"activities": []},
    ],
)
def test_a_number_out_of_range_is_refused(body, wrong):
    with pytest.raises(ShapeError):
        synthetic_motion(**({"clips": 1, "body": body} | wrong))


def test_an_unknown_activity_is_refused_with_the_nearest_name(body):
    with pytest.raises(UnknownNameError, match="did you mean 'walk'"):
        synthetic_motion(clips=1, activities=["wallk"], body=body)


def test_no_clips_are_an_empty_tuple(body):
    assert synthetic_motion(clips=0, body=body) == ()


def test_a_training_set_holds_every_view_of_every_clip():
    made = synthetic_training_set(clips=2, seconds=0.5)
    assert len(made) == 8
    assert len(made.subjects) == 2


@given(
    values=st.lists(st.floats(-100, 100), min_size=2, max_size=6),
    time=st.floats(-1, 7),
)
def test_a_minimum_jerk_path_passes_its_keys_and_never_overshoots(values, time):
    keys = np.array(values)[:, None]
    at = np.arange(len(values), dtype=float)
    np.testing.assert_allclose(minimum_jerk(at, at, keys), keys, atol=1e-9)
    path = minimum_jerk(np.array([time]), at, keys)
    assert min(values) - 1e-9 <= path[0, 0] <= max(values) + 1e-9


@given(phase=st.floats(-50, 50), turns=st.integers(-3, 3))
def test_a_cycle_has_period_one(phase, turns):
    extremes = {0.1: 3.0, 0.4: -2.0, 0.9: 8.0}
    once, again = cycle(np.array([phase, phase + turns]), extremes)
    assert once == pytest.approx(again, abs=1e-6)


@given(seed=st.integers(0, 1000), size=st.floats(0.1, 20))
def test_drift_stays_within_a_few_times_its_size(seed, size):
    curve = drift(np.random.default_rng(seed), np.arange(200) / 50.0, size)
    assert np.abs(curve).max() < 3.5 * size


@given(speed=st.floats(0.2, 2.0))
def test_a_sole_that_goes_back_at_a_constant_speed_moves_the_body_forward_at_it(speed):
    time = np.arange(50) / 50.0
    soles = np.zeros((50, 6, 3))
    soles[:, :, 1], soles[:, :, 2] = -0.9, -speed * time[:, None]
    path = root_path(soles, fps=50.0, smoothing=0.05)
    np.testing.assert_allclose(path[:, 2], speed * time, atol=1e-9)
    np.testing.assert_allclose(path[:, 1], 0.9, atol=1e-9)
