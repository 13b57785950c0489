"""The trainer: the only training loop of the library."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from posenet3d.data import TrainingSet, load_training_set
from posenet3d.errors import ConfigurationError, GameCollapsedError, RunFolderError
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D, save_model
from posenet3d.plugins import GROUPS
from posenet3d.training.config import TrainerConfig
from posenet3d.training.device import choose_device, flushed_denormals, forked_random_state
from posenet3d.training.faults import plugin_faults
from posenet3d.training.interrupts import Interrupt, deferred_interrupts
from posenet3d.training.progress import Bars, ProgressDisplay, Silent
from posenet3d.training.report import Record, StageReport, TrainingReport
from posenet3d.training.run_folder import Memory, RunFolder
from posenet3d.training.stage import StageConfig
from posenet3d.training.stage_run import StageRun
from posenet3d.training.step import only_training, parameters_of

__all__ = ["TrainData", "Trainer", "choose_device"]

TrainData = str | Path | TrainingSet | Iterable[KeypointSequence] | Mapping[str, KeypointSequence]


class Trainer:
    """Trains PoseNet3D from 2D keypoint sequences alone, stage by stage (Sect. 3.5).

    A run is a function of its configuration and data. With a ``run_dir`` it can be interrupted
    (Ctrl-C) at any step and goes on when ``fit`` is called with the same folder, configuration
    and data; the result is the same as without the interruption.

    Args:
        config: the configuration, or a preset's name.
        train_data: 2D keypoints: a file, a :class:`~posenet3d.data.TrainingSet`, or sequences.
            3D motion only as a file together with a ``protocol``, whose cameras film it first.
        protocol: ``"cmu14"`` or ``"cmu14-wild"`` for a file of 3D motion.
        run_dir: the run folder; without one nothing is written.
        device: ``"auto"`` (CUDA where there is a device), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` ...
        progress: show bars on a terminal, lines elsewhere.

    Attributes:
        config: the configuration.
        device: the device.
        windows: what the steps draw from.
        model: the network, in eval mode outside of :meth:`fit`.
        folder: the run folder, or ``None``.

    Raises:
        ConfigurationError: if the configuration has faults; all are listed.
        DataError: if the data cannot be used.
        PluginLoadError: if a plug-in cannot be imported.
        RunFolderError: if the folder holds another run.
        StorageError: if a file cannot be read or written.
        UnknownNameError: if a preset or protocol is unknown.

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
        self.device = choose_device(device)
        if faults := list(plugin_faults(self.config.network.model_dump())):
            raise ConfigurationError(faults)
        losses = [stage.losses for stage in self.config.stages]
        self._objectives = [{name: GROUPS["losses"].load(name) for name in each} for each in losses]
        data = load_training_set(train_data, protocol)
        network = self.config.network
        length = data.mean_head_to_root() if network.normalization == "dataset" else None
        self.windows = data.windows(
            network.frames,
            mode=network.normalization,
            distance=network.distance,
            length=length,
            device=self.device,
        )
        self.model = self._new_model()
        self.model.input_length.fill_(length or 0.0)
        self.folder = RunFolder(run_dir) if run_dir is not None else None
        if self.folder is not None:
            source = {"sequences": len(data), "frames": data.frames, "sha256": data.fingerprint()}
            self.folder.begin(self.config, source, self.device)
        self._store: RunFolder | Memory = self.folder or Memory()
        names = [stage.name for stage in self.config.stages]
        self._display: ProgressDisplay = Bars(names) if progress else Silent()
        self._reports: list[StageReport] = []
        self._mirror_turns, self._mirror_evidence = 0, 0.0

    def _new_model(self) -> PoseNet3D:
        with forked_random_state(self.device):
            torch.manual_seed(self.config.seed)
            model = PoseNet3D(self.config.network).to(self.device).eval()
        check_something_learns(model, self.config.stages)
        return model

    def fit(self, on_record: Callable[[Record], None] | None = None) -> TrainingReport:
        """Train every stage, or what is left of them, and report.

        A run that is finished is reported at once. Whatever happens, torch's random generators,
        the signal handlers and the parameters' ``requires_grad`` are afterwards what they were.

        Args:
            on_record: called with each record of the metrics, such as a logger.

        Returns:
            Each stage's losses at its start and end, the camera pitch, the mirror guard's work.

        Raises:
            GameCollapsedError: if the discriminator is certain for too long; the state is saved.
            KeyboardInterrupt: after Ctrl-C; the state is saved.
            RunFolderError: if the saved state is damaged.
            StorageError: if a file cannot be written; the last saved state stays whole.
            TrainingError: if a loss is no longer finite; the last saved state stays.
        """
        with closing(self.records()) as records:
            for record in records:
                if on_record is not None:
                    on_record(record)
        return self.report()

    def records(self) -> Generator[Record, None, None]:
        """Train, handing over each record of the metrics as it is made; ``fit`` consumes it.

        Exhaust or close it: until then torch is set up for training.
        """
        with (
            forked_random_state(self.device),
            flushed_denormals(),
            deferred_interrupts() as interrupt,
        ):
            index, saved = self._take_up()
            metrics = None if self.folder is None else self.folder.metrics(self.config)
            if metrics is not None:
                metrics.start_at(index, 0 if saved is None else saved["done"])
            with self._display:
                for stage in range(index, len(self.config.stages)):
                    for record in self._run_stage(stage, saved, interrupt):
                        if metrics is not None:
                            metrics.append(record)
                        yield record
                    saved = None

    def report(self) -> TrainingReport:
        """The report of the stages that are done."""
        pitch = self.model.views.pitch
        return TrainingReport(
            stages=tuple(self._reports),
            mirror_turns=self._mirror_turns,
            mirror_evidence=self._mirror_evidence,
            camera_pitch_degrees=None if pitch is None else math.degrees(float(pitch)),
            metres_per_unit=float(self.model.metres_per_unit),
            run_dir=None if self.folder is None else self.folder.path,
        )

    def _run_stage(
        self, index: int, saved: Mapping[str, Any] | None, interrupt: Interrupt
    ) -> Iterator[Record]:
        """The loop: every step of one stage, or of what is left of it."""
        stage = self.config.stages[index]
        with only_training(self.model, stage):
            run = StageRun(self.model, self.config, stage, self._objectives[index], self.windows)
            run.begin() if saved is None else run.load_state_dict(saved)
            self._display.begin(stage.name, run.done, run.steps)
            while not run.finished:
                run.step()
                self._display.advance(run.done)
                if run.due_for_a_record:
                    record = run.record()
                    self._display.show(record)
                    yield record
                    self._check(index, run)
                due = run.done % self.config.checkpoint_every == 0
                if (due or interrupt.asked) and not run.finished:
                    self._save(index, run)
                    interrupt.raise_if_asked()
        self._finish_stage(index, run)
        if index + 1 < len(self.config.stages):
            interrupt.raise_if_asked()

    def _check(self, index: int, run: StageRun) -> None:
        """Stop a run that cannot get better, its last good state saved."""
        run.check_losses()
        try:
            run.check_game()
        except GameCollapsedError:
            self._save(index, run)
            raise

    def _finish_stage(self, index: int, run: StageRun) -> None:
        run.check_weights()
        self._reports.append(run.report())
        if run.stage.mirror_guard:
            self._mirror_turns += run.runner.guard.turned
            self._mirror_evidence = float(run.runner.guard.evidence)
        if self.folder is not None:
            save_model(self.model, self.folder.stage(run.stage.name))
            if index + 1 == len(self.config.stages):
                save_model(self.model, self.folder.path)
                self.folder.write_json("report.json", self.report().to_dict())
        self._save(index + 1)

    def _save(self, stages_done: int, run: StageRun | None = None) -> None:
        if run is not None:
            run.check_weights()
        self._store.save_state(
            {
                "stages_done": stages_done,
                "stage": None if run is None else run.state_dict(),
                "model": self.model.state_dict(),
                "reports": [asdict(report) for report in self._reports],
                "mirror": {"turns": self._mirror_turns, "evidence": self._mirror_evidence},
            }
        )

    def _take_up(self) -> tuple[int, Mapping[str, Any] | None]:
        """How many stages are done, and the state of the next one where it has begun."""
        state = self._store.load_state(self.device)
        if state is None:
            self._save(0)
            return 0, None
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise RunFolderError(
                self.folder.path if self.folder else "this trainer",
                f"expected the saved state of this network, got {error}; train in a new folder.",
            ) from error
        self._reports = [StageReport(**report) for report in state["reports"]]
        self._mirror_turns = state["mirror"]["turns"]
        self._mirror_evidence = state["mirror"]["evidence"]
        return state["stages_done"], state["stage"]


def check_something_learns(model: PoseNet3D, stages: Iterable[StageConfig]) -> None:
    """Make sure that every stage has parameters to train.

    Raises:
        ConfigurationError: if some have none; every one is listed.

    Example:
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> config = TrainerConfig.preset("quick", network={"backbone": small})
        >>> check_something_learns(PoseNet3D(config.network), config.stages)
    """
    faults = [
        f"stages.{stage.name}.{field}: {', '.join(parts)} of this network: nothing to learn there"
        for stage in stages
        for field, parts in (("train", stage.train), ("discriminators", stage.discriminators))
        if parts and not parameters_of(model, parts)
    ]
    if faults:
        raise ConfigurationError(faults)
