"""The assembly: backbone, teacher, student, joint regressor, discriminator and body (Fig. 1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posenet3d.body import (
    BodyModel,
    JointRegressor,
    head_top_weights,
    lsp_14_regressor,
    lsp_14_rows,
)
from posenet3d.body.lsp_14 import HeadTop
from posenet3d.errors import PoseNet3DError, ShapeError, UnknownNameError
from posenet3d.losses import mirrored_bones
from posenet3d.networks.config import NetworkConfig
from posenet3d.networks.model_files import StoredModel
from posenet3d.networks.pretrained import pretrained_folder
from posenet3d.networks.student import BodyParameters
from posenet3d.plugins import GROUPS
from posenet3d.skeletons import LIMBS, LSP_14
from posenet3d.skeletons.anatomy import centre_on_hips
from posenet3d.typing import Points3D, Windows2D, Windows3D
from posenet3d.views import ViewSampler

PARTS = ("backbone", "teacher", "student", "joint_regressor", "discriminator", "views")
"""The parts that a training stage may name."""


class StudentSkeleton(NamedTuple):
    """The student's answer for windows.

    Attributes:
        joints: 3D skeletons (batch, T, 14, 3), metres, camera frame, centred on the hips.
        parameters: the body parameters they come from.
    """

    joints: Windows3D
    parameters: BodyParameters


class PoseNet3D(nn.Module):
    """The whole network: 2D windows in; teacher's, student's and mean skeletons out.

    Parts are reached by name (:data:`PARTS`) or as attributes, built from plug-ins, and replaced
    by assigning to the attribute.

    Args:
        config: the parts and their options.
        body: the body model; by default the one that ``config`` names.

    Attributes:
        metres_per_unit: metres of the body to a head-to-root unit; 0 until it is measured.
        input_length: the training set's mean head-to-root length in its own unit, where the
            input is normalised by ``dataset``; else 0.
        fps: frames a second of the 2D that it was trained on; ``None`` where that is not known,
            or was not one rate.

    Raises:
        ConfigurationError: if a part's options are wrong.
        UnknownPluginError: if a part names a plug-in that is not installed.
        UnknownNameError: if the body lacks one of the joints that the student compares.

    Example:
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> model = PoseNet3D(NetworkConfig(backbone=small, discriminator=small)).eval()
        >>> sorted(model.lift(torch.zeros(2, 9, 14, 2)))
        ['teacher']
        >>> model.measure_scale(model.teacher_skeleton(torch.rand(2, 9, 14, 2)))
        >>> sorted(model.lift(torch.zeros(2, 9, 14, 2)))
        ['mean', 'student', 'teacher']
    """

    metres_per_unit: Tensor
    input_length: Tensor
    body_to_camera: Tensor
    bones: Tensor
    """Pairs of joints (bones, 2), beside the weights: made anew, they would have to be copied."""
    mirrored_bones: Tensor
    """The number of each bone's mirror image (bones,)."""

    def __init__(self, config: NetworkConfig, body: BodyModel | None = None) -> None:
        super().__init__()
        self.config = config
        self.fps: float | None = None
        self.body = body if body is not None else GROUPS["body_models"].build(config.body_model)
        self.rows = lsp_14_rows(self.body.joint_names)
        self._build_networks()
        self.joint_regressor: JointRegressor = GROUPS["joint_regressors"].build(
            config.joint_regressor, initial=self._initial_regressor()
        )
        self.views: ViewSampler = GROUPS["view_samplers"].build(config.views)
        self.register_buffer("metres_per_unit", torch.zeros(()))
        self.register_buffer("input_length", torch.zeros(()))
        self.register_buffer("body_to_camera", torch.tensor([1.0, -1.0, -1.0]), persistent=False)
        self.register_buffer("bones", torch.tensor(LSP_14.bones), persistent=False)
        images = mirrored_bones(LSP_14.bones, LSP_14.mirror)
        self.register_buffer("mirrored_bones", torch.tensor(images), persistent=False)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path | None = None,
        device: torch.device | str = "cpu",
        *,
        body: BodyModel | None = None,
    ) -> "PoseNet3D":
        """A trained network: weights that ship with the package, or those of your own run.

        Args:
            name_or_folder: one of :func:`~posenet3d.networks.pretrained_names`, by default
                :data:`~posenet3d.networks.DEFAULT_WEIGHTS`; or the folder of a finished run. See
                :func:`~posenet3d.networks.pretrained_folder`.
            device: where the network goes.
            body: a body model of the family that the weights were trained with; by default the
                one that their configuration names.

        Returns:
            The network, in eval mode, in fp32. Its checksum was verified.
            :func:`~posenet3d.networks.model_card` tells what shipped weights are good for.

        Raises:
            BodyFamilyError: if the body is of another family than the weights'.
            ConfigurationError: if a part has options that its plug-in does not take.
            DataError: if a file is damaged, or the two do not fit together.
            StorageError: if a file is missing or cannot be read.
            UnknownNameError: if there are no such weights; it suggests the nearest.
            UnknownPluginError: if a part is a plug-in that is not installed.

        Example:
            >>> PoseNet3D.from_pretrained("bset-wild")
            Traceback (most recent call last):
            posenet3d.errors.UnknownNameError: Unknown weights or folder 'bset-wild'... Known: ...
        """
        stored = StoredModel.read(pretrained_folder(name_or_folder))
        model = cls(stored.config, stored.choose_body(body))
        stored.fill(model)
        model.fps = stored.fps
        return model.eval().to(device)

    def _build_networks(self) -> None:
        config, joints, frames = self.config, len(LSP_14), self.config.frames
        told = {"missing_joints": True} if config.missing_joints else {}
        self.backbone = GROUPS["backbones"].build(
            config.backbone, joints=joints, frames=frames, **told
        )
        channels = self.backbone.channels
        self.teacher = GROUPS["lifters"].build(
            config.teacher,
            channels=channels,
            joints=joints,
            frames=frames,
            distance=config.distance,
            **told,
        )
        self.student = GROUPS["students"].build(
            config.student,
            channels=channels,
            frames=frames,
            bones=self.body.num_joints,
            betas=self.body.num_betas,
        )
        self.discriminator = GROUPS["discriminators"].build(
            config.discriminator, joints=joints, frames=frames, **told
        )

    def _initial_regressor(self) -> Float[Tensor, "bones vertices"]:
        weights = self.body.joint_regressor.clone()
        if self.config.head_top == "vertex":
            weights[self.rows[LSP_14.index("head_top")]] = head_top_weights(self.body)
        return weights

    def part(self, name: str) -> nn.Module:
        """The part called ``name``.

        Raises:
            UnknownNameError: if it is not one of :data:`PARTS`.
        """
        if name not in PARTS:
            raise UnknownNameError("part", name, PARTS)
        part: nn.Module = getattr(self, name)
        return part

    @property
    def receptive_field(self) -> int:
        """Frames T of a window."""
        return self.config.frames

    @property
    def judges_following(self) -> bool:
        """Whether the discriminator looks at the frame that follows a window too."""
        return bool(getattr(self.discriminator, "following", 0))

    def judged(self, batch: Windows2D) -> Float[Tensor, "batch judged joints 2"]:
        """What the discriminator looks at of windows that come with the frame that follows.

        Args:
            batch: 2D skeletons (batch, T + 1, 14, 2).

        Returns:
            All of it for a discriminator that says so by ``following = 1``; else the windows,
            (batch, T, 14, 2).
        """
        return batch if self.judges_following else batch[:, :-1]

    def teacher_skeleton(self, windows: Windows2D) -> Windows3D:
        """The teacher's answer: joints (batch, T, 14, 3), camera frame, head-to-root units."""
        joints: Tensor = self.teacher(self.backbone(windows), windows)
        return joints

    @property
    def student_sees_teacher(self) -> bool:
        """Whether the student reads the teacher's skeletons beside the features."""
        return bool(getattr(self.student, "sees_teacher", False))

    def student_skeleton(
        self, features: Float[Tensor, "batch channels"], teacher: Windows3D | None = None
    ) -> StudentSkeleton:
        """The student's answer for the features of windows.

        Joints are regressed from the body (Eq. 7), taken to the camera frame by
        B = diag(1, −1, −1) and centred on the middle of the hips. The body stays out of autocast,
        where it would be millimetres off.

        Args:
            features: the backbone's features (batch, C).
            teacher: the teacher's skeletons of these windows (batch, T, 14, 3), for a student that
                sees them; others do not look.

        Returns:
            Skeletons in metres, and the body parameters.

        Raises:
            ShapeError: if the student sees the teacher's skeletons and there are none.
        """
        parameters = self._body_parameters(features, teacher)
        rotations = parameters.rotations
        betas = parameters.betas.to(rotations.dtype)[:, None]
        with torch.autocast(rotations.device.type, enabled=False):
            joints = self.joint_regressor.joints(self.body, betas, rotations, self.rows)
        return StudentSkeleton(centre_on_hips(joints * self.body_to_camera), parameters)

    def _body_parameters(self, features: Tensor, teacher: Windows3D | None) -> BodyParameters:
        if not self.student_sees_teacher:
            parameters: BodyParameters = self.student(features)
            return parameters
        if teacher is None:
            raise ShapeError("teacher", expected="its skeletons of these windows", got="None")
        parameters = self.student(features, centre_on_hips(teacher))
        return parameters

    @torch.no_grad()
    def measure_scale(self, skeletons: Points3D) -> None:
        """Set the metres that one head-to-root unit stands for, from the teacher's skeletons.

        The ratio of the summed lengths of the eight limb bones on the body's rest pose and on the
        skeletons. The head is left out: the body has no head top before SJA learns one.

        Args:
            skeletons: the frozen teacher's joints (..., 14, 3), head-to-root units.

        Raises:
            ShapeError: if the skeletons have no size, or are not finite.
        """
        size = limb_length(skeletons).mean()
        if not bool(size > 0 and size.isfinite()):
            got = f"a mean limb length of {float(size)}"
            raise ShapeError("skeletons", expected="3D skeletons with finite length", got=got)
        self.metres_per_unit.copy_(limb_length(self._at_rest("head")) / size)

    @torch.no_grad()
    def take_scale_of_body(self) -> None:
        """Set the metres that one head-to-root unit stands for, from the body at rest.

        For a student without a teacher. Normalised 2D has a mean head-to-root length of 1/c, so
        at depth c the unit is a person's length from the hips' middle to the head top: here the
        template's, crown and all. The 2D is foreshortened; on motion capture that makes this
        scale some three percent too large for bodies as the camera shows them.
        """
        rest = centre_on_hips(self._at_rest("vertex"))
        self.metres_per_unit.copy_(rest[LSP_14.index("head_top")].norm())

    def _at_rest(self, head_top: HeadTop) -> Float[Tensor, "joints 3"]:
        """The 14 joints of the mean shape at rest, metres, body frame."""
        weights = lsp_14_regressor(self.body, head_top)
        eye = torch.eye(3, dtype=weights.dtype, device=weights.device)
        betas = weights.new_zeros(self.body.num_betas)
        return self.body.regress(betas, eye.expand(self.body.num_joints, 3, 3), weights)

    @property
    def has_student(self) -> bool:
        """Whether the scale between teacher and body is known, so that the student means much."""
        return bool(self.metres_per_unit > 0)

    @torch.no_grad()
    def lift(self, windows: Windows2D) -> dict[str, Windows3D]:
        """3D skeletons of 2D windows by every branch, in eval mode and without gradients.

        Args:
            windows: 2D skeletons (batch, T, 14, 2), root-centred, normalised. NaN where a joint
                is missing; all of a window's answer is NaN if the network does not take that
                (``config.missing_joints``).

        Returns:
            ``teacher``, ``student`` and their ``mean`` (PoseNet3D's own answer, Sect. 4.3), each
            (batch, T, 14, 3), camera frame, head-to-root units, centred on the hips. Only
            ``teacher`` before the student's first stage.

        Raises:
            ShapeError: if the windows have other frames or joints than the network.
        """
        with evaluating(self):
            features = self.backbone(windows)
            teacher = centre_on_hips(self.teacher(features, windows))
            if not self.has_student:
                return {"teacher": teacher}
            student = self.student_skeleton(features, teacher).joints / self.metres_per_unit
            return {"teacher": teacher, "student": student, "mean": (teacher + student) / 2}

    @torch.no_grad()
    def parameters_of(self, windows: Windows2D) -> BodyParameters:
        """The student's body parameters of 2D windows, in eval mode and without gradients.

        Args:
            windows: 2D skeletons (batch, T, 14, 2), root-centred, normalised.

        Raises:
            PoseNet3DError: before the student's first stage.
        """
        if not self.has_student:
            raise PoseNet3DError(
                "Expected a trained student, got a network before its second stage; train it "
                "through the stage 'distillation' first."
            )
        with evaluating(self):
            features = self.backbone(windows)
            seen = self.teacher(features, windows) if self.student_sees_teacher else None
            return self._body_parameters(features, seen)


def limb_length(skeletons: Points3D) -> Float[Tensor, "*batch"]:
    """The summed length of the eight limb bones (upper and lower, arms and legs, both sides).

    Args:
        skeletons: (..., 14, 3), any unit.

    Returns:
        Lengths (...), in the unit of the skeletons.

    Example:
        >>> limb_length(torch.zeros(5, 14, 3)).shape
        torch.Size([5])
    """
    total = skeletons.new_zeros(skeletons.shape[:-2])
    for start, end in (LSP_14.indices(*limb) for limb in LIMBS):
        total = total + (skeletons[..., start, :] - skeletons[..., end, :]).norm(dim=-1)
    return total


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode for the time of a ``with`` block; each submodule's mode comes back after it.

    Example:
        >>> layer = nn.Dropout()
        >>> with evaluating(layer):
        ...     layer.training
        False
        >>> layer.training
        True
    """
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, mode in modes:
            each.training = mode
