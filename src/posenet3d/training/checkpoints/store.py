"""The checkpoints of one run: which there are, which to go on from, which to keep."""

import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from posenet3d.errors import DamagedCheckpointWarning, RunFolderError, StorageError
from posenet3d.files import atomic_remove, remove_partials, sync_folder
from posenet3d.training.checkpoints.checkpoint import (
    read_checkpoint,
    read_manifest,
    verify_checkpoint,
    write_checkpoint,
)
from posenet3d.training.checkpoints.config import CheckpointConfig
from posenet3d.training.checkpoints.manifest import DamageError, Manifest
from posenet3d.training.checkpoints.place import Place

_NEW = ".new"  # a whole checkpoint that is about to take the place of an older one
_DAMAGED = ".damaged"

_Damages = list[tuple[Path, DamageError]]
Value = TypeVar("Value")


class CheckpointStore:
    """The folder ``checkpoints`` of a run.

    One writes to it at a time; reading disturbs nobody.

    Args:
        folder: the folder; made with the first checkpoint.
        config: which checkpoints to keep.
        run: the identity of the run, a checksum of its configuration and data.

    Example:
        >>> import tempfile
        >>> store = CheckpointStore(Path(tempfile.mkdtemp(), "checkpoints"))
        >>> state = {"stages_done": 0, "stage": {"done": 3}, "model": {"bias": torch.zeros(2)}}
        >>> store.save(state, score=0.5).name
        '0-00000003'
        >>> store.load(torch.device("cpu"))["model"]
        {'bias': tensor([0., 0.])}
    """

    def __init__(self, folder: Path, config: CheckpointConfig | None = None, run: str = "") -> None:
        self.folder, self.config, self.run = folder, config or CheckpointConfig(), run

    def save(self, state: Mapping[str, Any], score: float | None = None) -> Path:
        """Write a checkpoint, then remove those that need not be kept.

        One that is already there for this place stays until the new one is whole.

        Args:
            state: as :func:`write_checkpoint` takes it, with ``stages_done`` and ``stage``.
            score: of these weights; lower is better; ``None`` or NaN where it is unknown.

        Returns:
            Its folder.

        Raises:
            StorageError: if it cannot be written, or an old one not removed; the last one stays.
        """
        place = Place.of(state)
        target = self.folder / place.name
        known = None if score is None or math.isnan(score) else float(score)
        self._make_folder()
        self._settle(place)
        if target.exists():
            write_checkpoint(self._new(place), state, run=self.run, score=known)
            self._settle(place)
        else:
            write_checkpoint(target, state, run=self.run, score=known)
        self._prune(place)
        return target

    def load(self, device: torch.device, *, set_aside: bool = True) -> dict[str, Any] | None:
        """The state of the newest good checkpoint, or ``None`` where there are none.

        Args:
            device: where the tensors go.
            set_aside: rename damaged ones to ``<name>.damaged``, once a good one is found.

        Raises:
            RunFolderError: if all are damaged (each is named), or of another run.
            StorageError: if a damaged one cannot be renamed.
        """
        damages: _Damages = []
        found = _first_good(self._found(), partial(read_checkpoint, device=device), damages)
        if found is None:
            self._refuse(damages)
            return None
        path, (manifest, state) = found
        self._check_run(path, manifest)
        self._tell(damages, path.name, set_aside)
        return state

    def newest(self) -> Path | None:
        """The newest good checkpoint, or ``None`` where there is none; damaged ones are told."""
        damages: _Damages = []
        found = _first_good(self._found(), verify_checkpoint, damages)
        if found is None:
            self._refuse(damages)
            return None
        self._tell(damages, found[0].name, set_aside=False)
        return found[0]

    def best(self) -> Path | None:
        """The good checkpoint with the lowest score, or ``None`` where none has a score.

        Scores of different stages do not compare: it is the best of the latest stage that has
        one, and of equals the newest. Damaged ones are told by a warning.
        """
        damages: _Damages = []
        scored = ((place, self._path(place)) for place in _by_score(self._manifests()))
        found = _first_good(scored, verify_checkpoint, damages)
        self._tell(damages, "none" if found is None else found[0].name, set_aside=False)
        return None if found is None else found[0]

    def clear_up(self) -> None:
        """Finish or remove what a killed process left; only while nobody else writes here.

        Raises:
            StorageError: if something cannot be renamed or removed.
        """
        remove_partials(self.folder)
        for place, _ in self._found():
            self._settle(place)

    def _found(self) -> list[tuple[Place, Path]]:
        """The checkpoints, newest first; of one place, the one about to replace the other."""
        found = [
            (place, path.name.endswith(_NEW), path)
            for path in self.folder.glob("[0-9]*")
            if (place := Place.parse(path.name.removesuffix(_NEW))) is not None and path.is_dir()
        ]
        return [(place, path) for place, _, path in sorted(found, reverse=True)]

    def _path(self, place: Place) -> Path:
        new = self._new(place)
        return new if new.is_dir() else self.folder / place.name

    def _new(self, place: Place) -> Path:
        return self.folder / f"{place.name}{_NEW}"

    def _make_folder(self) -> None:
        if self.folder.is_dir():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
        except OSError as error:
            raise StorageError(self.folder, f"cannot be made: {error.strerror}.") from error

    def _settle(self, place: Place) -> None:
        """Give a whole new checkpoint of a place its name, in place of the older one."""
        new, target = self._new(place), self.folder / place.name
        if not new.is_dir():
            return
        if target.exists():
            atomic_remove(target)
        _rename(new, target)

    def _prune(self, saved: Place) -> None:
        """Remove what need not be kept, once what was just saved has been read back."""
        manifests = self._manifests()
        places = list(manifests)
        kept = {saved, *places[: self.config.keep]}
        if self.config.best:
            kept.update(_by_score(manifests)[:1])
        doomed = [place for place in reversed(places) if place not in kept]
        if not doomed:
            return
        path = self.folder / saved.name
        try:
            verify_checkpoint(path, saved)
        except DamageError as damage:
            self._tell([(path, damage)], "those before it, which are kept", set_aside=False)
            return
        for place in doomed:
            atomic_remove(self.folder / place.name)

    def _manifests(self) -> dict[Place, Manifest]:
        """The manifests that can be read, newest first."""
        manifests = {}
        for place, path in self._found():
            with suppress(DamageError):
                manifests[place] = read_manifest(path, place)
        return manifests

    def _check_run(self, path: Path, manifest: Manifest) -> None:
        if manifest.run != self.run:
            raise RunFolderError(
                self.folder.parent,
                f"expected the checkpoints of the run in config.json, got another run's state in "
                f"{path.name}; restore both from a copy, or choose another run folder.",
            )

    def _tell(self, damages: _Damages, instead: str, set_aside: bool) -> None:
        for path, damage in damages:
            told = f"{instead} is used instead"
            if set_aside:
                aside = self._aside(path)
                _rename(path, aside)
                told += f", and it is kept as {aside.name}"
            warning = DamagedCheckpointWarning(
                path, damage.file, expected=damage.expected, got=damage.got, do=told
            )
            warnings.warn(warning, stacklevel=4)

    def _aside(self, path: Path) -> Path:
        name, number = f"{path.name}{_DAMAGED}", 1
        while (aside := path.with_name(name if number == 1 else f"{name}-{number}")).exists():
            number += 1
        return aside

    def _refuse(self, damages: _Damages) -> None:
        if damages:
            listed = "\n".join(f"  - {path.name}: {damage}" for path, damage in damages)
            raise RunFolderError(
                self.folder.parent,
                f"expected a checkpoint to go on from, got damaged ones only:\n{listed}\n"
                "Restore one from a copy, or choose another run folder.",
            )


def _first_good(
    found: Iterable[tuple[Place, Path]], read: Callable[[Path, Place], Value], damages: _Damages
) -> tuple[Path, Value] | None:
    """The first checkpoint that can be read, and what was read; damages of others are noted."""
    for place, path in found:
        try:
            return path, read(path, place)
        except DamageError as damage:
            damages.append((path, damage))
    return None


def _by_score(manifests: Mapping[Place, Manifest]) -> list[Place]:
    """The places with a score, best first: of later stages before those of earlier ones."""
    scored = [
        (-place.stage, manifest.score, -place.stages_done, -place.step, place)
        for place, manifest in manifests.items()
        if manifest.score is not None
    ]
    return [place for *_, place in sorted(scored)]


def _rename(path: Path, target: Path) -> None:
    try:
        os.rename(path, target)
        sync_folder(target.parent)
    except OSError as error:
        raise StorageError(path, f"cannot be renamed: {error.strerror}.") from error
