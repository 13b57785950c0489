import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.errors import ShapeError, UnknownNameError
from posenet3d.skeletons import HEAD_TOP_FROM_FACE, LAYOUTS, LSP_14, Skeleton, convert, layout

S = None  # synthesised
# Source indices of RAnk RKnee RHip LHip LKnee LAnk RWri RElb RSho LSho LElb LWri Neck Head, from
# the formats' own documentation.
TABLE = {
    "lsp_14": tuple(range(14)),
    "body_25": (11, 10, 9, 12, 13, 14, 4, 3, 2, 5, 6, 7, 1, S),
    "body_25b": (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, 17, 18),
    "mpi_15": (10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, 0),
    "coco_18": (10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, S),
    "coco_17": (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, S, S),
    "halpe_26": (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, 18, 17),
    "mpii_16": (0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 8, 9),
    "mediapipe_33": (28, 26, 24, 23, 25, 27, 16, 14, 12, 11, 13, 15, S, S),
    "h36m_17": (3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10),
    "h36m_17_left_first": (6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10),
    "smpl_24": (8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20, 12, 15),
    "mpi_inf_3dhp_28": (25, 24, 23, 18, 19, 20, 16, 15, 14, 9, 10, 11, 5, 7),
    "mpi_inf_3dhp_17": (10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, 0),
}

# A person who faces the camera: x (the person's left is on the right of the image), y down.
HEIGHT_ABOVE_GROUND = {
    "ankle": 0.1, "knee": 0.5, "hip": 0.95, "wrist": 0.85, "elbow": 1.1, "shoulder": 1.4,
    "neck": 1.4, "upper_neck": 1.4, "thorax": 1.4, "collar": 1.38, "head_top": 1.75,
    "head": 1.6, "nose": 1.6, "eye": 1.63, "eye_inner": 1.63, "eye_outer": 1.63, "ear": 1.61,
    "mouth": 1.55, "pelvis": 0.95, "mid_hip": 0.95, "spine": 1.15, "spine1": 1.05,
    "spine2": 1.15, "spine3": 1.25, "spine4": 1.35, "chest": 1.2, "clavicle": 1.38,
    "foot": 0.05, "toe": 0.02, "foot_index": 0.02,
    "big_toe": 0.02, "small_toe": 0.02, "heel": 0.03, "hand": 0.8, "pinky": 0.78,
    "index": 0.76, "thumb": 0.8,
}  # fmt: skip
HALF_WIDTH = {"eye": 0.03, "eye_inner": 0.02, "eye_outer": 0.04, "ear": 0.07, "hip": 0.1}


def place(name):
    """Where a joint of the figure is, by its name."""
    side, _, rest = name.partition("_")
    if side not in ("left", "right"):
        return (0.0, -HEIGHT_ABOVE_GROUND[name])
    x = HALF_WIDTH.get(rest, 0.2)
    return (x if side == "left" else -x, -HEIGHT_ABOVE_GROUND[rest])


def figure(skeleton):
    return np.array([place(name) for name in skeleton.joint_names])


def numbers(shape, low=-1e3, high=1e3):
    return arrays(np.float64, shape, elements=st.floats(low, high))


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_gives_the_canonical_joints_of_its_documentation(name):
    numbered = np.arange(float(len(layout(name))))[:, None] * np.ones(2)
    made = convert(numbered, name)
    for joint, index in enumerate(TABLE[name]):
        if index is S:
            assert made.synthesized[joint]
        else:
            assert made.points[joint, 0] == index
    stand_in = {"smpl_24": 1}.get(name, 0)  # SMPL's head joint stands in for the head top
    assert made.synthesized.sum() == TABLE[name].count(S) + stand_in


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_joint_of_a_figure_swaps_sides(name):
    made = convert(figure(layout(name)), name).points
    swapped = [
        joint
        for joint, (x, _) in zip(LSP_14.joint_names, made, strict=True)
        if (joint.startswith("left_") and x <= 0) or (joint.startswith("right_") and x >= 0)
    ]
    assert swapped == []
    limbs = [joint for joint in LSP_14.joint_names if joint != "head_top"]
    where = list(LSP_14.indices(*limbs))
    np.testing.assert_allclose(made[where], [place(joint) for joint in limbs], atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"smpl_24"}))
