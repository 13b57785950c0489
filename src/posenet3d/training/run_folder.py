"""A run's folder: configuration, environment, metrics, weights and the state to go on from.

    config.json         the resolved configuration, and what data it was given
    environment.json    versions, device, threads, command
    metrics.csv         a line a record
    validation.csv      a line a validation point
    pictures/           skeletons at validation points
    checkpoints/        what to go on from; see :mod:`posenet3d.training.checkpoints`
    stages/<stage>/     the network as each stage left it
    model.safetensors   the trained network, with model.json
    report.json         what fit() returned

Every file but the two tables, which grow, is written whole or not at all; the tables are those of
the logger ``csv``, and other loggers add folders of their own. One process at a time writes to a
folder (its lock is the file ``.lock``).
"""

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from posenet3d import __version__
from posenet3d.errors import RunFolderError, StorageError
from posenet3d.files import atomic_write, remove_partials
from posenet3d.training.checkpoints import CheckpointStore
from posenet3d.training.checkpoints.saved_state import checksum, dump_state, parse_state
from posenet3d.training.config import TrainerConfig
from posenet3d.training.differences import differences
from posenet3d.training.run_lock import run_lock

CONFIG_FILE = "config.json"
_CHECKPOINTS = "checkpoints"
_NO_IDENTITY = ("checkpoints", "engine", "loggers", "start_from")
"""Of the trainer: how a run is done, not what. Weights to start from are told by their checksum."""
_ENVIRONMENT_PACKAGES = ("torch", "numpy", "einops", "pydantic", "safetensors")
_MOST_LISTED = 12


class RunFolder:
    """The files of one run.

    Args:
        path: the folder; made if it is missing.
        read_only: whether to leave it as it is: nothing is made, cleared away, renamed or locked.

    Attributes:
        path: the folder.
        read_only: whether nothing is written to it.

    Raises:
        RunFolderError: if there is no such folder to read.
        StorageError: if it cannot be made or written to.

    Example:
        >>> import tempfile
        >>> folder = RunFolder(Path(tempfile.mkdtemp(), "runs", "a"))
        >>> folder.write_json("note.json", {"seen": 3})
        >>> folder.read_json("note.json")
        {'seen': 3}
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = Path(path), read_only
        if read_only:
            self._find()
        else:
            self._make()
        self._locked = False
        self._checkpoints = CheckpointStore(self.path / _CHECKPOINTS)

    def _find(self) -> None:
        if not self.path.is_dir():
            raise RunFolderError(self.path, "expected a run's folder, got none; check its path.")

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not _writable(self.path):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise StorageError(
                self.path,
                f"expected a folder to write to, got {error.strerror!r}; choose another.",
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from writing to the folder during the block.

        Within such a block it does nothing more, nor does it where the folder is read only.

        Raises:
            RunFolderError: if another process, or another trainer of this one, trains in it.
            StorageError: if the lock file cannot be opened.

        Example:
            >>> import tempfile
            >>> run = tempfile.mkdtemp()
            >>> with RunFolder(run).locked(), RunFolder(run).locked():
            ...     pass
            Traceback (most recent call last):
            posenet3d.errors.RunFolderError: ...: expected a run folder of one's own, ...
        """
        if self._locked or self.read_only:
            yield
            return
        with run_lock(self.path):
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def stage(self, name: str) -> Path:
        """The folder of the network as a stage left it."""
        return self.path / "stages" / name

    def begin(
        self,
        config: TrainerConfig,
        data: Mapping[str, Any],
        device: torch.device,
        start: str | None = None,
    ) -> None:
        """Take the folder for a run, or make sure that it is this run's.

        Args:
            config: the run's configuration.
            data: what tells its training data from others.
            device: what it trains on; another one may go on with a run.
            start: SHA-256 of the weights that it starts from, if any; where they lie may change.

        Raises:
            RunFolderError: if it holds a run of another configuration, of other data or from
                other weights; the message lists what differs.
            StorageError: if it cannot be written to.
        """
        document = {"data": dict(data), "trainer": config.model_dump(mode="json")}
        if start is not None:
            document["start"] = {"weights_sha256": start}
        self._checkpoints = CheckpointStore(
            self.path / _CHECKPOINTS,
            config.checkpoints,
            run=checksum(_identity(document)),
        )
        with self.locked():
            if (self.path / CONFIG_FILE).exists():
                self._compare(self.read_json(CONFIG_FILE), document)
            elif not self.read_only:
                self.write_json(CONFIG_FILE, document)
            if not self.read_only:
                self._clear_up()
                self.write_json("environment.json", environment(device))

    def _clear_up(self) -> None:
        for folder in (self.path, *self.path.glob("stages/*")):
            remove_partials(folder)
        self._checkpoints.clear_up()

    def _compare(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        differing = list(differences(_identity(before), _identity(now)))
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
            RunFolderError: if the folder was opened to read only.
            StorageError: if it cannot be written.
        """
        self._check_writable()
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

    def save_state(self, state: Mapping[str, Any], score: float | None = None) -> None:
        """Write the training state as a checkpoint; those before it stay until it is written.

        Args:
            state: nested mappings and sequences of tensors and plain values: ``stages_done``,
                ``stage`` (with ``done``, or ``None``), the weights as ``model``, and whatever else
                the run needs. With a ``description`` (``describe_model``), ``load_model`` reads
                the checkpoint's folder.
            score: of these very weights, from 2D alone; lower is better; ``None`` or NaN where
                it is unknown.

        Raises:
            RunFolderError: if the folder was opened to read only.
            StorageError: if it cannot be written.
        """
        self._check_writable()
        self._checkpoints.save(state, score)

    def load_state(self, device: torch.device) -> dict[str, Any] | None:
        """The training state of the newest good checkpoint, or ``None`` in a fresh folder.

        Damaged checkpoints are told by a :class:`~posenet3d.errors.DamagedCheckpointWarning` and
        renamed to ``<name>.damaged``.

        Args:
            device: where the tensors go.

        Raises:
            RunFolderError: if all are damaged, or of a run of another configuration or other data.
            StorageError: if a damaged one cannot be renamed.
        """
        return self._checkpoints.load(device, set_aside=not self.read_only)

    def newest(self) -> Path | None:
        """The newest good checkpoint; ``load_model`` reads it."""
        return self._checkpoints.newest()

    def best(self) -> Path | None:
        """The good checkpoint with the lowest score in the latest stage that has scores.

        Returns:
            Its folder, which ``load_model`` reads, or ``None`` where no checkpoint has a score.
        """
        return self._checkpoints.best()

    def _check_writable(self) -> None:
        if self.read_only:
            raise RunFolderError(
                self.path, "expected a folder to write to, got one that was opened to read only."
            )


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

    def save_state(self, state: Mapping[str, Any], score: float | None = None) -> None:
        """Keep a copy of the training state; the score is not needed."""
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


def _identity(document: Mapping[str, Any]) -> dict[str, Any]:
    """What makes it this run and no other: data, first weights, what the trainer is to reach."""
    trainer = document.get("trainer")
    if isinstance(trainer, Mapping):
        trainer = {name: value for name, value in trainer.items() if name not in _NO_IDENTITY}
    return {**document, "trainer": trainer}


def _writable(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)
