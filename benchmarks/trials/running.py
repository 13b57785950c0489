"""Runs one trial on training subjects, looks at the held-out ones, and gives the record."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from trials.catalogue import Trial, configuration, digest, with_flow
from trials.looks import HEAD, HeldOut
from trials.records import Record

FLOW_POSES = 512
"""Poses a step of a flow's training."""
FIGURES = ("p_mpjpe", "n_mpjpe", "mpjve", "mblstd")
Told = Callable[[str], None]


@dataclass
class Subjects:
    """Training clips without the held-out subjects, those subjects, and what is made of them."""

    rest: Sequence[Any]
    held: Sequence[Any]
    _films: dict[tuple[bool, bool], Any] = field(default_factory=dict)
    _looks: dict[int, HeldOut] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, held_out: Sequence[str]) -> "Subjects":
        """The clips of a file of 3D motion."""
        from posenet3d.data import load_motion

        clips = load_motion(path)
        held = [clip for clip in clips if clip.subject in held_out]
        return cls([clip for clip in clips if clip.subject not in held_out], held)

    def film(self, *, everybody: bool, mirrored: bool) -> Any:
        """What the training cameras see of the training clips or of all, in a mirror as well."""
        from posenet3d.data import film

        key = everybody, mirrored
        if key not in self._films:
            clips = [*self.rest, *self.held] if everybody else self.rest
            seen = film(clips, "cmu14")
            self._films[key] = with_mirror_images(seen) if mirrored else seen
        return self._films[key]

    def looks(self, frames: int) -> HeldOut:
        """The held-out windows of so many frames."""
        if frames not in self._looks:
            self._looks[frames] = HeldOut(self.held, frames)
        return self._looks[frames]


def with_mirror_images(film: Any) -> Any:
    """A set of sequences and their mirror images, the principal point's column being the mirror."""
    from posenet3d.data import TrainingSet
    from posenet3d.keypoints import KeypointSequence
    from posenet3d.skeletons import LSP_14

    sequences = dict(film.sequences)
    for name, seen in film.sequences.items():
        sequences[f"{name}/mirrored"] = KeypointSequence(
            LSP_14.mirrored(seen.points), layout=LSP_14.name, fps=seen.fps, unit=seen.unit
        )
    return TrainingSet(sequences)


def told_of(trial: Trial, arguments: Any, seed: int) -> Record:
    """What a record begins with, and what tells it from others."""
    from posenet3d.evaluation.provenance import source_commit

    config = configuration(trial, seed=seed, steps=arguments.steps)
    return {
        "trial": trial.name,
        "seed": seed,
        "steps": arguments.steps,
        "commit": source_commit() or "unknown",
        "held_out": sorted(arguments.hold_out),
        "digest": digest(trial, config),
    }


def run(trial: Trial, subjects: Subjects, arguments: Any, seed: int, told: Told) -> Record:
    """One trial's figures; `told` gets a line now and then."""
    torch.set_num_threads(1)
    config = configuration(trial, seed=seed, steps=arguments.steps)
    look = subjects.looks(config.network.frames)
    watch = Watch(look, arguments.every, told)
    run_it = supervised if trial.kind == "supervised" else teacher
    model, found = run_it(trial, config, subjects, arguments, watch)
    return {**found, **judged(model, subjects, config), **look.where(model.lift)} | {
        "curve": watch.curve,
        "cpu_seconds": watch.seconds,
    }


