"""The configuration of a network: which parts it is made of, and how they fit together."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from posenet3d.plugins import PluginSpec


class NetworkConfig(BaseModel):
    """What :class:`~posenet3d.networks.PoseNet3D` is built from; kept beside its weights.

    Every part is named as a plug-in with its options.

    Example:
        >>> NetworkConfig(frames=9, backbone={"name": "temporal", "options": {"channels": 64}})
        NetworkConfig(frames=9, ...)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = 9
    """Frames T of a window: a power of three (1, 3, 9, 27, 81)."""

    distance: float = Field(default=10.0, gt=1.0, allow_inf_nan=False)
    """c: the root's distance from the camera in head-to-root lengths (Sect. 3.1)."""

    normalization: Literal["sequence", "dataset", "limbs", "window", "frame"] = "sequence"
    """What the mean head-to-root length of the 2D input is taken over."""

    missing_joints: bool = False
    """Whether 2D joints may be missing (NaN); backbone, teacher and discriminator are told which.

    The plug-ins of these parts are then built with ``missing_joints=True`` besides.
    """

    backbone: PluginSpec = PluginSpec(name="temporal")
    """The temporal backbone that teacher and student share."""

    teacher: PluginSpec = PluginSpec(name="teacher")
    """The teacher branch, a plug-in of ``posenet3d.lifters``."""

    student: PluginSpec = PluginSpec(name="student")
    """The student branch."""

    discriminator: PluginSpec = PluginSpec(name="temporal")
    """The discriminator of 2D windows."""

    views: PluginSpec = PluginSpec(name="uniform")
    """Where from the discriminator looks: the view sampler that draws Q of Eq. 1."""

    joint_regressor: PluginSpec = PluginSpec(name="convex")
    """Semantic joint adaptation: ``convex``, ``linear`` (Eq. 6) or ``fixed`` (none)."""

    head_top: Literal["head", "vertex"] = "head"
    """Where the head top starts on the body: its head joint (the paper's map), or the crown."""

    body_model: PluginSpec = PluginSpec(name="mannequin")
    """The body model."""

    @field_validator("frames")
    @classmethod
    def _frames_is_a_power_of_three(cls, frames: int) -> int:
        if frames not in {3**level for level in range(7)}:
            raise ValueError("expected a power of three from 1 to 729 (the paper has 9)")
        return frames
