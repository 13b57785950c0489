"""What an HTML page holds of a motion: arrays as one text, facts for its program and its reader."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from posenet3d.body import LinearBlendBody
from posenet3d.errors import PoseNet3DError
from posenet3d.geometry import rotmat_to_unitquat
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import Reconstruction, WorldMotion
from posenet3d.reconstruction.world import RootMotion
from posenet3d.skeletons import LSP_14, Skeleton
from posenet3d.skeletons import layout as layout_named
from posenet3d.visualization.motion_tracks import (
    MotionTracks,
    extent_in_image,
    length_in_words,
    motion_tracks,
    smoothed_place,
)
from posenet3d.visualization.packed_arrays import PackedArrays
from posenet3d.visualization.skinned_mesh import skinned_mesh
from posenet3d.visualization.stick_figures import side_of, side_of_bone

FREE_LICENSES = ("CC0",)
"""How the licence of a body begins that anyone may share."""

_COLOURS = ("result", "teacher", "student")
_MOST_VERTICES, _MOST_BONES = 65_536, 29
"""What 16 bits a vertex, and 8 bits an entry of vec(R_2 - I, ..., R_K - I), can number."""
_UP_FROM = {
    "camera": "the image's up, the camera being taken as level",
    "estimated": "estimated from the motion",
    "given": "given by the user",
}


@dataclass(frozen=True)
class PageData:
    """A motion, ready for the page's template."""

    facts: Mapping[str, object]
    """For the page's program."""
    arrays: str
    """The numbers, as `PackedArrays.text` gives them."""
    skeletons: Mapping[str, str]
    """The skeletons' names, and the colours that each is drawn in."""
    has_mesh: bool
    """Whether the body's mesh is in it."""
    has_reprojection: bool
    """Whether the skeleton seen again by the assumed camera is in it."""
    texts: Mapping[str, str]
    """Single lines of the page by place, not escaped."""
    about: Mapping[str, str]
    """What a reader may want to know: name and text, not escaped."""