class Watch:
    """Keeps a training's curve, and the CPU time that the training itself takes.

    A context manager: the block is the training.

    Args:
        look: the held-out windows.
        every: steps between looks.
        told: gets a line a look.

    Attributes:
        seconds: of CPU, without looks; known after the block.
    """

    def __init__(self, look: HeldOut, every: int, told: Told) -> None:
        self.look, self.every, self.told = look, every, told
        self.curve: list[dict[str, float]] = []
        self.seconds = 0.0

    def __enter__(self) -> "Watch":
        self.seconds -= time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += time.process_time()

    def see(self, step: int, last: int, lift: Any, **figures: float | None) -> None:
        """Take a point of the curve where one is due."""
        if step % self.every and step != last:
            return
        began = time.process_time()
        point = {"step": step, "p_mpjpe": self.look.p_mpjpe(lift)}
        point |= {name: value for name, value in figures.items() if value is not None}
        self.curve.append(point)
        self.seconds -= time.process_time() - began
        self.told("  ".join(f"{name} {value:.4g}" for name, value in point.items()))


def teacher(
    trial: Trial, config: Any, subjects: Subjects, arguments: Any, watch: Watch
) -> tuple[Any, Record]:
    """Train the first stage by the library's trainer."""
    from trials.reprojections import looked_at

    from posenet3d.data import film
    from posenet3d.errors import TrainingError
    from posenet3d.training import Trainer

    data = subjects.film(everybody=trial.sees_all, mirrored=trial.mirrored)
    if trial.flow:
        path = flow_file(data, config, arguments, watch.told)
        config = with_flow(config, str(path))
    trainer = Trainer(config, train_data=data, progress=False)
    steps, failed, values = config.stages[0].steps, None, {}
    try:
        with watch:
            for record in trainer.records():
                values = record.values
                watch.see(
                    record.step,
                    steps,
                    trainer.model.lift,
                    accuracy=values.get("discriminator_accuracy"),
                    pitch=values.get("camera_pitch_degrees"),
                )
    except TrainingError as error:
        failed = str(error)
        watch.told(failed)
    report = trainer.report()
    found = {
        "pitch": report.camera_pitch_degrees,
        "accuracy": values.get("discriminator_accuracy"),
        "turns": report.mirror_turns,
        "failed": failed,
        "losses": {name: values[name] for name in config.stages[0].losses if name in values},
        **looked_at(trainer, film(subjects.held, "cmu14")),
    }
    return trainer.model, found


def supervised(
    trial: Trial, config: Any, subjects: Subjects, arguments: Any, watch: Watch
) -> tuple[Any, Record]:
    """Train the same network on the truth."""
    from trials.supervised import train

    steps = config.stages[0].steps
    with watch:
        model = train(config, subjects.rest, lambda step, model: watch.see(step, steps, model.lift))
    return model, {"pitch": None, "accuracy": None, "turns": 0, "failed": None}


def judged(model: Any, subjects: Subjects, config: Any) -> Record:
    """All frames of the held-out subjects, as `posenet3d evaluate` judges them."""
    from posenet3d.evaluation import evaluate

    report = evaluate(model.lift, subjects.held, "cmu14", frames=config.network.frames)
    scores = report[HEAD]
    figures = {name: getattr(scores, name) for name in FIGURES}
    by_subject = {name: each.p_mpjpe for name, each in scores.by_subject.items()}
    return figures | {
        "flat": report["flat"].p_mpjpe,
        "right_way_round": scores.right_way_round,
        "by_subject": by_subject,
        "per_joint": list(scores.per_joint),
    }


def flow_file(data: Any, config: Any, arguments: Any, told: Told) -> Path:
    """The flow over the training set's 2D poses; trained where it is not there yet."""
    from posenet3d_trials.flow import fit_flow

    name = f"flow-{config.seed}-{data.fingerprint()[:12]}-{arguments.flow_steps}.safetensors"
    path = arguments.cache / name
    if not path.exists():
        windows = data.windows(1)
        began = time.process_time()

        def draw(step: int) -> torch.Tensor:
            return windows.sample(config.seed, "flow", step, FLOW_POSES)[:, 0]

        fit_flow(
            draw, steps=arguments.flow_steps, seed=config.seed,
            told=lambda step, surprise: told(f"flow, step {step}: {surprise:.3f} nats"),
        ).save(path)  # fmt: skip
        told(f"flow: {time.process_time() - began:.0f} s of CPU")
    return path
