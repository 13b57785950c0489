"""Laws of the limbs' asymmetry."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from posenet3d.geometry import random_rotmat
from posenet3d.skeletons import LSP_14
from posenet3d.training.validation import limb_asymmetry

seeds = st.integers(0, 2**31)


def skeletons(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 9, 14, 3, generator=generator, dtype=torch.float64)


@given(seeds, st.floats(0.01, 100.0))
def test_size_place_turn_and_depth_mirror_do_not_matter(seed: int, scale: float) -> None:
    points = skeletons(seed)
    turn = random_rotmat(generator=torch.Generator().manual_seed(seed)).double()
    mirror = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    moved = scale * (points * mirror) @ turn.T + 5.0
    assert float(limb_asymmetry(moved)) == pytest.approx(float(limb_asymmetry(points)), rel=1e-4)


@given(seeds)
def test_a_symmetric_skeleton_has_none_and_every_other_some(seed: int) -> None:
    points = skeletons(seed)
    assert 0 < float(limb_asymmetry(points)) <= 1
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        left, right = LSP_14.indices(f"left_{joint}", f"right_{joint}")
        points[..., right, :] = points[..., left, :] * torch.tensor([-1.0, 1.0, 1.0])
    assert float(limb_asymmetry(points)) < 1e-12


def test_one_arm_of_half_the_length_counts_a_third_in_one_pair_of_four() -> None:
    points = torch.zeros(14, 3)
    points[LSP_14.index("left_wrist"), 0] = 1.0
    points[LSP_14.index("right_wrist"), 0] = 0.5
    assert float(limb_asymmetry(points)) == pytest.approx(1 / 3 / 4)
