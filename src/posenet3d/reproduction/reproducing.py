"""The one function that makes a table: what is missing is trained and measured, then written."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from posenet3d.data import TrainingSet
from posenet3d.data.shards import ShardedSet
from posenet3d.errors import TrainingError
from posenet3d.evaluation.evaluating import Progress
from posenet3d.evaluation.provenance import source_commit
from posenet3d.evaluation.report import BASELINE
from posenet3d.files import atomic_write, json_text, make_folder
from posenet3d.reproduction.page import render
from posenet3d.reproduction.planning import Job, Plan
from posenet3d.reproduction.records import Measurement, read_measurement, write_measurement
from posenet3d.reproduction.results import Results
from posenet3d.reproduction.running import figures_of, measure, train_run

Watch = Callable[[str], AbstractContextManager[Progress | None]]
"""Opened around each measuring with its name; gives what is called after each clip."""


def reproduce(
    plan: Plan,
    *,
    device: str = "auto",
    progress: bool = True,
    tell: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    command: str | None = None,
) -> Results:
    """Train and measure what is missing of a table, and write it.

    The table is written as ``<table>.md`` and ``<table>.json`` into the plan's folder after every
    run, as far as it has got. Interrupted (Ctrl-C), the same call goes on where it was: what is
    trained and measured is not done again. A run whose training cannot go on (a loss that is not
    finite, a game that collapsed) is told in the table, and the others go on.

    Args:
        plan: see `plan_table`.
        device: what to train and to measure on; ``"auto"`` leaves it to the configuration.
        progress: show training's bars on a terminal, lines elsewhere.
        tell: called with a line as each run begins.
        watch: opened around each measuring; gives what is called after each clip.
        command: the command line, for the record.

    Returns:
        The filled table.

    Raises:
        KeyboardInterrupt: after Ctrl-C; what was done is kept.
        PoseNet3DError: data, folder or configuration cannot be used.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> from posenet3d.reproduction import Material, plan_table
        >>> people = synthetic_motion(clips=2, seconds=0.5)
        >>> train, test = {"exact": people[:1]}, {"exact": people[1:]}
        >>> material = Material(train, test, "cmu14", rig="cmu14", noise="gentle")
        >>> small = ["network.backbone.options.channels=8", "batch_size=4"]
        >>> small += [f"stages.{each}.batch_size=4" for each in ("distillation", "sja")]
        >>> small += ["validation.picture=false"]
        >>> toy = {"seeds": [0], "budget": 1e-3, "changes": small}
        >>> plan = plan_table("table2", material, tempfile.mkdtemp(), **toy)
        >>> results = reproduce(plan, progress=False)
        >>> results.complete, sorted(path.name for path in plan.out.iterdir())
        (True, ['runs', 'table2.json', 'table2.md'])
    """
    sequences = lru_cache(maxsize=1)(plan.material.sequences)
    faults: dict[str, str] = {}
    commit = source_commit()
    results = write_table(collect(plan, command=command))
    for number, job in enumerate(plan.jobs, 1):
        if job.done:
            continue
        if tell is not None:
            tell(f"[{number}/{len(plan.jobs)}] {job.name}: {job.folder}")
        fault = _train(job, sequences, device, progress)
        if fault is None:
            _measure(job, plan, device, watch, commit)
        else:
            faults[job.name] = fault
        results = write_table(collect(plan, faults, command))
    return results


def collect(
    plan: Plan, faults: dict[str, str] | None = None, command: str | None = None
) -> Results:
    """What is measured of a plan so far.

    Args:
        plan: the plan.
        faults: by job, why its training could not go on.
        command: the command line, for the record.

    Returns:
        The results.

    Raises:
        RunFolderError: figures of another configuration or of other data are there.
    """
    found = (job.measured(stage) for job in plan.jobs for stage in job.stages)
    there = tuple(each for each in found if each is not None)
    return Results(plan, there, dict(faults or {}), command)


def write_table(results: Results) -> Results:
    """Write a table's page and its JSON, each wholly or not at all.

    Args:
        results: the results.

    Returns:
        The same.

    Raises:
        StorageError: they cannot be written.
    """
    out, name = results.plan.out, results.plan.table.name
    make_folder(out)
    for ending, text in (("json", json_text(results.to_dict())), ("md", render(results))):
        with atomic_write(out / f"{name}.{ending}") as file:
            file.write(text.encode())
    return results


def _train(
    job: Job,
    sequences: Callable[[str], TrainingSet | ShardedSet],
    device: str,
    progress: bool,
) -> str | None:
    """Train a job where it is not trained; why it cannot go on, if so."""
    if (job.folder / "report.json").exists():
        return None
    if job.teacher is not None and not job.teacher.is_dir():
        return f"{job.run.teacher_of} has no teacher to start from"
    try:
        train_run(
            job.config,
            sequences(job.run.seen),
            job.folder,
            teacher=job.teacher,
            device=device,
            progress=progress,
        )
    except TrainingError as error:
        return str(error)
    return None


def _measure(job: Job, plan: Plan, device: str, watch: Watch | None, commit: str | None) -> None:
    """Measure the stages that are not measured yet."""
    for stage in job.stages:
        if read_measurement(job.path(stage), job.facts) is not None:
            continue
        test, detector = plan.material.tested(job.run.seen)
        began = time.monotonic()
        name = f"{job.name}, after {stage}"
        with nullcontext() if watch is None else watch(name) as on_progress:
            report = measure(
                job.folder / "stages" / stage,
                test,
                plan.material.protocol,
                detector=detector,
                device=device,
                on_progress=on_progress,
            )
        baseline = report[BASELINE]
        found = Measurement(
            run=job.run.name,
            seed=job.seed,
            stage=stage,
            facts=job.facts,
            figures=figures_of(report),
            subjects=tuple(baseline.by_subject),
            clips=report.clips,
            frames=baseline.frames,
            commit=commit,
            seconds=time.monotonic() - began,
        )
        write_measurement(found, job.path(stage))