def test_the_head_top_of_a_figure_is_near_the_true_one(name):
    head = convert(figure(layout(name)), name).points[LSP_14.index("head_top")]
    np.testing.assert_allclose(head, place("head_top"), atol=0.03)


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", LAYOUTS)
def test_any_layout_converts_to_any_other_by_name(source, target):
    made = convert(figure(layout(source)), source, target)
    known = np.isfinite(made.points[:, 0])
    read = known & ~made.synthesized
    np.testing.assert_allclose(made.points[read], figure(layout(target))[read])
    np.testing.assert_array_equal(made.confidence, known)
    shared = set(layout(source).joint_names) & set(layout(target).joint_names)
    assert known[list(layout(target).indices(*shared))].all()


@given(
    name=st.sampled_from(list(LAYOUTS)),
    axes=st.sampled_from([2, 3]),
    angle=st.sampled_from([0.0, 1e-7, 1e-4, 0.5, np.pi - 1e-7, np.pi]),
    scale=st.floats(0.1, 10),
    data=st.data(),
)
def test_conversion_turns_scales_and_moves_with_the_body(name, axes, angle, scale, data):
    points = data.draw(numbers((len(layout(name)), axes)))
    shift = data.draw(numbers(axes))
    turn = np.eye(axes)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    moved = convert(scale * points @ turn.T + shift, name).points
    np.testing.assert_allclose(moved, scale * convert(points, name).points @ turn.T + shift,
                               rtol=1e-9, atol=1e-6)  # fmt: skip


@given(name=st.sampled_from(list(LAYOUTS)), data=st.data())
def test_conversion_and_mirroring_commute(name, data):
    points = data.draw(numbers((len(layout(name)), 2)))
    np.testing.assert_allclose(
        convert(layout(name).mirrored(points), name).points,
        LSP_14.mirrored(convert(points, name).points),
        atol=1e-9,
    )


@given(name=st.sampled_from(list(LAYOUTS)), data=st.data())
def test_frames_convert_one_by_one_as_together(name, data):
    points = data.draw(numbers((2, 3, len(layout(name)), 2)))
    together = convert(points, name).points
    np.testing.assert_array_equal(together[1, 2], convert(points[1, 2], name).points)


def test_the_neck_is_the_middle_of_the_shoulders():
    points = figure(layout("coco_17"))
    points[layout("coco_17").index("left_shoulder")] = (1.0, 3.0)
    made = convert(points, "coco_17")
    np.testing.assert_allclose(made.points[LSP_14.index("neck")], (0.4, 0.8))


def test_the_head_top_follows_the_head_of_a_lying_body():
    lying = figure(layout("coco_17"))[:, ::-1]
    made = convert(lying, "coco_17").points
    neck, head = made[list(LSP_14.indices("neck", "head_top"))]
    assert head[0] < neck[0] - 0.3
    assert abs(head[1] - neck[1]) < 1e-12


def test_a_hidden_ear_is_left_out_of_the_face():
    skeleton, points = layout("coco_17"), figure(layout("coco_17"))
    face = ["nose", "left_eye", "right_eye", "left_ear"]
    middle = points[list(skeleton.indices(*face))].mean(axis=0)
    neck = np.array(place("neck"))
    expected = neck + HEAD_TOP_FROM_FACE * (middle - neck)
    points[skeleton.index("right_ear")] = np.nan
    head = convert(points, skeleton).points[LSP_14.index("head_top")]
    np.testing.assert_allclose(head, expected)


