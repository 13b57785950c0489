"""A moving body as one GLB file, which Blender, three.js and game engines open."""

import os
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from posenet3d import __version__
from posenet3d.errors import PoseNet3DError
from posenet3d.export.glb_file import GlbBuffer
from posenet3d.export.joint_motion import (
    JointMotion,
    bone_ends,
    joint_motion,
    skin_at_rest,
)
from posenet3d.export.skin import Skin, body_skin, stick_skin
from posenet3d.files import atomic_write
from posenet3d.geometry import rotmat_to_unitquat
from posenet3d.plugins import configured_by
from posenet3d.reconstruction import Reconstruction, body_of, facts_of
from posenet3d.reconstruction.world import RootMotion

_GREY = [0.80, 0.82, 0.86, 1.0]


class GlbConfig(BaseModel):
    """Options of the exporter ``glb``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: RootMotion = "grounded"
    """How the root moves; see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`."""

    mesh: bool | None = None
    """Whether the body's own mesh is written; else one of sticks. ``None``: if it is CC0."""


@configured_by(GlbConfig)
def write_glb(
    *,
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    root: RootMotion = "grounded",
    mesh: bool | None = None,
) -> None:
    """The reconstruction's body as an animated GLB file: one mesh, its skeleton, the motion.

    The mesh is the body with its shape and scale at rest, four bones a vertex; the skeleton's
    joints have the body model's names; every joint has a track of rotations and the root one of
    positions, at the frames' times. Metres, y up, the floor at height 0, x to the camera's right.
    The file grows by 400 bytes a frame, however fine the mesh. What the numbers mean is in
    ``asset.extras``: unit, axes, frames a second, whether the scale is known, where the up axis
    came from, and the body's family and licence.

    Bones carry skin along and no more: a body model's pose-dependent corrections (at a bent knee,
    say) are not in the file: the skin around a bent joint differs a little. Joints are exact.

    A body that anybody may pass on (the mannequin is CC0) is written as it is. Of others, such as
    SMPL, a figure of sticks is written in its place, which moves the same way. With ``mesh=True``
    the mesh is written whatever its licence; whoever passes the file on must have the right to.

    Args:
        path: the file; an existing one is replaced.
        reconstruction: one with a body.
        root: see :data:`~posenet3d.reconstruction.ROOT_MOTIONS`.
        mesh: whether to write the body's own mesh; ``None``: if its licence is CC0.

    Raises:
        PoseNet3DError: there is no body, its mesh is asked for but no linear blend, or the file
            would have more than 4 GiB.
        ShapeError: a number of the body's is not finite.
        StorageError: the file cannot be written.
        UnknownNameError: no such root motion.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from posenet3d.keypoints import KeypointSequence
        >>> from posenet3d.plugins import PluginSpec
        >>> from posenet3d.reconstruction import BodyMotion
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> eye = np.broadcast_to(np.eye(3), (5, 24, 3, 3))
        >>> body = BodyMotion(np.zeros(10), eye, np.zeros((5, 3)), PluginSpec(name="mannequin"))
        >>> lifted = Reconstruction(np.zeros((5, 14, 3)), np.ones((5, 3)), seen, body)
        >>> path = Path(tempfile.mkdtemp()) / "still.glb"
        >>> write_glb(path=path, reconstruction=lifted)
        >>> path.read_bytes()[:4]
        b'glTF'
    """
    motion = joint_motion(reconstruction, "A GLB file", root)
    own = _is_free(reconstruction) if mesh is None else mesh
    at_rest = skin_at_rest(reconstruction)
    skin = _skin(reconstruction, motion, at_rest, own=own)
    # At rest it stands on the floor as well: programs show the skeleton so while it is edited.
    to_floor = np.array([0.0, -at_rest[:, 1].min(), 0.0])
    buffer = GlbBuffer()
    document = {
        "asset": _asset(reconstruction, own=own),
        "scene": 0,
        "scenes": [{"name": "posenet3d", "nodes": [0, len(motion.names)]}],
        "nodes": [*_joint_nodes(motion), {"name": "body", "mesh": 0, "skin": 0}],
        "materials": [_material()],
        "meshes": [{"name": "body", "primitives": [_primitive(buffer, skin, to_floor)]}],
        "skins": [_bind(buffer, motion.rest + to_floor)],
        "animations": [_animation(buffer, motion)],
    }
    with atomic_write(path) as file:
        buffer.write(file, document)


def _is_free(lifted: Reconstruction) -> bool:
    """Whether anybody may pass the body's mesh on."""
    return str(getattr(lifted.body_model, "license", "")).upper().startswith("CC0")


def _skin(
    lifted: Reconstruction,
    motion: JointMotion,
    at_rest: Float[np.ndarray, "vertices 3"],
    *,
    own: bool,
) -> Skin:
    if not own:
        return stick_skin(motion.rest, motion.parents, bone_ends(motion, at_rest))
    weights = getattr(lifted.body_model, "blend_weights", None)
    if not isinstance(weights, torch.Tensor):
        raise PoseNet3DError(
            f"Expected a body model with blend weights, got {lifted.body_model.family!r} without; "
            "write sticks in its place by mesh=False."
        )
    return body_skin(at_rest, lifted.body_model.faces.numpy(), weights.numpy())


def _asset(lifted: Reconstruction, *, own: bool) -> dict[str, Any]:
    body = body_of(lifted, "A GLB file")
    facts = facts_of(lifted, "y", body=True)
    licence = f"Mesh: {facts['Body licence']}" if own else "Mesh: sticks, free of rights (CC0)"
    machine_readable = {
        "unit": "m",
        "up_axis": "y",
        "fps": float(lifted.fps),
        "frames": len(lifted),
        "scale_known": lifted.metric,
        "up_from": lifted.up_from,
        "body_family": body.family,
        "body_mesh": own,
        "betas": [float(beta) for beta in body.betas],
        "body_scale": float(body.scale),
    }
    return {
        "version": "2.0",
        "generator": f"posenet3d {__version__}",
        "copyright": licence,
        "extras": {**machine_readable, "facts": facts},
    }


def _joint_nodes(motion: JointMotion) -> list[dict[str, Any]]:
    """A node a joint, posed as in the first frame."""
    turned = _quaternions(motion.rotations[:1])[0]
    nodes: list[dict[str, Any]] = []
    for joint, name in enumerate(motion.names):
        children = [child for child, parent in enumerate(motion.parents) if parent == joint]
        offset = motion.offsets[joint] if joint else motion.root[0]
        node = {"name": name, "translation": offset.tolist(), "rotation": turned[joint].tolist()}
        nodes.append(node | {"children": children} if children else node)
    return nodes


def _material() -> dict[str, Any]:
    surface = {"baseColorFactor": _GREY, "metallicFactor": 0.0, "roughnessFactor": 0.8}
    return {"name": "grey", "pbrMetallicRoughness": surface}


def _primitive(buffer: GlbBuffer, skin: Skin, move: Float[np.ndarray, " 3"]) -> dict[str, Any]:
    attributes = {
        "POSITION": buffer.add_vertex_data((skin.vertices + move).astype("f4"), limits=True),
        "NORMAL": buffer.add_vertex_data(skin.normals.astype("f4")),
        "JOINTS_0": buffer.add_vertex_data(
            skin.bones.astype("u1" if skin.bones.max() < 2**8 else "u2")
        ),
        "WEIGHTS_0": buffer.add_vertex_data(skin.weights.astype("f4")),
    }
    corners = skin.faces.ravel().astype("u2" if len(skin.vertices) < 2**16 else "u4")
    return {"attributes": attributes, "indices": buffer.add_indices(corners), "material": 0}


def _bind(buffer: GlbBuffer, rest: Float[np.ndarray, "bones 3"]) -> dict[str, Any]:
    """Inverse bind matrices take the mesh at rest into each joint's frame."""
    matrices = np.tile(np.eye(4, dtype="f4"), (len(rest), 1, 1))
    matrices[:, 3, :3] = -rest  # column by column
    inverse = buffer.add(matrices)
    return {"joints": list(range(len(rest))), "inverseBindMatrices": inverse, "skeleton": 0}


def _animation(buffer: GlbBuffer, motion: JointMotion) -> dict[str, Any]:
    times = buffer.add(motion.seconds.astype("f4"), limits=True)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def add(joint: int, what: str, values: np.ndarray) -> None:
        output = buffer.add(values.astype("f4"))
        target = {"node": joint, "path": what}
        channels.append({"sampler": len(samplers), "target": target})
        samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})

    add(0, "translation", motion.root)
    for joint in range(len(motion.names)):
        add(joint, "rotation", _quaternions(motion.rotations[:, joint]))
    return {"name": "motion", "samplers": samplers, "channels": channels}


def _quaternions(rotations: Float[np.ndarray, "frames *axes 3 3"]) -> np.ndarray:
    """Unit quaternions (frames, ..., 4), xyzw, none further than a quarter from the one before.

    Either sign means the same turn, but programs that do not look for the shorter way go round
    the long one where it changes.
    """
    single = rotmat_to_unitquat(torch.tensor(rotations)).numpy()
    agree = (single[1:] * single[:-1]).sum(axis=-1, keepdims=True) >= 0
    signs = np.where(agree, 1.0, -1.0).cumprod(axis=0)
    return np.concatenate([single[:1], single[1:] * signs])
