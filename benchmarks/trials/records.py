"""The records: one a run, one a line."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    """All records, oldest first."""
    return json.loads(path.read_text()) if path.exists() else []


def write(path: Path, records: list[Record]) -> None:
    """Replace the file, whole or not at all."""
    from posenet3d.files.atomic import atomic_write

    lines = ",\n".join(json.dumps(record, allow_nan=False) for record in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(f"[\n{lines}\n]\n".encode())


def same(record: Record, told: Record) -> bool:
    """Whether a record is of this trial; one without a digest is taken by its other values."""
    names = ("trial", "seed", "steps", "held_out")
    alike = all(record[name] == told[name] for name in names)
    return alike and record.get("digest", told["digest"]) == told["digest"]


def chosen(records: list[Record], trial: str, steps: int) -> list[Record]:
    """The records of a trial and length, by seed; of several of one seed the last."""
    found = [each for each in records if each["trial"] == trial and each["steps"] == steps]
    by_seed = {each["seed"]: each for each in found}
    return [by_seed[seed] for seed in sorted(by_seed)]
