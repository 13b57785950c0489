"""What was measured of a run, in its folder: figures that are there are not made again."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posenet3d.errors import RunFolderError
from posenet3d.files import atomic_write, json_text, make_folder, parse_json
from posenet3d.training.differences import differences

_MOST_LISTED = 8


@dataclass(frozen=True)
class Measurement:
    """The figures of one network of one run, and all that made them.

    Example:
        >>> facts = {"config": {}, "data": {}}
        >>> figures = {"teacher": {"p_mpjpe": 50.0}}
        >>> found = Measurement("chen2019", 0, "teacher", facts, figures, ("S9",), 10, 20, "c0ffee")
        >>> found.value("teacher", "p_mpjpe")
        50.0
    """

    run: str
    """The run's name."""
    seed: int
    """Its seed."""
    stage: str
    """The stage after which it was measured."""
    facts: Mapping[str, Any]
    """Its configuration and data; figures of others are refused."""
    figures: Mapping[str, Mapping[str, Any]]
    """By head, the figures by name; ``None`` where there is none."""
    subjects: tuple[str, ...]
    """Who was measured."""
    clips: int
    """How many clips of theirs."""
    frames: int
    """How many frames the errors of poses were taken on."""
    commit: str | None
    """The library's commit, if it is known."""
    seconds: float = 0.0
    """Wall time of the measuring."""

    def value(self, head: str, figure: str) -> float:
        """A figure of a head; NaN where there is none."""
        found = self.figures[head][figure]
        return math.nan if found is None else float(found)


def path_of(folder: Path, stage: str, data: Mapping[str, Any]) -> Path:
    """The file of a measurement: another for each set that the network is measured on.

    Args:
        folder: the run's folder.
        stage: the stage.
        data: what it is measured on, as plain values, see `Material.facts`.

    Returns:
        ``<folder>/measured/<stage>-<protocol>-<checksum>.json``.

    Example:
        >>> path_of(Path("run"), "joint", {"protocol": "cmu14"}).name
        'joint-cmu14-....json'
    """
    told = {name: data.get(name) for name in ("protocol", "test", "test_noise")}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return folder / "measured" / f"{stage}-{data['protocol']}-{digest[:8]}.json"


def write_measurement(measurement: Measurement, path: Path) -> None:
    """Write a measurement, wholly or not at all.

    Args:
        measurement: the measurement.
        path: see `path_of`; its folder is made.

    Raises:
        StorageError: it cannot be written.
    """
    make_folder(path.parent)
    with atomic_write(path) as file:
        file.write(json_text(asdict(measurement)).encode())


def read_measurement(path: Path, facts: Mapping[str, Any]) -> Measurement | None:
    """A measurement that was written before, if it is of this configuration and these data.

    Args:
        path: see `path_of`.
        facts: what it must have been made with.

    Returns:
        The measurement, or ``None`` where there is no file.

    Raises:
        RunFolderError: it was made with something else, or is damaged.

    Example:
        >>> read_measurement(Path("no", "file.json"), {}) is None
        True
    """
    if not path.exists():
        return None
    values = parse_json(path.read_bytes(), path)
    try:
        found = Measurement(**{**values, "subjects": tuple(values["subjects"])})
    except (TypeError, KeyError) as error:
        raise RunFolderError(
            path, "expected a measurement of this library, got something else; remove it."
        ) from error
    differing = list(differences(found.facts, json.loads(json.dumps(facts))))
    if differing:
        listed = "\n".join(f"  - {line}" for line in differing[:_MOST_LISTED])
        more = len(differing) - _MOST_LISTED
        raise RunFolderError(
            path.parents[1],
            f"expected figures of this configuration and these data, got others:\n{listed}\n"
            + (f"  - and {more} more\n" if more > 0 else "")
            + "Go on with the same ones, or choose another folder with --out.",
        )
    return found
