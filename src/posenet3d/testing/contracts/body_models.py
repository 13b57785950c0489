"""What every body model must do, whatever its mesh, tree and shape space."""

import copy

import torch
from torch import Tensor, nn

from posenet3d.body import BodyModel
from posenet3d.errors import PoseNet3DError
from posenet3d.geometry import random_rotmat

REACH = 1e-4
"""Tolerance on lengths, as a share of the body's size, in float32."""


def check_body_model(body: object) -> None:
    """Checks a body model against the interface :class:`posenet3d.body.BodyModel` promises.

    Members and their sizes; shapes for any leading axes; betas that broadcast over frames; poses of
    a batch that do not mix; ``regress`` equal to the product with the mesh; a turn of the root that
    turns the body about its root joint; gradients in betas and rotations; the same numbers in
    float64 and on each device that is there; errors of the library on wrong sizes; a telling
    ``repr``; nothing to train.

    Args:
        body: the body model, an ``nn.Module``.

    Raises:
        AssertionError: The first promise that is not kept, in words.

    Example:
        >>> from posenet3d.body import load_body_model
        >>> check_body_model(load_body_model("mannequin"))
    """
    if not isinstance(body, BodyModel) or not isinstance(body, nn.Module):
        raise AssertionError(
            f"Body model: expected an nn.Module with every member of posenet3d.body.BodyModel, got "
            f"{type(body).__name__}; mend the plug-in."
        )
    for check in (
        _check_members,
        _check_regressor,
        _check_shapes,
        _check_broadcast,
        _check_independence,
        _check_regress,
        _check_root_turn,
        _check_gradients,
        _check_precision_and_device,
        _check_errors,
        _check_module,
    ):
        check(body)


def _expect(kept: object, promise: str) -> None:
    if not kept:
        raise AssertionError(f"Body model: expected that {promise}; mend the plug-in.")


def _draw(body: BodyModel, *batch: int) -> tuple[Tensor, Tensor]:
    """Betas and rotations of any size, the same at each call."""
    like = body.joint_regressor
    generator = torch.Generator().manual_seed(0)
    betas = torch.randn(*batch, body.num_betas, generator=generator)
    rotations = random_rotmat(*batch, body.num_joints, generator=generator)
    return betas.to(like), rotations.to(like)


def _close(first: Tensor, second: Tensor) -> bool:
    size = float(second.detach().abs().max()) + 1e-6
    return first.shape == second.shape and bool((first - second).abs().max() <= REACH * size)


def _check_members(body: BodyModel) -> None:
    _expect(body.family, "it names its family")
    _expect(len(body.parents) == body.num_joints, "it has one parent a joint")
    _expect(body.parents[0] == -1, "the root comes first, with parent -1")
    ordered = all(0 <= parent < joint for joint, parent in enumerate(body.parents) if joint)
    _expect(ordered, "each parent comes before its joint")
    _expect(len(set(body.joint_names)) == body.num_joints, "it has one distinct name a joint")
    faces = body.faces
    _expect(faces.dtype == torch.int64 and faces.shape[1:] == (3,), "faces are int64, (F, 3)")
    inside = not faces.numel() or 0 <= int(faces.min()) <= int(faces.max()) < body.num_vertices
    _expect(inside, "faces index vertices")


def _check_regressor(body: BodyModel) -> None:
    weights = body.joint_regressor
    shape = (body.num_joints, body.num_vertices)
    _expect(weights.shape == shape, f"joint_regressor has shape {shape}")
    convex = bool((weights >= -REACH).all() and ((weights.sum(-1) - 1).abs() < REACH).all())
    _expect(convex, "the rows of joint_regressor are non-negative and sum to 1")


def _check_shapes(body: BodyModel) -> None:
    for batch in ((), (2,), (2, 3)):
        betas, rotations = _draw(body, *batch)
        vertices, joints = body.vertices(betas, rotations), body.joints(betas, rotations)
        wanted = (*batch, body.num_vertices, 3)
        _expect(vertices.shape == wanted, f"vertices of a batch {batch} have shape {wanted}")
        wanted = (*batch, body.num_joints, 3)
        _expect(joints.shape == wanted, f"joints of a batch {batch} have shape {wanted}")
        _expect(vertices.isfinite().all() and joints.isfinite().all(), "the results are finite")


