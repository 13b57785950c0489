"""The built-in networks as plug-ins: each function makes a part from options and context.

The networks themselves know nothing of pydantic; the options are checked here.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.networks.canonical_student import CanonicalStudent
from posenet3d.networks.discriminator import (
    FrameAndDifferenceDiscriminator,
    TemporalDiscriminator,
)
from posenet3d.networks.lifter import TeacherHead
from posenet3d.networks.student import Student
from posenet3d.nn import FullyConnectedBackbone, TemporalBackbone
from posenet3d.plugins import configured_by


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BackboneConfig(_Options):
    """Options of the backbone ``temporal``."""

    channels: int = Field(default=1024, gt=0)
    """Features of every layer."""

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Probability of dropping a feature."""

    guess_missing: bool = False
    """Give a missing joint a guess from the window's other frames instead of zeros, where the
    network takes missing joints."""


class FullyConnectedConfig(_Options):
    """Options of the backbone ``fully_connected``."""

    channels: int = Field(default=1024, gt=0)
    """Features of every layer."""

    blocks: int = Field(default=3, ge=0)
    """Residual blocks; the teacher branch adds one of its own."""

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Probability of dropping a feature."""


class TeacherConfig(_Options):
    """Options of the lifter ``teacher``."""

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Probability of dropping a feature."""

    moves_joints: bool = False
    """Answer where seen joints are in the image, too; else they stay on their rays."""


class StudentConfig(_Options):
    """Options of the student ``student``."""

    blocks: int = Field(default=4, ge=0)
    """Residual blocks."""

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Probability of dropping a feature."""

    method: Literal["gram_schmidt", "svd"] = "gram_schmidt"
    """How matrices are made rotations."""


class CanonicalStudentConfig(_Options):
    """Options of the student ``canonical``."""

    width: int | None = Field(default=None, gt=0)
    """Features of every layer; as many as the backbone gives by default."""

    blocks: int = Field(default=2, ge=0)
    """Residual blocks."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability of dropping a feature."""

    method: Literal["gram_schmidt", "svd"] = "gram_schmidt"
    """How matrices are made rotations."""


class DiscriminatorConfig(_Options):
    """Options of the discriminator ``temporal``."""

    channels: int = Field(default=1024, gt=0)
    """Features of every layer."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability of dropping a feature."""

    input_gain: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Factor on the normalised 2D input; the paper has 1."""


class FrameAndDifferenceConfig(_Options):
    """Options of the discriminator ``frame_and_difference``."""

    channels: int = Field(default=1024, gt=0)
    """Features of every layer."""

    blocks: int = Field(default=3, ge=0)
    """Residual blocks of each of the two judges."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability of dropping a feature."""

    input_gain: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Factor on the frames; normalised 2D is about 0.1 large."""

    difference_gain: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Factor on the differences between frames, which are smaller still."""


@configured_by(BackboneConfig)
def temporal_backbone(
    *,
    joints: int,
    frames: int,
    channels: int,
    dropout: float,
    guess_missing: bool = False,
    missing_joints: bool = False,
) -> TemporalBackbone:
    """The backbone ``temporal``: see :class:`posenet3d.nn.TemporalBackbone`.

    Example:
        >>> temporal_backbone(joints=14, frames=9, channels=16, dropout=0.25).receptive_field
        9
    """
    return TemporalBackbone(
        joints=joints,
        frames=frames,
        channels=channels,
        dropout=dropout,
        missing_joints=missing_joints,
        guess_missing=guess_missing,
    )


@configured_by(FullyConnectedConfig)
def fully_connected_backbone(
    *, joints: int, frames: int, channels: int, blocks: int, dropout: float
) -> FullyConnectedBackbone:
    """The backbone ``fully_connected``: see :class:`posenet3d.nn.FullyConnectedBackbone`.

    Example:
        >>> from posenet3d.plugins import GROUPS, PluginSpec
        >>> spec = PluginSpec(name="fully_connected", options={"channels": 16})
        >>> len(GROUPS["backbones"].build(spec, joints=14, frames=1).blocks)
        3
    """
    return FullyConnectedBackbone(
        joints=joints, frames=frames, channels=channels, blocks=blocks, dropout=dropout
    )


