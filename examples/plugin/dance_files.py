"""Two more plug-ins for posenet3d: a file of keypoints to read, a file of knee angles to write."""

import os

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from posenet3d.files import atomic_write
from posenet3d.keypoints import KeypointSequence, KeypointSource, Told
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, check_finite, facts_of
from posenet3d.skeletons import LSP_14


class LinesReader:
    """Reads ``.lines`` files: a line a frame, x and y of MPI's 15 joints."""

    def sniff(self, source: KeypointSource) -> bool:
        """Whether its first line has 30 words."""
        if source.suffix != ".lines" or source.is_folder:
            return False
        return len(source.read_bytes().partition(b"\n")[0].split(b" ")) == 30

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """The one person in it; what the caller tells goes before what the file says."""
        try:
            text = source.read_bytes().decode("ascii")
            points = np.array([line.split(" ") for line in text.split("\n")]).astype(float)
            if points.shape[1:] != (30,) or not np.isfinite(points).all():
                raise ValueError(f"lines of {points.shape}")
        except ValueError as error:
            raise source.error("lines", "30 numbers each", str(error)[:80]) from None
        person = KeypointSequence(
            points.reshape(-1, 15, 2),
            layout=told.layout_of(source, 15, "mpi_15"),
            fps=told.fps_of(source, None, len(points)),
            image_size=told.image_size,
            source=source.name,
        )
        return (person,)


class AnglesConfig(BaseModel):
    """Options of the exporter ``angles``; anything else is an error before anything is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    digits: int = Field(default=1, ge=0, le=9)


@configured_by(AnglesConfig)
def write_angles(
    *, path: str | os.PathLike[str], reconstruction: Reconstruction, digits: int = 1
) -> None:
    """Writes ``.angles`` files: a line a frame, both knees in degrees, 180 being straight."""
    check_finite("joints3d", reconstruction.joints3d)
    left, right = (knee(reconstruction.joints3d, side) for side in ("left", "right"))
    facts = facts_of(reconstruction, "camera", unit="degrees")
    lines = [f"# {name}: {fact}" for name, fact in facts.items()]
    for frame, one, other in zip(reconstruction.keypoints.frame_index, left, right, strict=True):
        lines.append(f"{frame},{one:.{digits}f},{other:.{digits}f}")
    with atomic_write(path) as file:
        file.write("\n".join(lines).encode() + b"\n")


def knee(joints: np.ndarray, side: str) -> np.ndarray:
    """The angle between thigh and shank, degrees (frames,)."""
    hip, bend, ankle = LSP_14.indices(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    thigh, shank = joints[:, hip] - joints[:, bend], joints[:, ankle] - joints[:, bend]
    lengths = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shank, axis=-1)
    cosine = (thigh * shank).sum(-1) / np.maximum(lengths, 1e-9)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
