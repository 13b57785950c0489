"""Our own file of a reconstruction: one npz with flat keys, no pickle, that round-trips exactly.

==========================  ===================================================================
key                         value
==========================  ===================================================================
``posenet3d``               JSON: everything that is not an array, and what the numbers mean
``joints3d``                (frames, 14, 3) metres, camera frame, about the hips' middle
``root``                    (frames, 3) the hips' middle, metres, camera frame
``up``                      (3,) unit vector against gravity, camera frame
``invented``                (frames, 14) truth values; absent if unknown
``joints3d_<branch>``       as ``joints3d``: ``teacher``, ``student``
``keypoints_points``        (frames, joints, 2) the 2D, NaN where unknown; and beside it
                            ``keypoints_confidence``, ``keypoints_frame_index``,
                            ``keypoints_synthesized``
``body_betas``              (betas,) of our own body model; absent, as the next two, without one
``body_rotations``          (frames, bones, 3, 3) local, the root's as `BodyMotion` has it
``body_translation``        (frames, 3) metres, camera frame
==========================  ===================================================================

Other keys are not read: an exporter may add some, as AMASS's are.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posenet3d.errors import DataError, KeypointFormatError, ShapeError, UnknownNameError
from posenet3d.files import open_npz, parse_json
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction.camera import AssumedCamera
from posenet3d.reconstruction.facts import facts_of
from posenet3d.reconstruction.reconstruction import BodyMotion, Reconstruction
from posenet3d.skeletons import LSP_14

KEY = "posenet3d"
"""The array that says that an npz file is ours."""

_KEYPOINTS = ("points", "confidence", "frame_index", "synthesized")
_BODY = ("betas", "rotations", "translation")
_FLOATS = ("joints3d", "root", "up", *(f"body_{name}" for name in _BODY))

Arrays = Mapping[str, np.ndarray]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Keypoints(_Strict):
    layout: str
    fps: float
    unit: str
    image_size: tuple[int, int] | None
    track_id: int | None
    source: str


class _Body(_Strict):
    model: PluginSpec
    family: str
    scale: float


class _Camera(_Strict):
    focal: float
    centre: tuple[float, float]
    given: bool


class _Header(_Strict):
    """Everything of a `Reconstruction` that is not an array."""

    format: Literal["reconstruction"] = "reconstruction"
    version: Literal[1] = 1
    facts: dict[str, str]
    keypoints: _Keypoints
    body: _Body | None
    camera: _Camera | None
    branches: tuple[str, ...] = Field(max_length=16)
    up_from: str
    height_m: float | None
    provenance: dict[str, str]


def reconstruction_arrays(lifted: Reconstruction) -> dict[str, np.ndarray]:
    """A reconstruction as named arrays, for an npz file that `load_reconstruction` reads.

    Args:
        lifted: any reconstruction.

    Raises:
        DataError: a number that must be finite is not.

    Example:
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> list(reconstruction_arrays(still))[:4]
        ['posenet3d', 'joints3d', 'root', 'up']
    """
    arrays = {"joints3d": lifted.joints3d, "root": lifted.root, "up": lifted.up}
    if lifted.invented is not None:
        arrays["invented"] = lifted.invented
    arrays |= {f"joints3d_{name}": each for name, each in lifted.branches.items()}
    arrays |= {f"keypoints_{name}": getattr(lifted.keypoints, name) for name in _KEYPOINTS}
    if lifted.body is not None:
        arrays |= {f"body_{name}": getattr(lifted.body, name) for name in _BODY}
    for name, array in arrays.items():
        if not name.startswith("keypoints_") and not np.isfinite(array).all():
            raise DataError(
                lifted.keypoints.source, f"{name}: expected finite numbers, got NaN or infinity."
            )
    header = json.dumps(_header(lifted).model_dump(mode="json"), allow_nan=False)
    return {KEY: np.array(header), **arrays}


def _header(lifted: Reconstruction) -> _Header:
    seen, body, camera = lifted.keypoints, lifted.body, lifted.camera
    try:
        return _Header(
            facts=facts_of(lifted, "camera", body=True),
            keypoints=_Keypoints(**{name: getattr(seen, name) for name in _Keypoints.model_fields}),
            body=body and _Body(**{name: getattr(body, name) for name in _Body.model_fields}),
            camera=camera
            and _Camera(**{name: getattr(camera, name) for name in _Camera.model_fields}),
            branches=tuple(lifted.branches),
            up_from=lifted.up_from,
            height_m=lifted.height_m,
            provenance=dict(lifted.provenance),
        )
    except ValidationError as error:
        raise DataError(seen.source, f"cannot be written: {_first_fault(error)}.") from None


def load_reconstruction(path: str | os.PathLike[str]) -> Reconstruction:
    """The reconstruction that ``Reconstruction.save("x.npz")`` wrote, exactly.

    Nothing in the file is executed; AMASS's keys in it are not looked at.

    Args:
        path: the npz file.

    Raises:
        DataError: it is no such file, or is damaged.
        StorageError: it is missing or cannot be read.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> still = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)
        >>> path = Path(tempfile.mkdtemp()) / "still.npz"
        >>> np.savez(path, **reconstruction_arrays(still))
        >>> load_reconstruction(path)
        Reconstruction('keypoints': 5 frames, 25 fps, skeleton, scale unknown)
    """
    source = os.fspath(path)
    with open_npz(path) as arrays:
        header = _read_header(arrays, source)
        kept = {name: _array(arrays, name, source) for name in _names(header, arrays)}
    try:
        return _assembled(header, kept)
    except (ShapeError, KeypointFormatError, UnknownNameError) as error:
        raise DataError(source, f"its arrays do not fit: {error}") from None


def _read_header(arrays: Arrays, source: str) -> _Header:
    text = arrays.get(KEY)
    if text is None or text.shape != () or text.dtype.kind != "U":
        got = ", ".join(list(arrays)[:5]) or "nothing"
        raise DataError(
            source,
            f"expected a reconstruction that posenet3d wrote (a key {KEY!r}), got {got}; "
            "write it by Reconstruction.save('x.npz').",
        )
    content = parse_json(str(text).encode(errors="surrogatepass"), source)
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > 1:
        raise DataError(
            source, f"expected version 1 of the file, got {version}; update posenet3d to read it."
        )
    try:
        return _Header.model_validate(content)
    except ValidationError as error:
        raise DataError(source, f"key {KEY!r}: {_first_fault(error)}.") from None


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"


def _names(header: _Header, arrays: Arrays) -> list[str]:
    """Which arrays belong to the reconstruction."""
    names = ["joints3d", "root", "up", *(["invented"] if "invented" in arrays else [])]
    names += [f"joints3d_{name}" for name in header.branches]
    names += [f"keypoints_{name}" for name in _KEYPOINTS]
    return names + ([f"body_{name}" for name in _BODY] if header.body else [])


def _array(arrays: Arrays, name: str, source: str) -> np.ndarray:
    if name not in arrays:
        raise DataError(source, f"expected a key {name!r}, got none; the file is not complete.")
    array = arrays[name]
    floats = name in _FLOATS or name.startswith("joints3d_")
    if floats and (array.dtype.kind != "f" or array.dtype.itemsize > 8):
        raise DataError(source, f"{name}: expected float32 or float64, got {array.dtype}.")
    if floats and not np.isfinite(array).all():
        raise DataError(source, f"{name}: expected finite numbers, got NaN or infinity.")
    if name == "invented" and array.dtype.kind != "b":
        raise DataError(source, f"{name}: expected truth values, got {array.dtype}.")
    return array


def _assembled(header: _Header, kept: Arrays) -> Reconstruction:
    seen: dict[str, Any] = {name: kept[f"keypoints_{name}"] for name in _KEYPOINTS}
    camera, body = header.camera, header.body
    _check_shapes(kept)
    return Reconstruction(
        joints3d=kept["joints3d"],
        root=kept["root"],
        keypoints=KeypointSequence(**seen, **dict(header.keypoints)),
        body=None if body is None else _body(body, kept),
        branches={name: kept[f"joints3d_{name}"] for name in header.branches},
        invented=kept.get("invented"),
        camera=None if camera is None else AssumedCamera(**dict(camera)),
        up=kept["up"],
        up_from=header.up_from,
        height_m=header.height_m,
        provenance=header.provenance,
    )


def _body(header: _Body, kept: Arrays) -> BodyMotion:
    moving: dict[str, Any] = {name: kept[f"body_{name}"] for name in _BODY}
    return BodyMotion(**moving, **dict(header))


def _check_shapes(kept: Arrays) -> None:
    """Nothing, if the arrays fit each other; bones and betas may be as many as the model has."""
    joints = kept["joints3d"]
    frames = len(joints) if joints.ndim else 0
    skeletons = (frames, len(LSP_14), 3)
    bones = kept["body_rotations"].shape[1:2] if "body_rotations" in kept else ()
    betas = kept["body_betas"].shape[:1] if "body_betas" in kept else ()
    wanted = {
        **{name: skeletons for name in kept if name.startswith("joints3d")},
        "root": (frames, 3),
        "up": (3,),
        "invented": skeletons[:2],
        "body_betas": betas or (10,),
        "body_rotations": (frames, *(bones or (24,)), 3, 3),
        "body_translation": (frames, 3),
    }
    for name, shape in wanted.items():
        if name in kept and kept[name].shape != shape:
            raise ShapeError(name, expected=f"{shape}", got=f"{kept[name].shape}")
