"""A run's folder: configuration, environment, metrics, weights and the state to go on from.

    config.json         the resolved configuration, and what data it was given
    environment.json    versions, device, threads, command
    metrics.csv         a line a record
    state.pt            training state with its checksum (loads with ``weights_only=True``)
    stages/<stage>/     the network as each stage left it
    model.safetensors   the trained network, with model.json
    report.json         what fit() returned

Every file but ``metrics.csv``, which grows, is written whole or not at all.
"""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from posenet3d import __version__
from posenet3d.errors import RunFolderError, StorageError
from posenet3d.files import atomic_write, remove_partials
from posenet3d.training.config import TrainerConfig
from posenet3d.training.metrics_log import MetricsLog
from posenet3d.training.saved_state import DamagedStateError, checksum, dump_state, parse_state

CONFIG_FILE = "config.json"
STATE_FILE = "state.pt"
_ENVIRONMENT_PACKAGES = ("torch", "numpy", "einops", "pydantic", "safetensors")
_MOST_LISTED = 12


class RunFolder:
    """The files of one run.

    Args:
        path: the folder; made if it is missing.

    Raises:
        StorageError: if it cannot be made or written to.

    Example:
        >>> import tempfile
        >>> folder = RunFolder(Path(tempfile.mkdtemp(), "runs", "a"))
        >>> folder.write_json("note.json", {"seen": 3})
        >>> folder.read_json("note.json")
        {'seen': 3}
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not _writable(self.path):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise StorageError(
                self.path,
                f"expected a folder to write to, got {error.strerror!r}; choose another.",
            ) from error
        for folder in (self.path, *self.path.glob("stages/*")):
            remove_partials(folder)
        self._run = ""

    def stage(self, name: str) -> Path:
        """The folder of the network as a stage left it."""
        return self.path / "stages" / name

    def metrics(self, config: TrainerConfig) -> MetricsLog:
        """The metrics file."""
        losses = [name for stage in config.stages for name in stage.losses]
        names = [stage.name for stage in config.stages]
        return MetricsLog(self.path / "metrics.csv", names, losses)

    def begin(self, config: TrainerConfig, data: Mapping[str, Any], device: torch.device) -> None:
        """Take the folder for a run, or make sure that it is this run's.

        Args:
            config: the run's configuration.
            data: what tells its training data from others.
            device: what it trains on; another one may go on with a run.

        Raises:
            RunFolderError: if it holds a run of another configuration or of other data; the
                message lists what differs.
            StorageError: if it cannot be written to.
        """
        document = {"data": dict(data), "trainer": config.model_dump(mode="json")}
        if (self.path / CONFIG_FILE).exists():
            self._compare(self.read_json(CONFIG_FILE), document)
        else:
            self.write_json(CONFIG_FILE, document)
        self._run = checksum(document)
        self.write_json("environment.json", environment(device))

    def _compare(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        differing = list(_differences(before, now))
        if differing:
            listed = "\n".join(f"  - {line}" for line in differing[:_MOST_LISTED])
            more = len(differing) - _MOST_LISTED
            raise RunFolderError(
                self.path,
                f"expected the configuration and data of the run that is in this folder, got "
                f"others:\n{listed}\n"
                + (f"  - and {more} more\n" if more > 0 else "")
                + "Go on with the same ones, or choose another run folder.",
            )

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder.

        Raises:
            StorageError: if it cannot be written.
        """
        with atomic_write(self.path / name) as file:
            file.write((json.dumps(value, indent=2) + "\n").encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder.

        Raises:
            RunFolderError: if it is missing or damaged.
        """
        try:
            value = json.loads((self.path / name).read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise RunFolderError(
                self.path, f"expected a run's {name}, got {error}; choose another run folder."
            ) from error
        if not isinstance(value, dict):
            raise RunFolderError(
                self.path, f"expected an object in {name}, got a {type(value).__name__}."
            )
        return value

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Write the training state; the one before stays until it is written.

        Raises:
            StorageError: if it cannot be written.
        """
        with atomic_write(self.path / STATE_FILE) as file:
            file.write(dump_state({**state, "run": self._run}))

    def load_state(self, device: torch.device) -> dict[str, Any] | None:
        """The training state, or ``None`` in a fresh folder.

        Raises:
            RunFolderError: if it is damaged, or of a run of another configuration or other data.
        """
        try:
            state = parse_state((self.path / STATE_FILE).read_bytes(), device)
        except FileNotFoundError:
            return None
        except (OSError, DamagedStateError) as error:
            raise RunFolderError(
                self.path,
                f"expected a training state in {STATE_FILE}, got a damaged file ({error}); restore "
                "it from a copy, or choose another run folder.",
            ) from error
        if state.pop("run", None) != self._run:
            raise RunFolderError(
                self.path,
                f"expected the training state of the run in {CONFIG_FILE}, got another run's "
                f"{STATE_FILE}; restore both from a copy, or choose another run folder.",
            )
        return state


class Memory:
    """Where a run without a folder keeps its state.

    Example:
        >>> memory = Memory()
        >>> memory.save_state({"step": 3})
        >>> memory.load_state(torch.device("cpu"))
        {'step': 3}
    """

    def __init__(self) -> None:
        self._state: bytes | None = None

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Keep a copy of the training state."""
        self._state = dump_state(state)

    def load_state(self, device: torch.device) -> dict[str, Any] | None:
        """The training state, or ``None`` before the first one."""
        return None if self._state is None else parse_state(self._state, device)


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


def _writable(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


_MISSING = object()


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            where = f"{path}.{key}" if path else str(key)
            yield from _differences(before.get(key, _MISSING), now.get(key, _MISSING), where)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differences(one, other, f"{path}.{index}")
    elif before != now:
        yield f"{path}: {_said(before)} before, {_said(now)} now"


def _said(value: Any) -> str:
    text = "nothing" if value is _MISSING else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