def page_data(
    lifted: Reconstruction,
    *,
    mesh: bool | None = None,
    most_frames: int = 20_000,
    root: RootMotion = "grounded",
) -> PageData:
    """The page's contents.

    Args:
        lifted: the motion.
        mesh: whether the mesh is in it; ``None``: where there is one that anyone may share.
        most_frames: longer motions keep every second, third ... frame.
        root: ``"grounded"``, ``"track"`` or ``"still"``.

    Raises:
        PoseNet3DError: a mesh is asked for, and there is none that a page can pose.

    Example:
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> page_data(Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen)).has_mesh
        False
    """
    stride = -(-len(lifted) // most_frames)
    kept = slice(None, None, stride)
    tracks = motion_tracks(lifted, root)
    model = _body_to_show(lifted, mesh)
    packed = PackedArrays()
    for name, joints in tracks.skeletons.items():
        packed.add_track(name, joints[kept])
    packed.add_track("aim", smoothed_place(tracks.world.joints, lifted.fps)[kept])
    _add_keypoints(packed, lifted.keypoints, tracks, kept)
    if model is not None:
        _add_body(packed, model, lifted, tracks.world, kept)
    skeletons = dict(zip(tracks.skeletons, _colours(tracks.skeletons), strict=True))
    facts: dict[str, object] = {
        "frames": -(-len(lifted) // stride),
        "fps": lifted.fps / stride,
        "stride": stride,
        "first_frame": int(lifted.keypoints.frame_index[0]),
        "numbers": _numbers(lifted, kept),
        "scale": 1.0 if lifted.body is None else lifted.body.scale,
        "distance": _distance(tracks.world.joints),
        "skeletons": {name: {"colours": colours} for name, colours in skeletons.items()},
        "lifted": {**_drawn(LSP_14), "head": LSP_14.index("head_top")},
        "layout": _drawn(layout_named(lifted.keypoints.layout)),
        "body": None if model is None else {"parents": model.parents},
        **_window(lifted.keypoints),
        "arrays": packed.index,
    }
    return PageData(
        facts=facts,
        arrays=packed.text(),
        skeletons=skeletons,
        has_mesh=model is not None,
        has_reprojection=tracks.reprojected is not None,
        texts=_texts(lifted),
        about=_about(lifted, model, stride),
    )


def _numbers(lifted: Reconstruction, kept: slice) -> list[int] | None:
    """Each frame's number from the first one on; ``None`` where the frames have no gap."""
    index = lifted.keypoints.frame_index
    if lifted.keypoints.span == len(index):
        return None
    told: list[int] = (index[kept] - index[0]).tolist()
    return told


def _body_to_show(lifted: Reconstruction, asked: bool | None) -> LinearBlendBody | None:
    """The body whose mesh the page gets: one that anyone may share, or that was asked for."""
    if asked is False or (lifted.body is None and asked is None):
        return None
    model = lifted.body_model
    if (
        isinstance(model, LinearBlendBody)
        and model.num_vertices <= _MOST_VERTICES
        and model.num_joints <= _MOST_BONES
    ):
        return model if asked or model.license.startswith(FREE_LICENSES) else None
    if asked is None:
        return None
    raise PoseNet3DError(
        f"Expected a linear-blend body of at most {_MOST_VERTICES} vertices and {_MOST_BONES} "
        f"bones for a page's mesh, got {type(model).__name__} with {model.num_vertices} and "
        f"{model.num_joints}; leave mesh= out for the skeletons alone."
    )


def _colours(names: Mapping[str, object]) -> list[str]:
    taken = [name if name in _COLOURS else "" for name in names]
    free = [colours for colours in _COLOURS if colours not in taken]
    return [name or (free.pop(0) if free else _COLOURS[-1]) for name in taken]


def _add_keypoints(
    packed: PackedArrays, seen: KeypointSequence, tracks: MotionTracks, kept: slice
) -> None:
    packed.add_track("keypoints", seen.points[kept])
    sure = np.clip(seen.confidence[kept], 0.0, 1.0)
    packed.add_whole("confidence", np.rint(255 * sure).astype(np.uint8))
    if tracks.reprojected is not None:
        packed.add_track("reprojected", tracks.reprojected[kept])


def _add_body(
    packed: PackedArrays,
    model: LinearBlendBody,
    lifted: Reconstruction,
    world: WorldMotion,
    kept: slice,
) -> None:
    if lifted.body is None or world.rotations is None or world.translation is None:
        return
    mesh = skinned_mesh(model, lifted.body.betas, lifted.body.scale)
    packed.add_track("rest", mesh.vertices)
    packed.add_track("rest_joints", mesh.joints)
    packed.add_whole("faces", mesh.faces.astype(np.uint16))
    packed.add_whole("bones", mesh.bones.astype(np.uint8))
    packed.add_whole("weights", _in_255_parts(mesh.weights))
    packed.add_whole("corrective_feature", mesh.corrective_feature.astype(np.uint8))
    packed.add_whole("corrective_vertex", mesh.corrective_vertex.astype(np.uint16))
    packed.add_track("corrective", mesh.corrective)
    quaternions = rotmat_to_unitquat(torch.tensor(world.rotations[kept])).numpy()
    packed.add_track("rotations", quaternions)
    packed.add_track("translation", world.translation[kept])


def _in_255_parts(
    weights: Float[np.ndarray, "vertices influences"],
) -> UInt8[np.ndarray, "vertices influences"]:
    """Weights in 255ths; the strongest takes the rounding, so that a vertex moves with the body."""
    parts = np.rint(255 * weights).astype(np.int64)
    parts[:, 0] += 255 - parts.sum(axis=1)
    whole: UInt8[np.ndarray, "vertices influences"] = parts.astype(np.uint8)
    return whole


def _distance(joints: Float[np.ndarray, "frames 14 3"]) -> float:
    """From how far the whole person is seen at the start, metres."""
    tall = float(np.nanmax(joints[..., 1])) if np.isfinite(joints).any() else 0.0
    return 2.35 * max(tall, 0.5) + 0.2


def _drawn(skeleton: Skeleton) -> dict[str, object]:
    """Joints and bones with the side of the body that each is on."""
    return {
        "joints": [side_of(name) for name in skeleton.joint_names],
        "bones": [{"ends": bone, "side": side_of_bone(skeleton, bone)} for bone in skeleton.bones],
    }


def _window(seen: KeypointSequence) -> dict[str, object]:
    """What part of the image is shown, and how large the person is in it."""
    known = seen.points[np.isfinite(seen.points).all(axis=-1)]
    low, high = (known.min(0), known.max(0)) if len(known) else (np.zeros(2), np.ones(2))
    person = float(np.linalg.norm(extent_in_image(seen.points)))
    framed = seen.unit == "pixels" and seen.image_size is not None
    if framed and seen.image_size is not None:
        low, high = np.minimum(low, 0.0), np.maximum(high, seen.image_size)
    else:
        low, high = low - 0.08 * person, high + 0.08 * person
    return {"window": [*low.tolist(), *high.tolist()], "framed": framed, "person": person}


def _texts(lifted: Reconstruction) -> dict[str, str]:
    scale = f"height {lifted.height_m:g} m" if lifted.metric else "scale not known"
    return {
        "title": lifted.keypoints.source,
        "summary": f"{lifted.duration:.1f} s, {length_in_words(lifted)}",
        "layout": lifted.keypoints.layout,
        "scale": scale,
        "flat_label": f"2D keypoints of one person, layout {lifted.keypoints.layout}",
        "scene_label": "3D motion of one person, upright on a floor with lines every half metre; "
        "the arrow keys turn the view",
    }


def _about(lifted: Reconstruction, model: LinearBlendBody | None, stride: int) -> dict[str, str]:
    metres = (
        f"metres, by the given height of {lifted.height_m:g} m"
        if lifted.metric
        else "metres of the body model; one view does not tell a person's size"
    )
    about = {
        "Frame": "y up, x to the camera's right, z to the camera; the floor is at height 0",
        "Units": metres,
        "Up": _UP_FROM.get(lifted.up_from, lifted.up_from),
    }
    if lifted.camera is not None:
        told = "given" if lifted.camera.given else "assumed"
        about["Camera"] = f"focal length {lifted.camera.focal:g}, {told}: the depth hangs on it"
    if stride > 1:
        about["Frames"] = f"one of every {stride}"
    if lifted.body is not None:
        about["Body"] = f"{lifted.body.model.name}, family {lifted.body.family}"
    if model is not None and model.license:
        about["Licence of the body"] = model.license
    return about | {f"Made with: {name}": text for name, text in lifted.provenance.items()}
