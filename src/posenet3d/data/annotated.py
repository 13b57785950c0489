"""2D keypoints with the joints' true places: what an evaluation on a real dataset needs.

The trainer never sees them: it takes `KeypointSequence`s, which have no place for depth.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from posenet3d.errors import DataError
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import layout

_FAR = 1000.0  # metres; who gives millimetres is told


@dataclass(frozen=True, eq=False, init=False)
class AnnotatedSequence:
    """One person seen by one camera, in 2D, and where the joints truly were. Frozen.

    Args:
        key: ``"<subject>/<clip>"``, the same for every camera that saw the clip.
        camera: the camera's name, without a slash.
        keypoints: what was seen, annotated or detected; (frames, joints, 2).
        joints: (frames, joints of ``joints_layout``, 3), metres, camera frame (x right, y down, z
            forward); NaN is allowed in frames that do not count.
        joints_layout: the layout of ``joints``; it need not be that of ``keypoints``.
        counted: (frames,) which frames a protocol may count; all if ``None``.

    Attributes:
        key: as given.
        camera: as given.
        keypoints: as given.
        joints: as given, float64, read-only.
        joints_layout: as given.
        counted: as given, read-only.

    Raises:
        DataError: the shapes do not fit each other or the layout, a joint of a frame that counts
            is not finite or farther away than a kilometre, or key or camera cannot be names.
        UnknownNameError: no such layout.

    Example:
        >>> seen = KeypointSequence(np.ones((50, 17, 2)), layout="h36m_17", fps=50.0)
        >>> walk = AnnotatedSequence("S9/walk", "front", seen, np.ones((50, 17, 3)), "h36m_17")
        >>> walk, walk.subject
        (AnnotatedSequence('S9/walk' by 'front': 50 frames, 50 of them counted), 'S9')
    """

    key: str
    camera: str
    keypoints: KeypointSequence
    joints: Float[np.ndarray, "frames joints 3"]
    joints_layout: str
    counted: Bool[np.ndarray, " frames"]

    def __init__(
        self,
        key: str,
        camera: str,
        keypoints: KeypointSequence,
        joints: np.ndarray,
        joints_layout: str,
        counted: np.ndarray | None = None,
    ) -> None:
        if not key or not camera or "/" in camera:
            raise DataError(
                "annotated sequence",
                f"expected a key and a camera without a slash, got {key!r} and {camera!r}.",
            )
        called = f"{key} ({camera})"
        frames = len(keypoints)
        count = _counted(called, counted, frames)
        places = _joints(called, joints, joints_layout, count)
        for array in (count, places):
            array.setflags(write=False)
        facts = {
            "key": key,
            "camera": camera,
            "keypoints": keypoints,
            "joints": places,
            "joints_layout": joints_layout,
            "counted": count,
        }
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.keypoints)

    def __repr__(self) -> str:
        counted = int(self.counted.sum())
        return (
            f"AnnotatedSequence({self.key!r} by {self.camera!r}: {len(self)} frames, {counted} of "
            "them counted)"
        )

    @property
    def subject(self) -> str:
        """The part of the key before the first slash."""
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        """Key and camera: ``"S9/walk/front"``, unique in a dataset."""
        return f"{self.key}/{self.camera}"


def _counted(called: str, counted: np.ndarray | None, frames: int) -> np.ndarray:
    if counted is None:
        return np.ones(frames, dtype=bool)
    given = np.array(counted)
    if given.dtype != bool or given.shape != (frames,):
        raise DataError(
            called,
            f"counted: expected ({frames},) truth values, one a frame, got {given.dtype} "
            f"{given.shape}.",
        )
    return given


def _joints(called: str, joints: np.ndarray, name: str, counted: np.ndarray) -> np.ndarray:
    given = np.array(joints)
    expected = (len(counted), len(layout(name)), 3)
    if given.dtype.kind not in "fiu" or given.shape != expected:
        raise DataError(
            called,
            f"joints: expected numbers of shape {expected}, as many frames as keypoints in layout "
            f"{name!r}, got {given.dtype} {given.shape}.",
        )
    places = given.astype(np.float64)
    fine = np.isfinite(places).all(axis=(1, 2)) | ~counted
    if not fine.all():
        raise DataError(
            called,
            f"joints: expected finite joints, got NaN or infinity in frame {int((~fine).argmax())};"
            " leave it out of `counted` where the truth is not known.",
        )
    farthest = np.abs(places[counted]).max(initial=0.0)
    if farthest > _FAR:
        raise DataError(
            called, f"joints: expected metres, got {farthest:.0f}; divide millimetres by 1000."
        )
    return places