def test_a_face_joint_without_confidence_is_not_visible():
    skeleton, points = layout("coco_17"), figure(layout("coco_17"))
    hidden, guessed = points.copy(), points.copy()
    hidden[skeleton.index("right_ear")] = np.nan
    guessed[skeleton.index("right_ear")] = (5.0, 5.0)
    confidence = np.ones(17)
    confidence[skeleton.index("right_ear")] = 0
    np.testing.assert_array_equal(
        convert(hidden, skeleton).points, convert(guessed, skeleton, confidence=confidence).points
    )


def test_what_is_made_from_an_unknown_joint_is_unknown():
    skeleton, points = layout("coco_17"), figure(layout("coco_17"))
    points[skeleton.index("left_shoulder")] = np.nan
    made = convert(points, skeleton, confidence=np.ones(17))
    unknown = ["left_shoulder", "neck", "head_top"]
    lost = [n for n, p in zip(LSP_14.joint_names, made.points, strict=True) if np.isnan(p).all()]
    assert lost == unknown
    assert (made.confidence[list(LSP_14.indices(*unknown))] == 0).all()


def test_without_a_visible_face_the_head_top_is_unknown():
    points = figure(layout("coco_17"))
    points[:5] = np.nan
    made = convert(points, "coco_17")
    assert np.isnan(made.points[LSP_14.index("head_top")]).all()
    assert np.isfinite(made.points[:-1]).all()


def test_a_made_joint_has_the_smallest_confidence_of_its_parents():
    skeleton = layout("coco_17")
    confidence = np.full(17, 0.9)
    confidence[list(skeleton.indices("left_shoulder", "nose"))] = (0.5, 0.3)
    made = convert(figure(skeleton), skeleton, confidence=confidence)
    neck, head = LSP_14.indices("neck", "head_top")
    assert (made.confidence[neck], made.confidence[head]) == (0.5, 0.3)
    assert made.confidence[LSP_14.index("left_wrist")] == 0.9


def test_a_layout_without_a_head_gives_no_head_top():
    headless = Skeleton("headless", ("left_shoulder", "right_shoulder"), (-1, 0))
    made = convert(np.array([[1.0, 0.0], [-1.0, 0.0]]), headless)
    neck, head = LSP_14.indices("neck", "head_top")
    assert made.points[neck].tolist() == [0, 0]
    assert np.isnan(made.points[head]).all()


def test_what_cannot_be_made_is_unknown_and_not_called_synthesised():
    made = convert(figure(LSP_14), "lsp_14", "body_25")
    toe = layout("body_25").index("left_big_toe")
    assert np.isnan(made.points[toe]).all()
    assert not made.synthesized[toe]


def test_the_head_top_factor_is_the_least_squares_fit_to_the_training_subjects(data_folder):
    along, across = 0.0, 0.0
    skeleton = layout("h36m_17")
    left, right, nose, top = skeleton.indices("left_shoulder", "right_shoulder", "nose", "head_top")
    with np.load(data_folder / "cmu_train.npz") as clips:
        for key in (key for key in clips if "/" in key):
            joints = clips[key].astype(np.float64)
            neck = (joints[:, left] + joints[:, right]) / 2
            face, head = joints[:, nose] - neck, joints[:, top] - neck
            along, across = along + (face * head).sum(), across + (face * face).sum()
    assert abs(along / across - HEAD_TOP_FROM_FACE) < 0.005


def test_points_of_another_layout_are_an_error():
    with pytest.raises(ShapeError, match="'coco_17'"):
        convert(np.zeros((3, 14, 2)), "coco_17")


def test_a_confidence_of_another_shape_is_an_error():
    with pytest.raises(ShapeError, match="confidence"):
        convert(np.zeros((3, 14, 2)), "lsp_14", confidence=np.zeros((3, 13)))


def test_an_unknown_target_is_an_error():
    with pytest.raises(UnknownNameError, match="lsp_14"):
        convert(np.zeros((3, 14, 2)), "lsp_14", "lsp_15")
