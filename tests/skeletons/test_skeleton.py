import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from posenet3d.errors import PoseNet3DError, ShapeError, UnknownNameError
from posenet3d.skeletons import LAYOUTS, LSP_14, Skeleton

NUMBERS = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6))
SKELETONS = st.sampled_from(list(LAYOUTS.values()))


@given(skeleton=SKELETONS, axes=st.sampled_from([2, 3]), data=st.data())
def test_mirroring_twice_gives_the_points_back(skeleton, axes, data):
    points = data.draw(arrays(np.float64, (2, len(skeleton), axes), elements=NUMBERS))
    np.testing.assert_array_equal(skeleton.mirrored(skeleton.mirrored(points)), points)


@given(skeleton=SKELETONS, data=st.data())
def test_mirroring_moves_each_joint_to_its_counterpart(skeleton, data):
    points = data.draw(arrays(np.float64, (len(skeleton), 2), elements=NUMBERS))
    mirrored = skeleton.mirrored(points)
    for name in skeleton.joint_names:
        other = {"left": "right", "right": "left"}.get(name.split("_")[0])
        counterpart = "_".join([other, *name.split("_")[1:]]) if other else name
        expected = points[skeleton.index(counterpart)] * (-1, 1)
        np.testing.assert_array_equal(mirrored[skeleton.index(name)], expected)


def test_mirroring_leaves_its_input_alone():
    points = np.ones((14, 2))
    LSP_14.mirrored(points)
    assert (points == 1).all()


def test_left_and_right_list_counterparts_in_the_same_order():
    names = LSP_14.joint_names
    pairs = [(names[a], names[b]) for a, b in zip(LSP_14.left, LSP_14.right, strict=True)]
    assert all(b == a.replace("left", "right") for a, b in pairs)
    assert len(pairs) == 6


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=LAYOUTS)
def test_bones_connect_every_joint(skeleton):
    reached, edges = {0}, [set(bone) for bone in skeleton.bones]
    for _ in skeleton.joint_names:
        reached |= {joint for edge in edges if edge & reached for joint in edge}
    assert reached == set(range(len(skeleton)))
    assert len({frozenset(edge) for edge in edges}) == len(edges)
    assert len(edges) == len(skeleton) - 1 + len(skeleton.links)


def test_the_canonical_bones_are_the_fourteen_of_the_design():
    side = ("right", "left")
    expected = {frozenset(("right_hip", "left_hip")), frozenset(("neck", "head_top"))}
    for s in side:
        chain = [f"{s}_hip", f"{s}_knee", f"{s}_ankle"]
        arm = [f"{s}_shoulder", f"{s}_elbow", f"{s}_wrist"]
        expected |= {frozenset(pair) for pair in (chain[:2], chain[1:], arm[:2], arm[1:])}
        expected |= {frozenset(("neck", chain[0])), frozenset(("neck", arm[0]))}
    names = LSP_14.joint_names
    assert {frozenset((names[a], names[b])) for a, b in LSP_14.bones} == expected
    assert len(LSP_14.bones) == 14


def test_bones_point_away_from_the_root():
    assert (LSP_14.index("right_hip"), LSP_14.index("right_knee")) in LSP_14.bones


def test_an_unknown_joint_is_an_error_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'left_knee'"):
        LSP_14.indices("left_kne")


@pytest.mark.parametrize(
    ("names", "parents", "links", "match"),
    [
        (("hip", "hip"), (-1, 0), (), "distinct"),
        (("hip", "left_knee"), (-1, 0), (), "counterpart"),
        (("hip", "neck"), (-1,), (), "2 indices"),
        (("hip", "neck"), (-1, -1), (), "one -1"),
        (("hip", "neck"), (-1, 2), (), "2 indices"),
        (("hip", "neck", "head"), (-1, 2, 1), (), "cycle"),
        (("hip", "neck"), (-1, 0), (("hip", "toe"),), "toe"),
    ],
)
def test_what_is_no_skeleton_is_an_error(names, parents, links, match):
    with pytest.raises(PoseNet3DError, match=match):
        Skeleton("wrong", names, parents, links)


@pytest.mark.parametrize("shape", [(14,), (15, 2), (14, 4), (14, 2, 1)])
def test_points_of_another_shape_are_an_error(shape):
    with pytest.raises(ShapeError, match="lsp_14"):
        LSP_14.mirrored(np.zeros(shape))