def _check_broadcast(body: BodyModel) -> None:
    betas, rotations = _draw(body, 2, 3)
    one_shape = betas[:, :1]
    repeated = one_shape.expand(2, 3, body.num_betas)
    weights = body.joint_regressor
    for name, spread, full in (
        ("vertices", body.vertices(one_shape, rotations), body.vertices(repeated, rotations)),
        ("joints", body.joints(one_shape, rotations), body.joints(repeated, rotations)),
        (
            "regress",
            body.regress(one_shape, rotations, weights),
            body.regress(repeated, rotations, weights),
        ),
    ):
        _expect(_close(spread, full), f"betas broadcast over frames in {name}")


def _check_independence(body: BodyModel) -> None:
    betas, rotations = _draw(body, 3)
    together = body.vertices(betas, rotations)
    alone = body.vertices(betas[1], rotations[1])
    _expect(_close(together[1], alone), "a pose gives the same vertices alone and in a batch")


def _check_regress(body: BodyModel) -> None:
    betas, rotations = _draw(body, 12)
    vertices = body.vertices(betas, rotations)
    spread = torch.rand(3, body.num_vertices, generator=torch.Generator().manual_seed(1))
    spread = (spread / spread.sum(-1, keepdim=True)).to(vertices)
    for weights in (body.joint_regressor, spread, spread.clone().requires_grad_()):
        regressed = body.regress(betas, rotations, weights)
        _expect(_close(regressed, weights @ vertices), "regress is weights @ vertices")


def _check_root_turn(body: BodyModel) -> None:
    betas, rotations = _draw(body, 2)
    turn = random_rotmat(generator=torch.Generator().manual_seed(2)).to(rotations)
    turned = torch.cat([turn @ rotations[:, :1], rotations[:, 1:]], 1)
    root = body.joints(betas, rotations)[:, :1]
    wanted = (body.vertices(betas, rotations) - root) @ turn.T + root
    _expect(
        _close(body.vertices(betas, turned), wanted),
        "the root's rotation turns the body about its root joint",
    )


def _check_gradients(body: BodyModel) -> None:
    betas, rotations = (tensor.requires_grad_() for tensor in _draw(body, 2))
    weights = body.joint_regressor
    for name, result in (
        ("vertices", body.vertices(betas, rotations)),
        ("joints", body.joints(betas, rotations)),
        ("regress", body.regress(betas, rotations, weights)),
    ):
        gradients = torch.autograd.grad(result.square().sum(), (betas, rotations))
        for argument, gradient in zip(("betas", "rotations"), gradients, strict=True):
            alive = bool(gradient.isfinite().all() and (gradient != 0).any())
            _expect(alive, f"{name} has a finite gradient in {argument} that is not zero")


def _check_precision_and_device(body: BodyModel) -> None:
    betas, rotations = _draw(body, 2)
    reference = body.vertices(betas, rotations)
    exact = copy.deepcopy(body).double()  # type: ignore[attr-defined]
    doubled = exact.vertices(betas.double(), rotations.double())
    _expect(doubled.dtype == torch.float64, "it computes in float64 after .double()")
    _expect(_close(reference.double(), doubled), "float32 and float64 agree")
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        moved = copy.deepcopy(body).to(device)  # type: ignore[attr-defined]
        vertices = moved.vertices(betas.to(device), rotations.to(device))
        _expect(vertices.device.type == device, f"its results stay on {device}")
        _expect(_close(vertices.to(reference), reference), f"{device} gives the same vertices")


def _check_errors(body: BodyModel) -> None:
    betas, rotations = _draw(body, 2)
    for name, wrong in (
        ("betas", (betas[..., :-1], rotations)),
        ("joints", (betas, rotations[:, :-1])),
    ):
        try:
            body.vertices(*wrong)
        except PoseNet3DError:
            continue
        _expect(False, f"one too few {name} raises a PoseNet3DError, such as ShapeError")


def _check_module(body: BodyModel) -> None:
    _expect(body.family in repr(body), "its repr names the family")
    trainable = [p for p in body.parameters() if p.requires_grad]  # type: ignore[attr-defined]
    _expect(not trainable, "it has nothing to train")