@configured_by(TeacherConfig)
def teacher_head(
    *,
    channels: int,
    joints: int,
    frames: int,
    distance: float,
    dropout: float,
    moves_joints: bool = False,
    missing_joints: bool = False,
) -> TeacherHead:
    """The lifter ``teacher``: see :class:`posenet3d.networks.TeacherHead`.

    Example:
        >>> teacher_head(channels=16, joints=14, frames=9, distance=10.0, dropout=0.0).distance
        10.0
    """
    return TeacherHead(
        channels,
        joints=joints,
        frames=frames,
        distance=distance,
        dropout=dropout,
        missing_joints=missing_joints,
        moves_joints=moves_joints,
    )


@configured_by(StudentConfig)
def student_branch(
    *,
    channels: int,
    frames: int,
    bones: int,
    betas: int,
    blocks: int,
    dropout: float,
    method: Literal["gram_schmidt", "svd"],
) -> Student:
    """The student ``student``: see :class:`posenet3d.networks.Student`.

    Example:
        >>> from posenet3d.plugins import GROUPS, PluginSpec
        >>> spec = PluginSpec(name="student", options={"blocks": 2})
        >>> student = GROUPS["students"].build(spec, channels=16, frames=9, bones=24, betas=10)
        >>> len(student.blocks)
        2
    """
    return Student(
        channels,
        frames=frames,
        bones=bones,
        betas=betas,
        blocks=blocks,
        dropout=dropout,
        method=method,
    )


@configured_by(CanonicalStudentConfig)
def canonical_student(
    *,
    channels: int,
    frames: int,
    bones: int,
    betas: int,
    width: int | None,
    blocks: int,
    dropout: float,
    method: Literal["gram_schmidt", "svd"],
) -> CanonicalStudent:
    """The student ``canonical``: see :class:`posenet3d.networks.CanonicalStudent`.

    Example:
        >>> from posenet3d.plugins import GROUPS, PluginSpec
        >>> spec = PluginSpec(name="canonical", options={"width": 32})
        >>> student = GROUPS["students"].build(spec, channels=16, frames=9, bones=24, betas=10)
        >>> student.sees_teacher
        True
    """
    return CanonicalStudent(
        channels,
        frames=frames,
        bones=bones,
        betas=betas,
        width=width,
        blocks=blocks,
        dropout=dropout,
        method=method,
    )


@configured_by(DiscriminatorConfig)
def temporal_discriminator(
    *,
    joints: int,
    frames: int,
    channels: int,
    dropout: float,
    input_gain: float,
    missing_joints: bool = False,
) -> TemporalDiscriminator:
    """The discriminator ``temporal``: see :class:`posenet3d.networks.TemporalDiscriminator`.

    Example:
        >>> from posenet3d.plugins import GROUPS, PluginSpec
        >>> GROUPS["discriminators"].build(PluginSpec(name="temporal"), joints=14, frames=9).logit
        Linear(in_features=1024, out_features=1, bias=True)
    """
    return TemporalDiscriminator(
        joints=joints,
        frames=frames,
        channels=channels,
        dropout=dropout,
        input_gain=input_gain,
        missing_joints=missing_joints,
    )


@configured_by(FrameAndDifferenceConfig)
def frame_and_difference_discriminator(
    *,
    joints: int,
    frames: int,
    channels: int,
    blocks: int,
    dropout: float,
    input_gain: float,
    difference_gain: float,
) -> FrameAndDifferenceDiscriminator:
    """``frame_and_difference``: see :class:`posenet3d.networks.FrameAndDifferenceDiscriminator`.

    Example:
        >>> from posenet3d.plugins import GROUPS, PluginSpec
        >>> spec = PluginSpec(name="frame_and_difference", options={"channels": 16})
        >>> GROUPS["discriminators"].build(spec, joints=14, frames=1).following
        1
    """
    return FrameAndDifferenceDiscriminator(
        joints=joints,
        frames=frames,
        channels=channels,
        blocks=blocks,
        dropout=dropout,
        input_gain=input_gain,
        difference_gain=difference_gain,
    )
