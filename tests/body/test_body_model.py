import dataclasses

import numpy as np
import pytest

from posenet3d.body import BodyModelData
from posenet3d.errors import BodyModelError


def small_body(**changes):
    """Four vertices, two joints, one shape direction."""
    fields = {
        "v_template": np.arange(12.0).reshape(4, 3),
        "shapedirs": np.ones((4, 3, 1)),
        "posedirs": np.zeros((4, 3, 9)),
        "joint_regressor": np.full((2, 4), 0.25),
        "weights": np.full((4, 2), 0.5),
        "faces": np.array([[0, 1, 2], [1, 3, 2]]),
        "parents": (-1, 0),
        "joint_names": ("pelvis", "head"),
        "family": "small",
    }
    return BodyModelData(**{**fields, **changes})


def test_a_good_body_tells_its_sizes():
    body = small_body()
    assert repr(body) == "BodyModelData(family='small', vertices=4, joints=2, betas=1)"
    assert (body.num_vertices, body.num_joints, body.num_betas) == (4, 2, 1)


def test_the_data_cannot_be_changed():
    source = np.arange(12.0).reshape(4, 3)
    body = small_body(v_template=source)
    source[0, 0] = 7
    assert body.v_template[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        body.v_template[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        body.family = "other"


def test_half_precision_is_widened():
    assert small_body(posedirs=np.zeros((4, 3, 9), np.float16)).posedirs.dtype == np.float32


def broken(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("v_template", np.zeros((4, 2)), r"v_template: expected shape \(V, 3\)"),
        ("v_template", np.zeros((0, 3)), r"with V > 0"),
        ("v_template", broken(np.zeros((4, 3)), (1, 1), np.nan), "finite numbers, got NaN"),
        ("v_template", [["a", "b", "c"]] * 4, "v_template: expected an array of numbers"),
        ("shapedirs", np.zeros((4, 3)), r"shapedirs: expected shape \(4, 3, B\), got \(4, 3\)"),
        ("posedirs", np.zeros((9, 4, 3)), r"posedirs: expected shape \(4, 3, 9\).*\(9, 4, 3\)"),
        ("joint_regressor", np.zeros((3, 4)), r"joint_regressor: expected shape \(2, 4\)"),
        ("joint_regressor", np.full((2, 4), 0.3), "rows that sum to 1, got 1.2 in row 0"),
        ("joint_regressor", [[1.5, -0.5, 0, 0]] * 2, "non-negative entries, got -0.5"),
        ("weights", np.zeros((2, 4)), r"weights: expected shape \(4, 2\)"),
        ("weights", broken(np.full((4, 2), 0.5), (2, 1), 0.6), "sum to 1, got 1.1 in row 2"),
        ("weights", broken(np.full((4, 2), 0.5), 3, (1.1, -0.1)), "weights: expected non-negative"),
        ("faces", np.zeros((2, 4)), r"faces: expected shape \(F, 3\)"),
        ("faces", [[0, 1, 4]], "vertex indices from 0 to 3, got 0 to 4"),
        ("faces", [[0, -1, 2]], "got -1 to 2"),
        ("parents", (0, 0), "the root first, marked by -1"),
        ("parents", (-1, 1), r"the parent of joint 1 \(head\) before it, got 1"),
        ("joint_names", ("head",), "2 distinct names"),
        ("joint_names", ("head", "head"), "2 distinct names"),
        ("family", "", "family: expected a name"),
    ],
)
def test_each_fault_is_named(field, value, message):
    with pytest.raises(BodyModelError, match=message):
        make_unchecked({field: value})


def make_unchecked(changes):
    """Arrays that are lists still go the way of a file's contents: through numpy first."""
    arrays = {
        name: np.array(value) if isinstance(value, list) else value
        for name, value in changes.items()
    }
    return small_body(**arrays)
