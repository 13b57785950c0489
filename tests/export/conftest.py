"""Reconstructions with a body whose every number differs from its default."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from posenet3d.geometry import rotvec_to_rotmat
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction import BodyMotion, Reconstruction

Moving = Callable[..., Reconstruction]


@pytest.fixture(scope="session")
def moving() -> Moving:
    """Makes a person in motion: every joint turns, some by more than half a turn."""

    def make(
        frames: int = 12,
        *,
        body: BodyMotion | bool | None = True,
        fps: float = 30.0,
        frame_index: np.ndarray | None = None,
        model: PluginSpec | None = None,
        **facts: Any,
    ) -> Reconstruction:
        random = np.random.default_rng(7)
        turns = random.normal(size=(24, 3)) * np.linspace(-1.5, 1.5, frames)[:, None, None]
        rotations = rotvec_to_rotmat(torch.tensor(turns + random.normal(size=(24, 3)))).numpy()
        track = np.cumsum(random.normal(size=(frames, 3)) * 0.02, axis=0)
        track += np.array([0.4, 0.2, 4.0])
        if body is True:
            body = BodyMotion(
                betas=random.normal(size=10),
                rotations=rotations,
                translation=track + np.array([0.01, -0.2, 0.03]),
                model=model or PluginSpec(name="mannequin"),
                scale=1.07,
            )
        joints = random.normal(size=(frames, 14, 3)) * 0.5
        seen = KeypointSequence(
            np.ones((frames, 14, 2)), layout="lsp_14", fps=fps, frame_index=frame_index
        )
        up = np.array([0.1, -0.9, 0.2])
        return Reconstruction(
            joints, track, seen, body or None, up=up / np.linalg.norm(up), up_from="given", **facts
        )

    return make
