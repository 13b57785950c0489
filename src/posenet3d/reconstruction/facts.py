"""What every exported file says of itself: unit, axes, scale, gravity, body and its licence.

And what it refuses: numbers that are not finite, and a skeleton where it needs a body.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from posenet3d.errors import PoseNet3DError, ShapeError, UnknownNameError
from posenet3d.reconstruction.reconstruction import BodyMotion, Reconstruction

Frame = Literal["world", "camera"]

AXES = {
    "camera": "x right, y down, z forward, from the camera (right-handed)",
    "y": "x to the camera's right, y up, z towards the camera (right-handed)",
    "z": "x to the camera's right, y away from the camera, z up (right-handed)",
}
"""Where the axes point: in the camera's frame, and in a world with y or z up."""

UP_FROM = {
    "camera": "the image's up (the camera is taken to be level)",
    "estimated": "estimated from the motion",
    "given": "given by the user",
}


def facts_of(
    lifted: Reconstruction, axes: str, *, unit: str = "metres", body: bool = False
) -> dict[str, str]:
    """What a reader must know of a file's numbers, a line a fact, none with a line break.

    Args:
        lifted: what is written.
        axes: a key of `AXES`: ``"camera"``, ``"y"`` or ``"z"`` (up).
        unit: the unit of lengths in the file.
        body: whether the file holds the body's shape, so that its licence counts.

    Raises:
        UnknownNameError: no such axes.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> for name, fact in facts_of(still, "y").items():
        ...     print(f"{name}: {fact}")
        Unit: metres
        Axes: x to the camera's right, y up, z towards the camera (right-handed)
        Up comes from: the image's up (the camera is taken to be level)
        Scale: unknown (no height was given; metres are the body model's)
        Root: no camera is known; its track is a guess
        Frames a second: 25
        First frame: 0 of the source, at 0 s
        Source: keypoints
    """
    if axes not in AXES:
        raise UnknownNameError("axes", axes, AXES)
    first = int(lifted.keypoints.frame_index[0])
    facts = {
        "Unit": unit,
        "Axes": AXES[axes],
        "Up comes from": UP_FROM.get(lifted.up_from, lifted.up_from),
        "Scale": _scale(lifted),
        "Root": _root(lifted),
        "Frames a second": f"{lifted.fps:.12g}",
        "First frame": f"{first} of the source, at {first / lifted.fps:.9g} s",
        "Source": lifted.keypoints.source,
    }
    if lifted.body is not None:
        facts["Body model"] = lifted.body.model.name
        facts["Body family"] = lifted.body.family
        if body:
            facts["Body licence"] = _licence(lifted)
    facts |= {f"Made with {name}": value for name, value in lifted.provenance.items()}
    return {" ".join(name.split()): " ".join(fact.split()) for name, fact in facts.items()}


def body_of(lifted: Reconstruction, what: str) -> BodyMotion:
    """The body, if there is one.

    Args:
        lifted: what is to be written.
        what: the file's kind in words, for the error.

    Raises:
        PoseNet3DError: it has none.

    Example:
        >>> from posenet3d.keypoints import KeypointSequence
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> body_of(Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen), "An OBJ file")
        Traceback (most recent call last):
        posenet3d.errors.PoseNet3DError: An OBJ file holds a body; expected a reconstruction ...
    """
    if lifted.body is None:
        raise PoseNet3DError(
            f"{what} holds a body; expected a reconstruction with one, got a skeleton alone: lift "
            "with weights that have a student, or write .trc, .c3d, .csv or .json instead."
        )
    return lifted.body


def check_finite(what: str, array: Float[np.ndarray, "..."]) -> None:
    """Nothing, if all numbers are finite.

    Args:
        what: the array's name, for the error.
        array: a row a frame.

    Raises:
        ShapeError: one is NaN or infinite; it names the first such frame.

    Example:
        >>> check_finite("joints3d", np.zeros((5, 14, 3)))
    """
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if bad.any():
        raise ShapeError(
            what, expected="finite numbers", got=f"NaN or infinity in frame {int(bad.argmax())}"
        )


def _scale(lifted: Reconstruction) -> str:
    if lifted.height_m is not None:
        return f"known (the person's height was given: {lifted.height_m:g} m)"
    return "unknown (no height was given; metres are the body model's)"


def _root(lifted: Reconstruction) -> str:
    if lifted.camera is None:
        return "no camera is known; its track is a guess"
    source = "a given" if lifted.camera.given else "an assumed"
    return f"its track is under {source} focal length of {lifted.camera.focal:g}"


def _licence(lifted: Reconstruction) -> str:
    try:
        told = getattr(lifted.body_model, "license", "")
    except PoseNet3DError:
        return "not told (the body model cannot be loaded)"
    return told if isinstance(told, str) and told else "not told by the body model"
