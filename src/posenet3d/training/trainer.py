"""The trainer: the only training loop of the library."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from posenet3d.data import TrainingSet, WindowSet, load_training_set
from posenet3d.errors import ConfigurationError, PoseNet3DError, TrainingError
from posenet3d.keypoints import KeypointSequence
from posenet3d.networks import PoseNet3D, evaluating, save_model
from posenet3d.plugins import GROUPS
from posenet3d.training.config import StageConfig, TrainerConfig
from posenet3d.training.interrupts import Interrupt, deferred_interrupts
from posenet3d.training.progress import Bars, ProgressDisplay, Silent
from posenet3d.training.report import Record, StageReport, TrainingReport
from posenet3d.training.run_folder import Place, RunFolder
from posenet3d.training.step import Means, Objective, StageRunner, only_training, step_seed

SCALE_WINDOWS = 4096
"""Windows on which the scale between teacher and body is measured."""

_FIGURES = (
    "discriminator_loss",
    "accuracy_real",
    "accuracy_fake",
    "discriminator_accuracy",
    "gradient_penalty",
    "mirror_evidence",
    "camera_pitch_degrees",
    "seconds",
)

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

    Raises:
        ConfigurationError: if the configuration has faults; all are listed.
        DataError: if the data cannot be used.
        RunFolderError: if the folder holds another run.
        StorageError: if a file cannot be read or written.
        UnknownNameError: if a preset, protocol or plug-in is unknown.

    Example:
        >>> from posenet3d.data import film, synthetic_motion
        >>> clips = film(synthetic_motion(clips=2, seconds=1.0), "cmu14")
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> config = TrainerConfig.preset("quick", batch_size=8)
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
        self._objectives = load_objectives(self.config.stages)
        data = load_training_set(train_data, protocol)
        self.windows = self._window_set(data)
        self.model = self._new_model()
        self.folder = RunFolder(run_dir) if run_dir is not None else None
        if self.folder is not None:
            source = {"sequences": len(data), "frames": data.frames, "sha256": data.fingerprint()}
            self.folder.begin(self.config, source, self.device)
        names = [stage.name for stage in self.config.stages]
        self._display: ProgressDisplay = Bars(names) if progress else Silent()
        self._reports: list[StageReport] = []
        self._mirror = {"turns": 0, "evidence": 0.0}

    def _window_set(self, data: TrainingSet) -> WindowSet:
        network = self.config.network
        return data.windows(
            network.frames,
            mode=network.normalization,
            distance=network.distance,
            device=self.device,
        )

    def _new_model(self) -> PoseNet3D:
        with torch.random.fork_rng(devices=_cuda_devices(self.device)):
            torch.manual_seed(self.config.seed)
            return PoseNet3D(self.config.network).to(self.device)

    def fit(self, on_record: Callable[[Record], None] | None = None) -> TrainingReport:
        """Train every stage, or what is left of them, and report.

        Args:
            on_record: called with each record of the metrics, such as a logger.

        Returns:
            Each stage's losses at its start and end, the camera pitch, the mirror guard's work.

        Raises:
            GameCollapsedError: if the discriminator is certain for too long; the state is saved.
            KeyboardInterrupt: after Ctrl-C; the state is saved.
            StorageError: if a file cannot be written; the last saved state stays whole.
            TrainingError: if a loss is no longer finite; the last saved state stays.
        """
        for record in self.records():
            if on_record is not None:
                on_record(record)
        return self.report()

    def records(self) -> Iterator[Record]:
        """Train, handing over each record of the metrics as it is made; ``fit`` consumes it."""
        columns = self._columns()
        stages, steps, state = self._resume(columns)
        with (
            torch.random.fork_rng(devices=_cuda_devices(self.device)),
            flushing_denormals(),
            deferred_interrupts() as interrupt,
            self._display,
        ):
            for index in range(stages, len(self.config.stages)):
                for record in self._run_stage(index, steps, state, interrupt):
                    if self.folder is not None:
                        self.folder.append_metrics(columns, record)
                    yield record
                steps, state = 0, None
        self.model.eval()

    def report(self) -> TrainingReport:
        """The report of the stages that are done."""
        pitch = self.model.views.pitch
        return TrainingReport(
            stages=tuple(self._reports),
            mirror_turns=int(self._mirror["turns"]),
            mirror_evidence=float(self._mirror["evidence"]),
            camera_pitch_degrees=None if pitch is None else math.degrees(float(pitch)),
            metres_per_unit=float(self.model.metres_per_unit),
            run_dir=None if self.folder is None else self.folder.path,
        )

    def _run_stage(
        self, index: int, done: int, state: dict[str, Any] | None, interrupt: Interrupt
    ) -> Iterator[Record]:
        stage = self.config.stages[index]
        steps = self._steps(stage)
        with only_training(self.model, stage):
            runner = StageRunner(self.model, self.config, stage, self._objectives[index], steps)
            first, seconds = None, 0.0
            if state is not None:
                runner.load_state_dict(state["runner"])
                first, seconds = state["first"], state["seconds"]
            elif stage.measure_scale:
                self._measure_scale(stage)
            means, began, last = Means(), time.monotonic() - seconds, first
            self._display.begin(stage.name, done, steps)
            for step in range(done, steps):
                means.add(self._step(runner, stage, step))
                self._display.advance(step + 1)
                if (step + 1) % self.config.log_every == 0 or step + 1 == steps:
                    record = self._record(runner, stage, step + 1, means, began)
                    first = first or dict(record.values)
                    last = dict(record.values)
                    self._display.show(record)
                    yield record
                    self._check_health(runner, record, index, step + 1, first, began)
                due = (step + 1) % self.config.checkpoint_every == 0
                if (due or interrupt.asked) and step + 1 < steps:
                    self._save(index, step + 1, runner, first, began)
                if interrupt.asked and step + 1 < steps:
                    raise KeyboardInterrupt
        report = StageReport(stage.name, steps, time.monotonic() - began, first or {}, last or {})
        self._finish_stage(index, report)
        if interrupt.asked and index + 1 < len(self.config.stages):
            raise KeyboardInterrupt

    def _step(self, runner: StageRunner, stage: StageConfig, step: int) -> dict[str, Any]:
        config = self.config
        size = stage.batch_size or config.batch_size
        batch = self.windows.sample(config.seed, stage.name, step, size)
        torch.manual_seed(step_seed(config.seed, stage.name, step))
        if config.input_noise:
            batch = batch + config.input_noise * torch.randn_like(batch)
        return dict(runner.step(batch, step))

    def _record(
        self, runner: StageRunner, stage: StageConfig, step: int, means: Means, began: float
    ) -> Record:
        values = means.read()
        if "accuracy_real" in values:
            accuracy = (values["accuracy_real"] + values["accuracy_fake"]) / 2
            values["discriminator_accuracy"] = accuracy
        if stage.mirror_guard:
            values["mirror_evidence"] = float(runner.guard.evidence)
            self._mirror = {"turns": runner.guard.turned, "evidence": values["mirror_evidence"]}
        pitch = self.model.views.pitch
        if pitch is not None and "views" in stage.train:
            values["camera_pitch_degrees"] = math.degrees(float(pitch))
        values["seconds"] = time.monotonic() - began
        return Record(stage.name, step, values)

    def _check_health(
        self,
        runner: StageRunner,
        record: Record,
        index: int,
        step: int,
        first: Mapping[str, float],
        began: float,
    ) -> None:
        """Stop a run that cannot get better, its last good state saved."""
        bad = sorted(name for name, value in record.values.items() if not math.isfinite(value))
        if bad:
            raise TrainingError(
                record.stage,
                step,
                f"expected finite losses, got NaN or infinity in {', '.join(bad)}; lower the "
                "learning rate, and go on from the last saved state.",
            )
        if runner.discriminator_optimizer is not None:
            try:
                runner.adversary.check(record.stage, step, self.config.log_every)
            except TrainingError:
                self._save(index, step, runner, first, began)
                raise

    def _measure_scale(self, stage: StageConfig) -> None:
        size = min(SCALE_WINDOWS, max(len(self.windows), 1))
        batch = self.windows.sample(self.config.seed, f"{stage.name}/scale", 0, size)
        with torch.no_grad(), evaluating(self.model):
            self.model.measure_scale(self.model.teacher_skeleton(batch[:, :-1]))

    def _steps(self, stage: StageConfig) -> int:
        if stage.steps is not None:
            return stage.steps
        size = stage.batch_size or self.config.batch_size
        return (stage.epochs or 1) * max(1, round(len(self.windows) / size))

    def _columns(self) -> list[str]:
        losses = dict.fromkeys(name for stage in self.config.stages for name in stage.losses)
        return ["stage", "step", *losses, *_FIGURES]

    def _resume(self, columns: list[str]) -> tuple[int, int, dict[str, Any] | None]:
        """How many stages are done, how many steps of the next one, and its state."""
        if self.folder is None:
            return 0, 0, None
        state = self.folder.load_state(self.device)
        place: Place = (0, 0) if state is None else (state["stage"], state["step"])
        self.folder.start_metrics(columns, [stage.name for stage in self.config.stages], place)
        if state is None:
            return 0, 0, None
        self.model.load_state_dict(state["model"])
        self._reports = [StageReport(**report) for report in state["reports"]]
        self._mirror = dict(state["mirror"])
        return (*place, state if state["runner"] is not None else None)

    def _save(
        self,
        index: int,
        step: int,
        runner: StageRunner | None,
        first: Mapping[str, float] | None = None,
        began: float = 0.0,
    ) -> None:
        if self.folder is None:
            return
        self.folder.save_state(
            {
                "stage": index,
                "step": step,
                "model": self.model.state_dict(),
                "runner": None if runner is None else runner.state_dict(),
                "first": None if first is None else dict(first),
                "seconds": 0.0 if runner is None else time.monotonic() - began,
                "reports": [asdict(report) for report in self._reports],
                "mirror": dict(self._mirror),
            }
        )

    def _finish_stage(self, index: int, report: StageReport) -> None:
        self._reports.append(report)
        if self.folder is None:
            return
        save_model(self.model, self.folder.stage(report.name))
        if index + 1 == len(self.config.stages):
            save_model(self.model, self.folder.path)
            self.folder.write_json("report.json", self.report().to_dict())
        self._save(index + 1, 0, None)


def load_objectives(stages: Iterable[StageConfig]) -> list[dict[str, Objective]]:
    """The losses of every stage, all of them looked up before the first step.

    Raises:
        ConfigurationError: if losses are unknown; every one is listed.
        PluginLoadError: if a plug-in cannot be imported.

    Example:
        >>> load_objectives([StageConfig(name="a", steps=1, train=("student",), losses={"x": 1})])
        Traceback (most recent call last):
        posenet3d.errors.ConfigurationError: The configuration has 1 fault:
          - stages.a.losses: Unknown loss 'x'. Known: ...
    """
    group, faults = GROUPS["losses"], []
    found: list[dict[str, Objective]] = []
    for stage in stages:
        objectives = {}
        for name in stage.losses:
            try:
                objectives[name] = group.load(name)
            except KeyError as error:
                faults.append(f"stages.{stage.name}.losses: {error}")
        found.append(objectives)
    if faults:
        raise ConfigurationError(faults)
    return found


def choose_device(name: str | torch.device) -> torch.device:
    """The device called ``name``; ``"auto"`` is CUDA where there is a device, else the CPU.

    Raises:
        PoseNet3DError: if there is no such device here.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PoseNet3DError(
            f"Expected a device of this machine ('auto', 'cpu' or 'cuda'), got {str(name)!r} "
            f"({str(error).splitlines()[0]}); choose another with --device."
        ) from error
    return device


class flushing_denormals:  # noqa: N801
    """A context in which the CPU rounds denormal numbers to zero, which is several times faster.

    Example:
        >>> with flushing_denormals():
        ...     float(torch.tensor(1e-40) * 1)
        0.0
    """

    def __enter__(self) -> None:
        torch.set_flush_denormal(True)

    def __exit__(self, *error: object) -> None:
        torch.set_flush_denormal(False)


def _cuda_devices(device: torch.device) -> list[int]:
    return [device.index or 0] if device.type == "cuda" else []
