"""The ways for many matrices, in rows, against those that can be differentiated."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.geometry import gram_schmidt
from posenet3d.geometry.in_rows import gram_schmidt_in_rows
from posenet3d.testing.strategies import CRITICAL_MATRICES

MANY = 64


def matrices(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, 3, 3, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_without_gradients_many_matrices_become_the_same_rotations(seed, dtype):
    given_matrices = matrices(seed, MANY, 5).to(dtype) + 2 * torch.eye(3, dtype=dtype)
    with torch.no_grad():
        found = gram_schmidt(given_matrices)
    torch.testing.assert_close(found, gram_schmidt(given_matrices), rtol=0, atol=1e-5)


def test_matrices_that_need_care_get_it_among_many_others():
    rough = torch.tensor([*CRITICAL_MATRICES.values()], dtype=torch.float32).reshape(-1, 3, 3)
    rough = torch.cat([rough, 1e-15 * rough, matrices(0, MANY)])
    with torch.no_grad():
        found = gram_schmidt(rough)
    torch.testing.assert_close(found, gram_schmidt(rough), rtol=0, atol=1e-5)


def test_no_matrices_among_many_windows_give_none():
    with torch.no_grad():
        assert gram_schmidt(torch.zeros(MANY, 0, 3, 3)).shape == (MANY, 0, 3, 3)


def test_parallel_columns_are_not_sound():
    matrix = torch.eye(3).repeat(2, 1, 1)
    matrix[1, :, 1] = 3 * matrix[1, :, 0]
    assert gram_schmidt_in_rows(matrix.movedim(0, -1)).sound.tolist() == [True, False]


@pytest.mark.parametrize("apart", [1.0, 0.1, 0.01, 0.0012])
def test_columns_that_are_next_to_parallel_are_set_right_within_rounding(apart):
    """Two rejections leave nothing along the first, however little is left."""
    generator = torch.Generator().manual_seed(0)
    first, other, third = torch.nn.functional.normalize(
        torch.randn(3, 2000, 3, generator=generator), dim=-1
    )
    off = torch.nn.functional.normalize(torch.linalg.cross(first, other), dim=-1)
    given_matrices = torch.stack([3 * first, 5 * (first + apart * off), third], dim=-1)
    rows, sound = gram_schmidt_in_rows(given_matrices.permute(1, 2, 0).contiguous())
    rotations = rows.permute(2, 0, 1)
    assert sound.all()
    torch.testing.assert_close(
        rotations.mT @ rotations, torch.eye(3).expand(2000, 3, 3), rtol=0, atol=2e-6
    )
    exact = gram_schmidt(given_matrices.double()).float()
    torch.testing.assert_close(rotations, exact, rtol=0, atol=1e-6 / apart)
