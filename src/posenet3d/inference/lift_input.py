"""One input of a batch: skipped where it is finished, else lifted and put in place whole."""

import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from posenet3d.errors import ConfigurationError, DataError, PluginError, PoseNet3DError
from posenet3d.files import atomic_remove
from posenet3d.inference.batch import Outcome, Plan, Predictor
from posenet3d.inference.manifest import Manifest, checksum_of
from posenet3d.keypoints import KeypointSequence, load_people
from posenet3d.keypoints.repair import repair
from posenet3d.plugins import GROUPS
from posenet3d.reconstruction import Reconstruction

MANIFESTS = "manifests"
"""The folder of the records of what is finished, in the folder of outputs."""
STAGE = ".posenet3d-stage-"
"""What folders of unfinished files begin with, in the folder of outputs."""


def lift_input(
    estimator: Predictor,
    source: Path,
    out: Path,
    name: str,
    plan: Plan,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """One input of a batch: skipped where it is finished, else lifted and written whole.

    Args:
        estimator: what lifts.
        source: the input.
        out: the folder of outputs, which exists.
        name: what its outputs are called, see `name_inputs`.
        plan: formats and options.
        options: what messages call arguments, see :meth:`~posenet3d.errors.PoseNet3DError.told`.

    Returns:
        What became of it; whatever is wrong with the input is told there.

    Raises:
        ConfigurationError: options that can never be, whatever the input.
        PluginError: an exporter or reader that cannot be used.
    """
    began = time.perf_counter()
    asked = {**asdict(plan), "network": dict(estimator.provenance)}
    record = out / MANIFESTS / f"{name}.json"
    try:
        checksum = checksum_of(source)
        known = Manifest.read(record)
        if known is not None and known.vouches_for(checksum, asked, out):
            return Outcome(str(source), "skipped", tuple(known.files), known.people, known.frames)
        files, people, faults = _lifted(estimator, source, out, name, plan, options)
        frames = sum(len(each) for each in people)
        made = Manifest(checksum, asked, files, len(people), frames)
        _replace_record(record, made, known, out, plan)
    except (ConfigurationError, PluginError):
        raise
    except PoseNet3DError as error:
        seconds = time.perf_counter() - began
        return Outcome(str(source), "failed", seconds=seconds, error=error.told(options))
    except Exception as error:  # a batch of a day must not end at one file
        seconds, told = time.perf_counter() - began, f"{type(error).__name__}: {error}"
        return Outcome(str(source), "failed", seconds=seconds, error=told, unforeseen=True)
    seconds = time.perf_counter() - began
    told = "; ".join(faults)
    return Outcome(str(source), "done", tuple(made.files), made.people, made.frames, seconds, told)


def _lifted(
    estimator: Predictor,
    source: Path,
    out: Path,
    name: str,
    plan: Plan,
    options: Mapping[str, str],
) -> tuple[dict[str, int], list[KeypointSequence], list[str]]:
    """The files, in place, of everyone in an input; who was lifted; and why others were not."""
    people = [
        each for each in load_people(source, **plan.reading) if len(each) >= plan.fewest_frames
    ]
    if not people:
        raise DataError(source, f"expected somebody in {plan.fewest_frames} frames or more.")
    place = (out / name).parent
    place.mkdir(parents=True, exist_ok=True)
    stage = out / f"{STAGE}{secrets.token_hex(8)}"
    lifted, faults = [], []
    try:
        stage.mkdir()
        for person, stem in zip(people, _stems(Path(name).name, people), strict=True):
            try:
                seen, invented = _repaired(person, plan)
                _check_fit(source, seen, plan)
                asked = {**plan.predicting, **invented}
                _write(estimator.predict(seen, **asked), stage, stem, plan)
            except DataError as error:
                if len(people) == 1:
                    raise
                faults.append(f"{stem}: {error.told(options)}")
            else:
                lifted.append(person)
        if not lifted:
            raise DataError(source, f"nobody can be lifted: {'; '.join(faults)}")
        return _moved(stage, place, out), lifted, faults
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _repaired(person: KeypointSequence, plan: Plan) -> tuple[KeypointSequence, dict[str, Any]]:
    """The 2D, repaired as asked; and what that invented, as an option of `Estimator.predict`."""
    if not plan.repairing:
        return person, {}
    seen, log = repair(person, **plan.repairing)
    masks = [step.mask for step in log.steps if step.effect == "invented"]
    return seen, {"invented": masks[-1]} if masks else {}


def _check_fit(source: Path, seen: KeypointSequence, plan: Plan) -> None:
    """Nothing, if what will be made of these keypoints can be written in every format.

    Raises:
        DataError: it cannot, as a GIF of an hour: this input's fault, so that others go on.
    """
    for spec in plan.specs:
        try:
            GROUPS["exporters"].check_fit(spec, seen)
        except ConfigurationError as error:
            raise DataError(source, "; ".join(error.faults)) from error


def _write(lifted: Reconstruction, stage: Path, stem: str, plan: Plan) -> None:
    for format in plan.formats:
        options = plan.exporting.get(format, {})
        lifted.save(stage / f"{stem}.{format}", format=format, **options)


def _stems(name: str, people: Sequence[KeypointSequence]) -> list[str]:
    """What each person's files are called."""
    if len(people) == 1:
        return [name]
    tracks = [each.track_id for each in people]
    numbers = tracks if None not in tracks and len({*tracks}) == len(people) else range(len(people))
    return [f"{name}_person{number}" for number in numbers]


def _moved(stage: Path, folder: Path, out: Path) -> dict[str, int]:
    """The files' sizes by their new paths, once they are moved from the stage to their folder."""
    sizes: dict[str, int] = {}
    for entry in sorted(stage.iterdir()):
        place = folder / entry.name
        if place.is_dir():
            atomic_remove(place)
        os.replace(entry, place)
        every = sorted(place.rglob("*")) if place.is_dir() else [place]
        sizes |= {
            each.relative_to(out).as_posix(): each.stat().st_size
            for each in every
            if each.is_file()
        }
    return sizes


def _replace_record(
    record: Path, made: Manifest, known: Manifest | None, out: Path, plan: Plan
) -> None:
    """Write the record, then remove what an older one of these formats has and this one has not."""
    record.parent.mkdir(parents=True, exist_ok=True)
    made.write(record)
    endings = tuple(f".{each}" for each in plan.formats)
    for name in known.files if known is not None else ():
        stale = out / name
        inside = ".." not in Path(name).parts and not Path(name).is_absolute()
        if inside and name not in made.files and name.endswith(endings) and stale.is_file():
            stale.unlink()
