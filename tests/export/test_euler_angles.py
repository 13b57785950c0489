"""Euler angles give the rotations back and run on without jumps."""

import numpy as np
import pytest
from beartype.roar import BeartypeException
from hypothesis import assume, given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from scipy.spatial.transform import Rotation

from posenet3d.errors import UnknownNameError
from posenet3d.export.euler_angles import EULER_ORDERS, rotmat_to_euler_degrees

orders = st.sampled_from(EULER_ORDERS)
CRITICAL = [-180.0, -90.0, -90.0 + 1e-5, 0.0, 1e-7, 90.0 - 1e-3, 90.0 - 1e-7, 90.0, 180.0]
far = st.floats(-900.0, 900.0)
angles = st.one_of(st.sampled_from(CRITICAL), st.floats(-180.0, 180.0))


def rotations_of(triples, order):
    return Rotation.from_euler(order, triples, degrees=True).as_matrix()


@given(orders, st.lists(st.tuples(angles, angles, angles), min_size=1, max_size=6))
def test_the_angles_give_the_rotations_back_in_gimbal_lock_too(order, triples):
    rotations = rotations_of(np.array(triples), order)
    made = rotmat_to_euler_degrees(rotations, order)
    np.testing.assert_allclose(rotations_of(made, order), rotations, atol=2e-6)


@given(orders, st.lists(st.tuples(far, far, far), min_size=1, max_size=4))
def test_a_steady_motion_has_the_angles_it_was_made_from(order, knots):
    """Angles wander far over half turns, and the middle one through quarter turns."""
    corners = np.array([(0.0, 0.0, 0.0), *knots])
    places = np.arange(0.0, len(corners) - 1 + 1e-9, 0.013)
    wandering = np.stack(
        [np.interp(places, np.arange(len(corners)), each) for each in corners.T], axis=-1
    )
    assume(np.abs(np.cos(np.radians(wandering[:, 1]))).min() > 1e-3)
    made = rotmat_to_euler_degrees(rotations_of(wandering, order), order)
    np.testing.assert_allclose(made, wandering, atol=1e-6)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_in_gimbal_lock_the_first_angle_holds_still(order):
    triples = np.array([[30.0, 80.0, 10.0], [30.0, 90.0, 10.0], [30.0, 90.0, 25.0]])
    made = rotmat_to_euler_degrees(rotations_of(triples, order), order)
    np.testing.assert_allclose(made, triples, atol=1e-5)


def test_a_motion_that_begins_in_gimbal_lock_begins_with_zero():
    rotations = rotations_of(np.array([[30.0, 90.0, 0.0]]), "ZXY")
    assert rotmat_to_euler_degrees(rotations, "ZXY")[0, 0] == 0.0


def test_an_unknown_order_is_refused():
    with pytest.raises((UnknownNameError, TypeCheckError, BeartypeException)):
        rotmat_to_euler_degrees(np.eye(3)[None], "ZXX")
