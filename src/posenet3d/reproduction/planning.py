"""What a table takes: its runs, with configurations, folders and lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posenet3d.errors import ConfigurationError
from posenet3d.reproduction.configurations import configuration
from posenet3d.reproduction.material import Material
from posenet3d.reproduction.records import Measurement, path_of, read_measurement
from posenet3d.reproduction.runs import RUNS, Run
from posenet3d.reproduction.tables import PaperTable, find_table
from posenet3d.training import TrainerConfig

_NO_IDENTITY = {"checkpoints", "engine", "loggers"}


@dataclass(frozen=True, eq=False)
class Job:
    """One run with one seed.

    Attributes:
        run: the run.
        seed: its seed.
        config: its configuration.
        folder: its run folder.
        stages: the stages after which the table measures it.
        windows: how many windows its steps see; about, where it is told in epochs.
        teacher: the network that it starts from, or ``None``.
        facts: what its figures depend on, as plain values.
    """

    run: Run
    seed: int
    config: TrainerConfig
    folder: Path
    stages: tuple[str, ...]
    windows: int
    teacher: Path | None
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The run's name and seed, for messages."""
        return f"{self.run.name}, seed {self.seed}"

    def path(self, stage: str) -> Path:
        """The file of what is measured after a stage."""
        return path_of(self.folder, stage, self.facts["data"])

    def measured(self, stage: str) -> Measurement | None:
        """What was measured after a stage, if it was.

        Raises:
            RunFolderError: it was measured with another configuration or other data.
        """
        return read_measurement(self.path(stage), self.facts)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        trained = (self.folder / "report.json").exists()
        return trained and all(self.measured(stage) is not None for stage in self.stages)

    @property
    def lengths(self) -> str:
        """Stages, their lengths and their batches: ``"teacher 3500 × 256, …"``."""
        told = []
        for stage in self.config.stages:
            length = stage.steps if stage.steps is not None else f"{stage.epochs} epochs"
            told.append(f"{stage.name} {length} × {stage.batch_size or self.config.batch_size}")
        return ", ".join(told)


@dataclass(frozen=True, eq=False)
class Plan:
    """All runs of a table.

    Attributes:
        table: the table.
        material: what it is made from.
        preset: the base preset.
        budget: factor on every stage's length.
        seeds: the seeds.
        out: the folder of runs and results; tables of one folder share their runs.
        jobs: the runs with their seeds, the ones that others start from first.
        changes: what the configurations differ in from the preset, as it was told.
    """

    table: PaperTable
    material: Material
    preset: str
    budget: float
    seeds: tuple[int, ...]
    out: Path
    jobs: tuple[Job, ...]
    changes: tuple[str, ...] = field(default=())

    @property
    def left(self) -> tuple[Job, ...]:
        """The jobs that are not done."""
        return tuple(job for job in self.jobs if not job.done)


def plan_table(
    table: PaperTable | str,
    material: Material,
    out: str | Path,
    *,
    preset: str = "quick",
    budget: float | int = 1.0,
    seeds: Sequence[int] = (0, 1, 2),
    changes: Sequence[str] = (),
) -> Plan:
    """What a table takes; nothing is trained or written.

    Args:
        table: the table or its name.
        material: what it is made from, see `open_material`.
        out: the folder of runs and results.
        preset: the preset whose widths, batches, optimisers and lengths all runs share.
        budget: factor on every stage's steps or epochs.
        seeds: every run is trained once with each.
        changes: further fields, ``"[RUN:]KEY=VALUE"``: of one run, or of all.

    Returns:
        The plan.

    Raises:
        ConfigurationError: a change or the budget does not fit, or a seed comes twice.
        DataError: the material lacks 2D that a run needs.
        UnknownNameError: no such table or preset.

    Example:
        >>> import tempfile
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> people = synthetic_motion(clips=2, seconds=0.5)
        >>> train, test = {"exact": people[:1]}, {"exact": people[1:]}
        >>> material = Material(train, test, "cmu14", rig="cmu14", noise="gentle")
        >>> plan = plan_table("table2", material, tempfile.mkdtemp(), seeds=[0, 1], budget=0.1)
        >>> [(job.name, job.stages, job.done) for job in plan.jobs]
        [('posenet3d, seed 0', ('sja', 'joint'), False), ('posenet3d, seed 1', ('sja', 'joint'), \
False)]
    """
    wanted = find_table(table) if isinstance(table, str) else table
    if not seeds or len(set(seeds)) < len(seeds):
        raise ConfigurationError([f"seeds: expected one or more, each once, got {list(seeds)}"])
    folder = Path(out)
    told = parse_changes(changes)
    jobs = tuple(
        _job(run, seed, wanted, material, folder, (preset, float(budget), told))
        for seed in seeds
        for run in wanted.runs
    )
    return Plan(wanted, material, preset, float(budget), tuple(seeds), folder, jobs, tuple(changes))


def parse_changes(changes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Changed fields by run; those of all runs under the empty name.

    Args:
        changes: ``"[RUN:]KEY=VALUE"``.

    Returns:
        Run to dotted path to value.

    Raises:
        ConfigurationError: a change is written otherwise, or names an unknown run; lists all.

    Example:
        >>> parse_changes(["batch_size=64", "chen2019:log_every=5"])
        {'': {'batch_size': '64'}, 'chen2019': {'log_every': '5'}}
    """
    known = {run.name for run in RUNS}
    found: dict[str, dict[str, str]] = {}
    faults = []
    for change in changes:
        where, equals, value = change.partition("=")
        run, colon, key = where.rpartition(":")
        if not (key and equals):
            faults.append(f"{change}: expected [RUN:]KEY=VALUE, such as batch_size=128")
        elif colon and run not in known:
            faults.append(f"{change}: no run {run!r}; known: {', '.join(sorted(known))}")
        else:
            found.setdefault(run, {})[key] = value
    if faults:
        raise ConfigurationError(faults)
    return found


def _job(
    run: Run,
    seed: int,
    table: PaperTable,
    material: Material,
    out: Path,
    told: tuple[str, float, Mapping[str, Mapping[str, str]]],
) -> Job:
    preset, budget, changes = told
    own = {**changes.get("", {}), **changes.get(run.name, {})}
    config = configuration(run, preset, seed, budget, own)
    data = material.facts(run.seen)
    facts = {"config": config.model_dump(mode="json", exclude=_NO_IDENTITY), "data": data}
    teacher = None
    if run.teacher_of is not None:
        teacher = run_folder(out, run.teacher_of, seed) / "stages" / "teacher"
    return Job(
        run=run,
        seed=seed,
        config=config,
        folder=run_folder(out, run.name, seed),
        stages=table.stages(run.name),
        windows=_windows(config, material, run.seen),
        teacher=teacher,
        facts=facts,
    )


def run_folder(out: Path, run: str, seed: int) -> Path:
    """The folder of a run under the folder of results.

    Example:
        >>> run_folder(Path("tables"), "chen2019", 1).as_posix()
        'tables/runs/chen2019-1'
    """
    return out / "runs" / f"{run}-{seed}"


def _windows(config: TrainerConfig, material: Material, seen: str) -> int:
    """Windows that a run's steps see; an epoch's are about as many as there are frames."""
    steps = sum(
        stage.steps * (stage.batch_size or config.batch_size)
        for stage in config.stages
        if stage.steps is not None
    )
    epochs = sum(stage.epochs or 0 for stage in config.stages)
    return steps + (epochs * material.training_frames(seen) if epochs else 0)
