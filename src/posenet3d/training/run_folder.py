"""A run's folder: configuration, environment, metrics, weights and the state to go on from.

    config.json         the resolved configuration
    environment.json    versions, device, threads, command
    metrics.csv         a line a record
    state.pt            training state (loads with ``weights_only=True``)
    stages/<stage>/     the network as each stage left it
    model.safetensors   the trained network, with model.json
    report.json         what fit() returned

Every file is written whole or not at all.
"""

import csv
import io
import json
import os
import pickle
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from posenet3d import __version__
from posenet3d.errors import RunFolderError, StorageError
from posenet3d.files import atomic_write, remove_partials
from posenet3d.training.config import TrainerConfig
from posenet3d.training.report import Record

_ENVIRONMENT_PACKAGES = ("torch", "numpy", "einops", "pydantic", "safetensors")


class RunFolder:
    """The files of one run.

    Args:
        path: the folder; made if it is missing.

    Raises:
        StorageError: if it cannot be made or written to.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise StorageError(
                self.path,
                f"expected a folder to write to, got {error.strerror!r}; choose another run folder.",
            ) from error
        remove_partials(self.path)

    @property
    def metrics(self) -> Path:
        """The metrics file."""
        return self.path / "metrics.csv"

    def stage(self, name: str) -> Path:
        """The folder of the network as a stage left it."""
        return self.path / "stages" / name

    def begin(self, config: TrainerConfig, data: Mapping[str, Any], device: torch.device) -> None:
        """Take the folder for a run, or make sure that it is this run's.

        Raises:
            RunFolderError: if it holds a run of another configuration or of other data; the
                message lists what differs.
        """
        document = {"data": dict(data), "trainer": config.model_dump(mode="json")}
        path = self.path / "config.json"
        if path.exists():
            self._compare(self.read_json("config.json"), document)
        else:
            self.write_json("config.json", document)
        self.write_json("environment.json", environment(device))

    def _compare(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        differing = list(_differences(before, now))
        if differing:
            listed = "\n".join(f"  - {line}" for line in differing[:12])
            raise RunFolderError(
                self.path,
                f"expected the configuration and data of the run that is in this folder, got "
                f"others:\n{listed}\nGo on with the same ones, or choose another run folder.",
            )

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder."""
        with atomic_write(self.path / name) as file:
            file.write((json.dumps(value, indent=2) + "\n").encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder.

        Raises:
            RunFolderError: if it is missing or damaged.
        """
        try:
            value = json.loads((self.path / name).read_text())
        except (OSError, ValueError) as error:
            raise RunFolderError(
                self.path, f"expected a run's {name}, got {error}; choose another run folder."
            ) from error
        if not isinstance(value, dict):
            raise RunFolderError(self.path, f"expected an object in {name}, got {value!r}.")
        return value

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Write the training state."""
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        with atomic_write(self.path / "state.pt") as file:
            file.write(buffer.getbuffer())

    def load_state(self, device: torch.device) -> dict[str, Any] | None:
        """The training state, or ``None`` in a fresh folder.

        Raises:
            RunFolderError: if it is damaged.
        """
        path = self.path / "state.pt"
        if not path.exists():
            return None
        try:
            state = torch.load(path, map_location=device, weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise RunFolderError(
                self.path,
                f"expected a training state in state.pt, got a damaged file ({error}); restore it "
                "from a copy, or choose another run folder.",
            ) from error
        return dict(state)

    def start_metrics(self, columns: Sequence[str], stages: Sequence[str], at: "Place") -> None:
        """Begin the metrics file, or drop the lines that lie after the saved state."""
        kept: list[dict[str, str]] = []
        if self.metrics.exists():
            with self.metrics.open(newline="") as file:
                rows = csv.DictReader(file)
                kept = [row for row in rows if _is_before(row, stages, at)]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows({name: row.get(name, "") for name in columns} for row in kept)
        with atomic_write(self.metrics) as target:
            target.write(text.getvalue().encode())

    def append_metrics(self, columns: Sequence[str], record: Record) -> None:
        """Add a record to the metrics file."""
        row = {"stage": record.stage, "step": record.step, **record.values}
        text = io.StringIO()
        csv.DictWriter(text, columns).writerow({name: row.get(name, "") for name in columns})
        try:
            with self.metrics.open("a", newline="") as file:
                file.write(text.getvalue())
        except OSError as error:
            raise StorageError(
                self.metrics, f"cannot be written: {error.strerror}; make room and run again."
            ) from error


Place = tuple[int, int]
"""How far a run is: stages done, and steps of the next one."""


def environment(device: torch.device) -> dict[str, Any]:
    """What a run ran on: versions, device, threads and command.

    Example:
        >>> environment(torch.device("cpu"))["device"]
        'cpu'
    """
    return {
        "posenet3d": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in _ENVIRONMENT_PACKAGES},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _is_before(row: Mapping[str, str], stages: Sequence[str], at: Place) -> bool:
    try:
        place = (stages.index(row["stage"]), int(row["step"]))
    except (KeyError, ValueError, TypeError):
        return False
    return place[0] < at[0] or (place[0] == at[0] and place[1] <= at[1])


def _differences(before: Any, now: Any, path: str = "") -> Iterable[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(
                before.get(key), now.get(key), f"{path}.{key}" if path else str(key)
            )
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differences(one, other, f"{path}.{index}")
    elif before != now:
        yield f"{path}: {before!r} before, {now!r} now"
