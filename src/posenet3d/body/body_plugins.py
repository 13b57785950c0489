"""The built-in body models as plug-ins: functions that make a body from checked options.

The bodies themselves know nothing of pydantic.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.body.body_files import read_body_file
from posenet3d.body.body_model import BodyModel
from posenet3d.body.linear_blend import LinearBlendBody
from posenet3d.body.mannequin import mannequin_data
from posenet3d.body.smpl import SmplBody
from posenet3d.body.smpl_files import missing_smpl_file, read_smpl_file
from posenet3d.plugins import GROUPS, PluginSpec, configured_by


class MannequinConfig(BaseModel):
    """Options of the body model ``mannequin``: none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LinearBlendConfig(BaseModel):
    """Options of the body model ``linear_blend``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """The npz of SMPL's format."""

    family: str | None = Field(default=None, min_length=1)
    """The body's family, where the file does not say; by default its digest."""

    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """The digest that the file must have; any by default."""


class SmplConfig(BaseModel):
    """Options of the body model ``smpl``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    """SMPL's official pickle, or an npz of its format."""

    family: str | None = Field(default=None, min_length=1)
    """The body's family, where the file does not say; by default ``smpl:`` and a digest."""

    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """The digest that the file must have; any by default."""

    betas: int = Field(default=10, ge=1)
    """How many shape directions are used, at most; official files have 10 or 300."""


@configured_by(MannequinConfig)
def load_mannequin() -> LinearBlendBody:
    """The packaged mannequin: the body model ``mannequin``.

    Returns:
        24 joints with SMPL's names, 6890 vertices, 10 betas; family ``makehuman-cc0``.

    Raises:
        BodyModelFileError: The installed file is missing or damaged.

    Example:
        >>> load_mannequin().family
        'makehuman-cc0'
    """
    return LinearBlendBody(mannequin_data())


@configured_by(LinearBlendConfig)
def load_linear_blend(
    path: str | Path, family: str | None = None, sha256: str | None = None
) -> LinearBlendBody:
    """A body from any npz of SMPL's format: the body model ``linear_blend``.

    Args:
        path: the file; :func:`posenet3d.body.read_body_file` tells its layout.
        family: the body's family, where the file does not say; by default its digest.
        sha256: the digest that the file must have; any by default.

    Returns:
        The body, with as many joints, vertices and betas as the file has.

    Raises:
        BodyModelFileError: The file is missing, damaged, or not of the format.
        BodyModelError: An array is not what its name promises.

    Example:
        >>> load_linear_blend("SMPL_NEUTRAL.npz")
        Traceback (most recent call last):
            ...
        posenet3d.errors.BodyModelFileError: SMPL_NEUTRAL.npz: expected a body model file (npz), ...
    """
    return LinearBlendBody(read_body_file(path, family=family, sha256=sha256))


@configured_by(SmplConfig)
def load_smpl(
    path: str | Path | None = None,
    family: str | None = None,
    sha256: str | None = None,
    betas: int = 10,
) -> SmplBody:
    """SMPL through the package ``smplx``: the body model ``smpl``.

    Args:
        path: the official pickle, or an npz of SMPL's format.
        family: the body's family, where the file does not say; by default ``smpl:`` and a digest.
        sha256: the digest that the file must have; any by default.
        betas: how many shape directions are used, at most.

    Returns:
        The body.

    Raises:
        BodyModelFileError: No path, or the file is missing (the error tells where SMPL is
            obtained), damaged, or not of the format.
        BodyModelError: The body in the file has not SMPL's 24 joints.
        MissingExtraError: ``smplx`` is not installed.

    Example:
        >>> load_smpl("SMPL_NEUTRAL.pkl")
        Traceback (most recent call last):
            ...
        posenet3d.errors.BodyModelFileError: SMPL_NEUTRAL.pkl: expected SMPL's file, got 'No such...
    """
    if path is None:
        raise missing_smpl_file("body model 'smpl'", "no option 'path'")
    return SmplBody(read_smpl_file(path, family=family, sha256=sha256, betas=betas))


def load_body_model(name: str | PluginSpec = "mannequin", **options: Any) -> BodyModel:
    """The body model called ``name``: the library's own, or one of any installed plug-in.

    Args:
        name: a plug-in of the group ``posenet3d.body_models``, or one with its options.
        **options: what that plug-in takes, as JSON values; they win over those of ``name``.

    Returns:
        The body model, on the CPU, in float32.

    Raises:
        BodyModelFileError: A file of the body is missing or damaged.
        ConfigurationError: The options do not fit; every fault is listed.
        UnknownPluginError: No installed package advertises ``name``; the nearest is suggested.
        PluginLoadError: The plug-in cannot be imported or built.

    Example:
        >>> load_body_model("mannequin").num_joints
        24
    """
    asked = PluginSpec.model_validate(name)
    spec = PluginSpec(name=asked.name, options={**asked.options, **options})
    body: BodyModel = GROUPS["body_models"].build(spec)
    return body
