"""Whether the parts of a network fit together: what each gives for a few made-up windows."""

from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

import torch
from torch import Tensor, nn

from posenet3d.errors import ConfigurationError
from posenet3d.networks.posenet3d import PARTS, PoseNet3D, evaluating
from posenet3d.networks.student import BodyParameters
from posenet3d.skeletons import LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.typing import Windows2D

WINDOWS = 5
"""How many made-up windows the parts are asked about; no other axis is that long."""
ROTATION_TOLERANCE = 1e-3

Answer = TypeVar("Answer")


def check_parts(model: PoseNet3D) -> None:
    """Make sure that each part of a network gives what the others take, of :data:`PARTS` all.

    A few made-up windows, and the frame that follows each, go through it in eval mode; the
    network and torch's random generators are afterwards as they were. The trainer does so before
    its first step; whoever writes a part can call it in a test.

    Args:
        model: the network.

    Raises:
        ConfigurationError: if a part raises, or its answer has another shape or type than
            promised, is not finite, or is no rotation where it should be one; it names the part.

    Example:
        >>> from posenet3d.networks import NetworkConfig
        >>> model = PoseNet3D(NetworkConfig(frames=1, backbone="fully_connected"))
        >>> check_parts(model)
        >>> model.backbone = torch.nn.Flatten()
        >>> check_parts(model)
        Traceback (most recent call last):
        posenet3d.errors.ConfigurationError: The configuration has 1 fault:
          - network.backbone 'fully_connected' (Flatten): expected a number 'channels', got None
    """
    device = model.metres_per_unit.device
    forked = [device] if device.type == "cuda" else []
    with torch.no_grad(), evaluating(model), torch.random.fork_rng(devices=forked):
        _Trial(model).run()


def made_up_windows(model: PoseNet3D, following: int = 0) -> Windows2D:
    """A few windows for trials, the same at each call, hips at the origin.

    Args:
        model: the network; one that takes missing joints is given some.
        following: frames beside those of a window.

    Returns:
        2D skeletons (5, T + following, 14, 2).

    Example:
        >>> from posenet3d.networks import NetworkConfig
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> made_up_windows(PoseNet3D(NetworkConfig(backbone=small, frames=3))).shape
        torch.Size([5, 3, 14, 2])
    """
    shape = (WINDOWS, model.receptive_field + following, len(LSP_14), 2)
    windows = 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    windows = centre_on_hips(windows)
    if model.config.missing_joints:
        windows[0, -1, LSP_14.index("head_top")] = torch.nan
    return windows.to(model.metres_per_unit)


class _Trial:
    """Asks one part after another, each about what the others gave."""

    def __init__(self, model: PoseNet3D) -> None:
        self.model = model
        self.frames = model.receptive_field
        self.like = model.metres_per_unit

    def run(self) -> None:
        """Ask them all."""
        model, frames, joints = self.model, self.frames, len(LSP_14)
        for name in PARTS:
            if not isinstance(model.part(name), nn.Module):
                self.refuse(name, "expected a torch.nn.Module, got something else")
        both = made_up_windows(model, following=1)
        windows = both[:, :-1]
        channels = getattr(model.backbone, "channels", None)
        if not isinstance(channels, int):
            self.refuse("backbone", f"expected a number 'channels', got {channels!r}")
        features = self.ask("backbone", lambda: model.backbone(windows))
        self.expect("backbone", "features", features, (WINDOWS, channels))
        teacher = self.ask("teacher", lambda: model.teacher(features, windows))
        self.expect("teacher", "skeletons", teacher, (WINDOWS, frames, joints, 3))
        self.check_mirrored("teacher")
        self.check_discriminator(both)
        self.check_views()
        self.check_student(features, teacher)

    def check_discriminator(self, both: Windows2D) -> None:
        """A logit a window, or equally many for each."""
        logits = self.ask(
            "discriminator", lambda: self.model.discriminator(self.model.judged(both))
        )
        whole = isinstance(logits, Tensor) and logits.ndim == 1 and len(logits)
        judges = len(logits) // WINDOWS if whole else 1
        self.expect("discriminator", "logits", logits, (max(1, judges) * WINDOWS,))

    def check_views(self) -> None:
        """A rotation a window, and a pitch that is known or not."""
        views = self.model.views
        rotations = self.ask("views", lambda: views(WINDOWS))
        self.expect_rotations("views", rotations, (WINDOWS, 3, 3))
        pitch = self.ask("views", lambda: views.pitch)
        if pitch is not None:
            self.expect("views", "a pitch", pitch, ())
        self.check_mirrored("views")

    def check_student(self, features: Tensor, teacher: Tensor) -> None:
        """Parameters of the body, and joints of them."""
        model, body = self.model, self.model.body
        seen = (centre_on_hips(teacher),) if model.student_sees_teacher else ()
        answer = self.ask("student", lambda: model.student(features, *seen))
        if not isinstance(answer, BodyParameters):
            self.refuse("student", f"expected BodyParameters, got {type(answer).__name__}")
        betas, rotations = answer
        self.expect("student", "betas", betas, (WINDOWS, body.num_betas))
        shape = (WINDOWS, self.frames, body.num_joints, 3, 3)
        self.expect_rotations("student", rotations, shape)
        joints = self.ask(
            "joint_regressor",
            lambda: model.joint_regressor.joints(body, betas[:, None], rotations, model.rows),
        )
        wanted = (WINDOWS, self.frames, len(model.rows), 3)
        self.expect("joint_regressor", "joints", joints, wanted)

    def ask(self, part: str, call: Callable[[], Answer]) -> Answer:
        """A part's answer."""
        try:
            return call()
        except Exception as error:
            self.refuse(part, f"failed: {type(error).__name__}: {error}", error)

    def check_mirrored(self, part: str) -> None:
        """What the depth mirror negates are parameters of the part itself."""
        own = {id(each) for each in self.model.part(part).parameters()}
        mirrored: Iterable[nn.Parameter] = self.ask(
            part, lambda: tuple(getattr(self.model, part).mirrored_parameters())
        )
        if not all(id(each) in own for each in mirrored):
            self.refuse(part, "expected parameters of its own from mirrored_parameters()")

    def expect_rotations(self, part: str, answer: object, shape: tuple[int, ...]) -> None:
        """Make sure that an answer is rotations."""
        rotations = self.expect(part, "rotations", answer, shape)
        off = (rotations.mT @ rotations - torch.eye(3).to(rotations)).abs().max()
        if bool(off > ROTATION_TOLERANCE) or bool((torch.linalg.det(rotations) < 0).any()):
            self.refuse(part, "expected rotations (orthogonal, determinant 1), got other matrices")

    def expect(self, part: str, what: str, answer: object, shape: tuple[int, ...]) -> Tensor:
        """Make sure that an answer has the promised shape and type, and is finite."""
        wanted = f"{what} {shape} of {self.like.dtype}"
        if not isinstance(answer, Tensor):
            self.refuse(part, f"expected {wanted}, got {type(answer).__name__}")
        if answer.shape != shape or answer.dtype != self.like.dtype:
            self.refuse(part, f"expected {wanted}, got {tuple(answer.shape)} of {answer.dtype}")
        if not bool(answer.isfinite().all()):
            self.refuse(part, f"expected finite {what}, got NaN or infinity")
        return answer

    def refuse(self, part: str, fault: str, cause: Exception | None = None) -> NoReturn:
        """Tell which part is at fault."""
        name = getattr(self.model.config, part).name
        kind = type(getattr(self.model, part)).__name__
        raise ConfigurationError([f"network.{part} {name!r} ({kind}): {fault}"]) from cause
