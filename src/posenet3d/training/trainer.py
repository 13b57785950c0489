"""The trainer: the only training loop of the library."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from posenet3d.data import ShardedSet, TrainingSet, load_training_set
from posenet3d.errors import (
    ConfigurationError,
    GameCollapsedError,
    MirroredError,
    RunFolderError,
)
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import (
    PoseNet3D,
    check_parts,
    pretrained_folder,
    save_model,
    start_from,
)
from posenet3d.networks.model_files import StoredModel
from posenet3d.networks.weights import describe_model
from posenet3d.plugins import GROUPS
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine import Engine
from posenet3d.training.engine.device import choose_device, forked_random_state
from posenet3d.training.engine.forks import run_in_forks
from posenet3d.training.faults import plugin_faults
from posenet3d.training.interrupts import Interrupt, deferred_interrupts
from posenet3d.training.placement import TrainingData, describe_windows
from posenet3d.training.preflight import (
    Resume,
    check_losses,
    check_scale_is_known,
    check_something_learns,
    check_student_follows,
)
from posenet3d.training.progress import Bars, ProgressDisplay, Silent
from posenet3d.training.report import Record, StageReport, TrainingReport
from posenet3d.training.run_folder import Memory, RunFolder
from posenet3d.training.stage_run import StageRun, steps_of
from posenet3d.training.step import only_training
from posenet3d.training.watchers import Watchers

__all__ = ["Resume", "TrainData", "Trainer", "choose_device"]

TrainData = (
    str
    | Path
    | TrainingSet
    | ShardedSet
    | Iterable[KeypointSequence]
    | Mapping[str, KeypointSequence]
)


class Trainer:
    """Trains PoseNet3D from 2D keypoint sequences alone, stage by stage (Sect. 3.5).

    A run is a function of its configuration and data. With a ``run_dir`` it can be interrupted
    (Ctrl-C) at any step and goes on when ``fit`` is called with the same folder, configuration
    and data; the result is the same as without the interruption.

    Args:
        config: the configuration, or a preset's name.
        train_data: 2D keypoints: a file, a :class:`~posenet3d.data.TrainingSet`, or sequences;
            or a folder of shards. 3D motion only as a file together with a ``protocol``, whose
            cameras film it first.
        protocol: ``"cmu14"`` or ``"cmu14-wild"`` for a file of 3D motion.
        run_dir: the run folder; without one nothing is written.
        device: one device instead of what ``config.engine`` says: ``"cpu"``, ``"cuda"``,
            ``"cuda:1"`` ...; ``"auto"`` leaves it to the configuration.
        progress: show bars on a terminal, lines elsewhere.

    Attributes:
        config: the configuration.
        engine: devices and processes.
        windows: what the steps draw from.
        model: the network, in eval mode outside of :meth:`fit`.
        folder: the run folder; ``None`` without one, and in all processes but the first.

    Raises:
        BodyFamilyError: if the weights to start from were trained with another kind of body.
        ConfigurationError: if the configuration has faults, or the network does not fit the weights
            to start from; all are listed.
        DataError: if the data, or the weights to start from, cannot be used.
        MissingExtraError: if a logger's package is not installed.
        PluginLoadError: if a plug-in cannot be imported.
        RunFolderError: if the folder holds another run.
        StorageError: if a file cannot be read or written.
        UnknownNameError: if a preset, a protocol or the weights to start from are unknown.

    Example:
        >>> from posenet3d.data import film
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> clips = film(synthetic_motion(clips=2, seconds=1.0), "cmu14")
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> config = TrainerConfig.preset(
        ...     "quick", batch_size=8, network={"backbone": small, "discriminator": small}
        ... )
        >>> config = config.override({f"stages.{stage.name}.steps": 2 for stage in config.stages})
        >>> report = Trainer(config, train_data=clips, progress=False).fit()
        >>> [stage.name for stage in report.stages]
        ['teacher', 'distillation', 'sja', 'joint']
    """

    def __init__(
        self,
        config: TrainerConfig | str = "quick",
        *,
        train_data: TrainData,
        protocol: str | None = None,
        run_dir: str | Path | None = None,
        device: str | torch.device = "auto",
        progress: bool = True,
    ) -> None:
        self.config = TrainerConfig.preset(config) if isinstance(config, str) else config
        self.engine = Engine(self.config.engine, device)
        if faults := list(plugin_faults(self.config.network.model_dump())):
            raise ConfigurationError(faults)
        losses = [stage.losses for stage in self.config.stages]
        self._objectives = [{name: GROUPS["losses"].load(name) for name in each} for each in losses]
        loaded = load_training_set(train_data, protocol)
        self._data = TrainingData(loaded, self.config, self.engine)
        self.windows = self._data.windows
        self.model = self._new_model()
        self._run_dir = None if run_dir is None else Path(run_dir)
        first = self.engine.is_first
        self.folder = RunFolder(run_dir) if run_dir is not None and first else None
        if self.folder is not None:
            source = self._data.source
            self.folder.begin(self.config, source, self.engine.device, self._start_digest())
        self._store: RunFolder | Memory = self.folder or Memory()
        names = [stage.name for stage in self.config.stages]
        self._display: ProgressDisplay = Bars(names) if progress and first else Silent()
        self._watchers = Watchers(self.config, self.folder, self._steps())
        self._reports: list[StageReport] = []
        self._mirror_turns, self._mirror_evidence = 0, 0.0

    @property
    def device(self) -> torch.device:
        """The device that this process trains on."""
        return self.engine.device

    def _new_model(self) -> PoseNet3D:
        with forked_random_state(torch.device("cpu")):
            torch.manual_seed(self.config.seed)
            model = PoseNet3D(self.config.network).eval()
        if self.config.start_from is not None:
            start_from(model, self.config.start_from)
        model.input_length.fill_(self._data.length or 0.0)
        model.fps = self._data.fps
        check_parts(model)
        check_something_learns(model, self.config.stages)
        check_scale_is_known(model, self.config.stages)
        check_student_follows(model, self.config.stages)
        check_losses(model, self.config, self._objectives)
        return model

    def _start_digest(self) -> str | None:
        """SHA-256 of the weights that the run starts from."""
        start = self.config.start_from
        return None if start is None else StoredModel.read(pretrained_folder(start)).digest()

    def _steps(self) -> dict[str, int]:
        """How many steps each stage has; its batches divide among the processes."""
        steps = {}
        for stage in self.config.stages:
            size = stage.batch_size or self.config.batch_size
            self.engine.check_batch(f"stages.{stage.name}.batch_size", size)
            steps[stage.name] = steps_of(stage, len(self.windows), size)
        return steps

    def fit(
        self, on_record: Callable[[Record], None] | None = None, *, resume: Resume = "auto"
    ) -> TrainingReport:
        """Train every stage, or what is left of them, and report.

        A run that is finished is reported at once. Whatever happens, torch's random generators,
        the signal handlers and the parameters' ``requires_grad`` are afterwards what they were.

        Args:
            on_record: called with each record of the metrics, such as a logger; with several
                processes in the first one.
            resume: ``"auto"`` goes on where the run was stopped, or begins; ``"must"`` and
                ``"never"`` make sure that there is, or is not, something to go on from.

        Returns:
            Each stage's losses at its start and end, the camera pitch, the mirror guard's work.

        Raises:
            GameCollapsedError: if the discriminator is certain for too long; the state is saved.
            KeyboardInterrupt: after Ctrl-C; the state is saved.
            PoseNet3DError: if one of several forked processes was killed; the last saved state
                stays.
            RunFolderError: if the saved state is damaged, or not what ``resume`` expects.
            StorageError: if a file cannot be written; the last saved state stays whole.
            TrainingError: if a loss is no longer finite; the last saved state stays.
        """
        if self.engine.forks:
            run_in_forks(self.engine, lambda: self._consume(on_record, resume), self._store)
            self.model.to(self.engine.dtype)
            self._take_up("must")
        else:
            self._consume(on_record, resume)
        return self.report()

    def _consume(self, on_record: Callable[[Record], None] | None, resume: Resume) -> None:
        with closing(self.records(resume=resume)) as records:
            for record in records:
                if on_record is not None and self.engine.is_first:
                    on_record(record)

    def records(self, *, resume: Resume = "auto") -> Generator[Record, None, None]:
        """Train, handing over each record of the metrics as it is made; ``fit`` consumes it.

        Exhaust or close it: until then torch is set up for training.

        Args:
            resume: as for :meth:`fit`.
        """
        self.engine.start()
        with ExitStack() as stack:
            stack.enter_context(self.engine.training())
            if self.folder is not None and self.engine.is_first:
                stack.enter_context(self.folder.locked())
            interrupt = stack.enter_context(deferred_interrupts(several=self.engine.several))
            self.windows = stack.enter_context(self._data.placed(self.engine))
            self.model.to(self.engine.device, self.engine.dtype)
            index, saved = self._take_up(resume)
            done = 0 if saved is None else saved["done"]
            watchers = stack.enter_context(
                self._watchers.open(self.model, self._data.held_out, self.engine, index, done)
            )
            display = stack.enter_context(self._display if self.engine.is_first else Silent())
            display.tell(self._surroundings())
            for stage in range(index, len(self.config.stages)):
                for record in self._run_stage(stage, saved, interrupt, display):
                    watchers.log(record)
                    yield record
                saved = None

    def _surroundings(self) -> str:
        """Where the 2D set lies, which is noted in the run folder with the processes."""
        data = describe_windows(self.windows)
        if self.folder is not None and self.engine.is_first:
            known = self.folder.read_json("environment.json")
            noted = {"engine": self.engine.describe(), "data": data}
            self.folder.write_json("environment.json", {**known, **noted})
        return data

    def report(self) -> TrainingReport:
        """The report of the stages that are done."""
        pitch = self.model.views.pitch
        return TrainingReport(
            stages=tuple(self._reports),
            mirror_turns=self._mirror_turns,
            mirror_evidence=self._mirror_evidence,
            camera_pitch_degrees=None if pitch is None else math.degrees(float(pitch)),
            metres_per_unit=float(self.model.metres_per_unit),
            run_dir=self._run_dir,
        )

    def _run_stage(
        self,
        index: int,
        saved: Mapping[str, Any] | None,
        interrupt: Interrupt,
        display: ProgressDisplay,
    ) -> Iterator[Record]:
        """The loop: every step of one stage, or of what is left of it."""
        stage, engine = self.config.stages[index], self.engine
        with only_training(self.model, stage), engine.synced_batch_norm(self.model):
            run = StageRun(
                self.model, self.config, stage, self._objectives[index], self.windows, engine
            )
            run.saved_in = "" if self._run_dir is None else str(self._run_dir)
            run.begin() if saved is None else run.load_state_dict(saved)
            display.begin(stage.name, run.done, run.steps)
            asked, score = False, None
            while not run.finished:
                self._step(index, run)
                display.advance(run.done)
                if run.due_for_a_record:
                    record = run.record()
                    display.show(record)
                    yield record
                    self._check_game(index, run)
                score = None
                if self.config.validation.is_due(run.done, run.steps):
                    score, record = self._watchers.validate(run)
                    yield record
                asked = engine.any(interrupt.asked)
                due = run.done % self.config.checkpoints.every == 0
                if (due or asked) and not run.finished:
                    self._save(index, run, score)
                    interrupt.raise_if(asked)
            self._finish_stage(index, run, score)
        if index + 1 < len(self.config.stages):
            interrupt.raise_if(asked)

    def _step(self, index: int, run: StageRun) -> None:
        try:
            run.step()
        except MirroredError:
            self._save(index, run)
            raise

    def _check_game(self, index: int, run: StageRun) -> None:
        """Stop a run that cannot get better, its last good state saved."""
        try:
            run.check_game()
        except GameCollapsedError:
            self._save(index, run)
            raise

    def _finish_stage(self, index: int, run: StageRun, score: float | None) -> None:
        self._reports.append(run.finish())
        if run.stage.mirror_guard:
            self._mirror_turns += run.runner.guard.turned
            self._mirror_evidence = float(run.runner.guard.evidence)
        self.engine.from_first(lambda: self._write_models(index, run.stage.name))
        self._save(index + 1, None, score if run.ends_as_scored else None)

    def _write_models(self, index: int, stage: str) -> None:
        if self.folder is not None:
            save_model(self.model, self.folder.stage(stage))
            if index + 1 == len(self.config.stages):
                save_model(self.model, self.folder.path)
                self.folder.write_json("report.json", self.report().to_dict())

    def _save(
        self, stages_done: int, run: StageRun | None = None, score: float | None = None
    ) -> None:
        """Save; while a stage runs, what it will be judged by is saved as the network."""
        if run is not None:
            run.check_state()
        stage = None if run is None else run.state_dict()
        with nullcontext() if run is None else run.as_scored():
            state = {
                "stages_done": stages_done,
                "stage": stage,
                "model": self.model.state_dict(),
                "description": describe_model(self.model),
                "reports": [asdict(report) for report in self._reports],
                "mirror": {"turns": self._mirror_turns, "evidence": self._mirror_evidence},
            }
            self.engine.from_first(lambda: self._store.save_state(state, score))

    def _take_up(self, resume: Resume) -> tuple[int, Mapping[str, Any] | None]:
        """How many stages are done, and the state of the next one where it has begun."""
        state = self.engine.from_first(lambda: self._store.load_state(torch.device("cpu")))
        where = self._run_dir or "this trainer"
        if state is None and resume == "must":
            raise RunFolderError(where, "expected a saved state to go on from, got none.")
        if state is not None and resume == "never":
            raise RunFolderError(
                where, "expected no saved state, got one; choose another run folder, or go on."
            )
        if state is None:
            self._save(0)
            return 0, None
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise RunFolderError(
                where, f"expected the saved state of this network, got {error}; train in a new one."
            ) from error
        self._reports = [StageReport(**report) for report in state["reports"]]
        self._mirror_turns = state["mirror"]["turns"]
        self._mirror_evidence = state["mirror"]["evidence"]
        return state["stages_done"], state["stage"]
