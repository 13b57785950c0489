"""A person whose pose is known by hand: faces the camera, lifts the left arm, walks to the left."""

import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from posenet3d.body import load_body_model, lsp_14_regressor
from posenet3d.geometry import rotvec_to_rotmat
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction import AssumedCamera, BodyMotion, Reconstruction
from posenet3d.skeletons import LSP_14
from posenet3d.visualization import bodies, curves, motion_sheet, sheet
from posenet3d.visualization.figures import save_figure

Waving = Callable[..., Reconstruction]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are saved while the test runs."""
    figures: list[Any] = []

    def save(figure: Any, path: Any) -> None:
        figures.append(figure)
        save_figure(figure, path)

    for module in (bodies, curves, motion_sheet, sheet):
        monkeypatch.setattr(module, "save_figure", save)
    return figures


@pytest.fixture(scope="session")
def waving() -> Waving:
    """Makes that person's reconstruction, exact in every number: 3D, 2D and body agree."""
    model = load_body_model("mannequin")
    regressor = lsp_14_regressor(model, "vertex")

    def make(
        frames: int = 12,
        *,
        fps: float = 30.0,
        body: bool = True,
        source: str = "waving",
        spec: PluginSpec | None = None,
        frame_index: Sequence[int] | None = None,
        **facts: Any,
    ) -> Reconstruction:
        turns = torch.zeros(frames, 24, 3, dtype=torch.float64)
        way = torch.linspace(0, 1, frames, dtype=torch.float64)
        turns[:, model.joint_names.index("left_shoulder"), 2] = 1.0 + 0.4 * way
        turns[:, model.joint_names.index("right_shoulder"), 2] = -1.2
        turns[:, model.joint_names.index("right_knee"), 0] = 0.5 * way
        rotations = rotvec_to_rotmat(turns)
        posed = model.regress(torch.zeros(10), rotations.float(), regressor).double().numpy()
        walked = np.stack([0.6 * way.numpy(), 0 * way.numpy(), 4 + 0 * way.numpy()], axis=-1)
        seen = posed * np.array([1.0, -1.0, -1.0]) + walked[:, None]
        root = seen[:, LSP_14.indices("right_hip", "left_hip")].mean(axis=1)
        points = 1000 * seen[..., :2] / seen[..., 2:] + np.array([400.0, 600.0])
        keypoints = KeypointSequence(
            points, np.full((frames, 14), 0.9), layout="lsp_14", fps=fps, image_size=(900, 1200),
            source=source, frame_index=None if frame_index is None else np.array(frame_index),
        )  # fmt: skip
        joints = seen - root[:, None]
        motion = BodyMotion(
            np.zeros(10), rotations.numpy(), walked, spec or PluginSpec(name="mannequin")
        )
        given: dict[str, Any] = {
            "branches": {"teacher": 1.02 * joints, "student": 0.98 * joints},
            "camera": AssumedCamera(1000.0, (400.0, 600.0)),
            "provenance": {"weights": "none"},
        }
        return Reconstruction(joints, root, keypoints, motion if body else None, **given | facts)

    return make


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; skips where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine: pages are not opened")
