"""A person whose joints are known by name, for files in any detector's order."""

import numpy as np
import pytest

from posenet3d.files import reader_process
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import layout

_HEIGHT = {
    "top": 60, "eye": 85, "nose": 95, "ear": 90, "mouth": 105, "neck": 130, "shoulder": 150,
    "elbow": 230, "hip": 290, "wrist": 300, "knee": 400, "ankle": 500, "heel": 505, "toe": 515,
}  # fmt: skip


class Walker:
    """A person who faces the camera and walks to the right, 4 pixels a frame."""

    def place(self, joint: str, frame: int = 0, at: float = 0.0) -> tuple[float, float]:
        """Where a joint is: left joints lie on the picture's right."""
        words = joint.split("_")
        side = {"left": 60.25, "right": -60.5}.get(words[0], 0.0)
        height = _HEIGHT.get(words[-1], 200 + sum(map(ord, joint)) % 50)
        return at + 300.0 + 4.0 * frame + side, height + sum(map(ord, joint)) % 7 / 8

    def score(self, joint: str) -> float:
        """How sure a detector is of a joint."""
        return 0.5 + sum(map(ord, joint)) % 40 / 100

    def triples(self, joints: list[str], frame: int = 0, at: float = 0.0) -> list[float]:
        """x, y, c, x, y, c … of joints in a detector's order."""
        rows = [(*self.place(joint, frame, at), self.score(joint)) for joint in joints]
        return [float(value) for row in rows for value in row]

    def check(self, sequence: KeypointSequence, at: float = 0.0, scored: bool = True) -> None:
        """The sequence is this person, in pixels, each joint under its name."""
        for place, joint in enumerate(layout(sequence.layout).joint_names):
            expected = [self.place(joint, frame, at) for frame in sequence.frame_index.tolist()]
            np.testing.assert_allclose(sequence.points[:, place], expected, atol=1e-4, rtol=0)
            score = self.score(joint) if scored else 1.0
            np.testing.assert_allclose(sequence.confidence[:, place], score, atol=1e-6)
        self.check_sides(sequence)

    def check_sides(self, sequence: KeypointSequence) -> None:
        """No left joint is taken for a right one, in this layout and in the networks'."""
        for each in (sequence, sequence.to_layout("lsp_14")):
            names = layout(each.layout).joint_names
            middle = each.points[:, [names.index("left_hip"), names.index("right_hip")]].mean(1)
            for place, joint in enumerate(names):
                side = np.sign(each.points[:, place, 0] - middle[:, 0])
                if joint.startswith("left_"):
                    assert (side == 1).all(), joint
                if joint.startswith("right_"):
                    assert (side == -1).all(), joint


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less time for an HDF5 file: of a thousand damaged ones eight send the library in circles."""
    monkeypatch.setattr(reader_process, "_SECONDS", 0.3)


@pytest.fixture(scope="session")
def walker() -> Walker:
    """The person."""
    return Walker()


@pytest.fixture(scope="session")
def coco_order() -> list[str]:
    """COCO's 17 joints as its categories name them."""
    return [
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
        "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def halpe_order(coco_order: list[str]) -> list[str]:
    """Halpe's 26 joints as AlphaPose lists them, under our names."""
    return [
        *coco_order, "head_top", "neck", "mid_hip", "left_big_toe", "right_big_toe",
        "left_small_toe", "right_small_toe", "left_heel", "right_heel",
    ]  # fmt: skip
