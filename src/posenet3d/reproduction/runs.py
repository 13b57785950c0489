"""What is trained for the paper's tables: each run as a preset, overrides and its 2D."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from posenet3d.errors import UnknownNameError

EXACT = "exact"
"""2D as annotated, or as exact projections give it; the tables' GT."""

DETECTED = "detected"
"""2D as a detector gives it, or as a model of a detector's errors spoils it; the tables' IMG."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Run:
    """One training.

    Example:
        >>> Run("one-frame", "teacher", DETECTED, overrides={"network.frames": 1}).teacher_of
    """

    name: str
    """The run's name."""
    kind: str
    """How its configuration is made of the base preset, see `configuration`."""
    seen: str
    """The 2D that it learns from and is measured on: `EXACT` or `DETECTED`."""
    teacher_of: str | None = None
    """The run whose teacher it starts from: what differs is then the student alone."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """What else it changes, by dotted path; the value ``"BASE"`` is the base preset's."""


RUNS = (
    Run("posenet3d-exact", "base", EXACT),
    Run("posenet3d", "base", DETECTED),
    Run("chen2019-exact", "chen2019", EXACT),
    Run("chen2019-exact-views", "chen2019", EXACT, overrides={"network.views": "BASE"}),
    Run("chen2019", "chen2019", DETECTED),
    Run("one-frame", "teacher", DETECTED, overrides={"network.frames": 1}),
    Run("no-sja", "student", DETECTED, "posenet3d", {"network.joint_regressor": "fixed"}),
    Run("linear-sja", "student", DETECTED, "posenet3d", {"network.joint_regressor": "linear"}),
    Run("baseline-1", "reprojection_only", DETECTED),
    Run("baseline-2", "reprojection_only_sja", DETECTED),
)
"""Every run; the ones that others start from come first."""

STAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "base": ("teacher", "sja", "joint"),
        "teacher": ("teacher",),
        "student": ("sja",),
        "chen2019": ("teacher",),
        "reprojection_only": ("student",),
        "reprojection_only_sja": ("sja",),
    }
)
"""The stages after which a kind of run is measured."""


def find_run(name: str) -> Run:
    """The run of this name.

    Args:
        name: such as ``"chen2019"``; see `RUNS`.

    Returns:
        The run.

    Raises:
        UnknownNameError: there is none of this name; the known ones are listed.

    Example:
        >>> find_run("no-sja").teacher_of
        'posenet3d'
    """
    known = {run.name: run for run in RUNS}
    if name not in known:
        raise UnknownNameError("run", name, known)
    return known[name]


def with_teachers(names: Iterable[str]) -> tuple[Run, ...]:
    """The runs of these names and those whose teachers they start from, in the order of `RUNS`.

    Args:
        names: the runs' names.

    Returns:
        The runs.

    Raises:
        UnknownNameError: there is no run of a name.

    Example:
        >>> [run.name for run in with_teachers(["no-sja"])]
        ['posenet3d', 'no-sja']
    """
    asked = [find_run(name) for name in names]
    needed = {run.name for run in asked} | {run.teacher_of for run in asked}
    return tuple(run for run in RUNS if run.name in needed)
