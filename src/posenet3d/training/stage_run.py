"""One stage on its way: its steps, its figures, and what it needs to go on after a stop."""

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from posenet3d.data import DetectorNoise, Spoiling, corrupt_windows, spoil_windows
from posenet3d.errors import NonFiniteError
from posenet3d.networks import PoseNet3D, evaluating
from posenet3d.nn import fill_windows
from posenet3d.skeletons.anatomy import middle_of_hips
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine import Engine
from posenet3d.training.means import Means
from posenet3d.training.objectives import Objective
from posenet3d.training.placement import WindowSource
from posenet3d.training.report import Record, StageReport, Values
from posenet3d.training.stage import StageConfig
from posenet3d.training.step import StageRunner, step_seed
from posenet3d.typing import Windows2D

SCALE_WINDOWS = 4096
"""Windows on which the scale between teacher and body is measured."""


class StageRun:
    """Takes a stage's steps one after another and keeps their figures.

    Args:
        model: the network.
        config: the run's configuration.
        stage: the stage.
        objectives: its losses by name.
        windows: what the steps draw from.
        engine: what the steps run on.

    Attributes:
        steps: how many steps the stage has.
        done: how many are done.
        saved_in: where states are saved, for the text of errors.
    """

    def __init__(
        self,
        model: PoseNet3D,
        config: TrainerConfig,
        stage: StageConfig,
        objectives: Mapping[str, Objective],
        windows: WindowSource,
        engine: Engine,
    ) -> None:
        self.model, self.config, self.stage, self.windows = model, config, stage, windows
        self.engine = engine
        self.batch_size = stage.batch_size or config.batch_size
        self.steps = steps_of(stage, len(windows), self.batch_size)
        self.done = 0
        self.saved_in = ""
        self.runner = StageRunner(
            model, config, stage, objectives, self.steps, engine, self._pass_batch
        )
        self._means = Means()
        self._first: Values = {}
        self._last: Values = {}
        self._logged = 0
        self._began = time.monotonic()

    def begin(self) -> None:
        """Do what the stage asks for before its first step."""
        if self.stage.measure_scale and self.stage.scale_from == "body":
            self.model.take_scale_of_body()
        elif self.stage.measure_scale:
            size = min(SCALE_WINDOWS, len(self.windows))
            batch = self.windows.sample(self.config.seed, f"{self.stage.name}/scale", 0, size)
            windows = batch[:, :-1].to(self.engine.dtype)
            with torch.no_grad(), evaluating(self.model):
                self.model.measure_scale(self.model.teacher_skeleton(windows))
        self.engine.share_buffers(self.model)
        self.runner.health.begin()

    def step(self) -> None:
        """Take the next step; its randomness depends on seed, stage and step alone."""
        batch, exact, seed = self._draw(self.done)
        self._means.add(self.runner.step(batch, self.done, seed, exact))
        self.done += 1
        self.runner.health.stop_if_mirrored()
        if self.runner.health.is_due(self.done):
            self.runner.health.read(self.done, self.saved_in)

    def _draw(self, step: int) -> tuple[Windows2D, Windows2D | None, int]:
        """A step's windows, the same before they were spoilt, and the seed that torch now has."""
        config, name, share = self.config, self.stage.name, self.engine.share
        seed = step_seed(config.seed, name, step)
        batch = self.windows.sample(
            config.seed, name, step, self.batch_size, rank=share.rank, world_size=share.count
        ).to(self.engine.dtype)
        if config.detector_noise is not None:
            batch = self._detected(batch, config.detector_noise, step)
        exact = None
        if self.stage.spoilt is not None:
            exact, batch = batch, self._spoilt(batch, self.stage.spoilt, step)
        torch.manual_seed(seed)
        if config.input_noise:
            batch = batch + config.input_noise * self._noise(batch)
        return batch, exact, seed

    def _pass_batch(self, number: int) -> None:
        """Pass one of the next steps' batches forward, as averaged weights ask for."""
        batch, exact, seed = self._draw(self.done + number)
        self.runner.pass_forward(batch, seed, exact)

    def _detected(self, batch: Windows2D, detector: DetectorNoise, step: int) -> Windows2D:
        """The windows as a detector gives them, centred on the hips that it gives."""
        share = self.engine.share
        seen = corrupt_windows(
            batch,
            detector,
            self.config.seed,
            self.stage.name,
            step,
            rank=share.rank,
            world_size=share.count,
        ).points
        return seen - middle_of_hips(fill_windows(seen))

    def _spoilt(self, batch: Windows2D, spoiling: Spoiling, step: int) -> Windows2D:
        """The windows as the stage spoils them."""
        share = self.engine.share
        return spoil_windows(
            batch,
            spoiling,
            self.config.seed,
            self.stage.name,
            step,
            rank=share.rank,
            world_size=share.count,
        )

    def _noise(self, like: Windows2D) -> Windows2D:
        """Noise for the windows of all processes; this one's rows."""
        whole = (len(like) * self.engine.share.count, *like.shape[1:])
        drawn = torch.randn(whole, dtype=like.dtype, device=like.device)
        return self.engine.share.rows(drawn)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.done == self.steps

    @property
    def due_for_a_record(self) -> bool:
        """Whether figures should be told after this step."""
        return self.finished or self.done % self.config.log_every == 0

    def record(self) -> Record:
        """The figures since the last record."""
        values = self._means.read()
        if "accuracy_real" in values:
            accuracy = (values["accuracy_real"] + values["accuracy_fake"]) / 2
            values["discriminator_accuracy"] = accuracy
        if self.stage.mirror_guard:
            values["mirror_evidence"] = float(self.runner.guard.evidence)
        pitch = self.model.views.pitch
        if pitch is not None and "views" in self.stage.train:
            values["camera_pitch_degrees"] = math.degrees(float(pitch))
            values |= _spreads(self.model.views)
        values |= self.runner.health.figures()
        values["seconds"] = time.monotonic() - self._began
        self._last = values
        self._first = self._first or values
        return Record(self.stage.name, self.done, dict(values))

    def as_scored(self) -> AbstractContextManager[None]:
        """A block in which the network is what validation looks at: averages, where there are."""
        averaging = self.runner.averaging
        return nullcontext() if averaging is None else averaging.applied()

    @property
    def ends_as_scored(self) -> bool:
        """Whether the stage leaves the network behind that validation looks at."""
        averaging = self.runner.averaging
        return averaging is None or averaging.config.adopt or not averaging.taken

    def check_game(self) -> None:
        """Stop when the discriminator has been certain for too long; call after a record.

        Raises:
            GameCollapsedError: if it has.
        """
        since, self._logged = self.done - self._logged, self.done
        name, adversary = self.stage.name, self.runner.adversary
        self.runner.health.game(lambda: adversary.check(name, self.done, since))

    def check_state(self) -> None:
        """Stop when the state is bad; call before it is saved.

        Raises:
            FrozenPartMovedError: if a part moved that should not.
            NonFiniteError: if losses, gradients or weights are not finite.
        """
        self.runner.health.read(self.done, self.saved_in)
        for name, value in self.model.state_dict().items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise NonFiniteError(
                    self.stage.name,
                    self.done,
                    f"expected finite weights, got NaN or infinity in {name}; the last saved state "
                    "was kept. Lower the learning rate and train in a new run folder.",
                )

    def finish(self) -> StageReport:
        """Take the averaged weights, where they are to be the stage's; how the stage went."""
        self.check_state()
        if self.runner.averaging is not None:
            self.runner.averaging.adopt()
        self.engine.share_buffers(self.model)
        seconds = time.monotonic() - self._began
        counts = self.runner.health.counts()
        return StageReport(self.stage.name, self.steps, seconds, self._first, self._last, counts)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {
            "done": self.done,
            "logged": self._logged,
            "first": dict(self._first),
            "last": dict(self._last),
            "seconds": time.monotonic() - self._began,
            "means": self._means.state_dict(),
            "runner": self.runner.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state.

        Raises:
            GameCollapsedError: if the game had collapsed when it was saved.
        """
        self.done, self._logged = state["done"], state["logged"]
        self._first, self._last = dict(state["first"]), dict(state["last"])
        self._began = time.monotonic() - state["seconds"]
        self._means.load_state_dict(state["means"], self.engine.device)
        self.runner.load_state_dict(state["runner"])
        self.runner.health.begin()
        name, adversary = self.stage.name, self.runner.adversary
        self.runner.health.game(lambda: adversary.check_saved(name, self.done))
        self.runner.health.stop_if_mirrored()


def _spreads(views: object) -> dict[str, float]:
    """The standard deviations of pitch and roll, of a view sampler that has them."""
    spreads = getattr(views, "spreads", None)
    if spreads is None:
        return {}
    names = ("camera_pitch_spread_degrees", "camera_roll_spread_degrees")
    return dict(zip(names, torch.rad2deg(spreads).tolist(), strict=True))


def steps_of(stage: StageConfig, windows: int, batch_size: int) -> int:
    """A stage's optimiser steps: as told, or so many batches as hold all windows an epoch.

    Example:
        >>> losses = {"knowledge_distillation": 1.0}
        >>> stage = StageConfig(name="sja", epochs=2, train=("student",), losses=losses)
        >>> steps_of(stage, windows=100, batch_size=10)
        20
    """
    if stage.steps is not None:
        return stage.steps
    return (stage.epochs or 1) * max(1, round(windows / batch_size))
