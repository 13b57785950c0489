"""One run trained, and one of its networks measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posenet3d.data import TrainingSet
from posenet3d.data.shards import ShardedSet
from posenet3d.evaluation import EvaluationReport, evaluate_network
from posenet3d.evaluation.clips import TestData
from posenet3d.evaluation.evaluating import Progress
from posenet3d.evaluation.sequences import Detector
from posenet3d.networks import load_model
from posenet3d.training import Trainer, TrainerConfig, TrainingReport
from posenet3d.training.trainer import choose_device

FIGURES = ("p_mpjpe", "n_mpjpe", "p_mpjpe_reflected", "mpjve", "mblstd", "pck_150", "auc")
"""The figures that are kept of each head."""

TEACHER = ("backbone", "teacher", "views")
"""What a run takes of another run's teacher."""


def train_run(
    config: TrainerConfig,
    training: TrainingSet | ShardedSet,
    folder: Path,
    *,
    teacher: Path | None = None,
    device: str = "auto",
    progress: bool = True,
) -> TrainingReport:
    """A run trained, or what is left of it.

    Args:
        config: its configuration, see `configuration`.
        training: what it learns from.
        folder: its run folder; a stopped run goes on there.
        teacher: the network whose backbone, teacher and views a run without a teacher's stage
            starts from: ``stages/teacher`` of another run's folder.
        device: what to train on; ``"auto"`` leaves it to the configuration.
        progress: show bars on a terminal, lines elsewhere.

    Returns:
        The run's report.

    Raises:
        PoseNet3DError: what `Trainer` and `Trainer.fit` raise.
        KeyboardInterrupt: after Ctrl-C; the state is saved.

    Example:
        >>> from posenet3d.data import film
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> from posenet3d.reproduction import configuration, find_run
        >>> import tempfile
        >>> small = {"batch_size": 4, "network.backbone.options.channels": 8}
        >>> config = configuration(find_run("one-frame"), "quick", budget=1e-3, changes=small)
        >>> clips = film(synthetic_motion(clips=1, seconds=0.5), "cmu14")
        >>> report = train_run(config, clips, Path(tempfile.mkdtemp()), progress=False)
        >>> [(stage.name, stage.steps) for stage in report.stages]
        [('teacher', 4)]
    """
    trainer = Trainer(config, train_data=training, run_dir=folder, device=device, progress=progress)
    if teacher is not None:
        start = load_model(teacher).to(trainer.device)
        for part in TEACHER:  # a state that was saved overrides them
            trainer.model.part(part).load_state_dict(start.part(part).state_dict())
    return trainer.fit()


def measure(
    network: Path,
    test: TestData,
    protocol: str,
    *,
    detector: Detector | None = None,
    device: str = "auto",
    stitch: str = "centre",
    on_progress: Progress | None = None,
) -> EvaluationReport:
    """The errors of a network as a stage left it.

    Args:
        network: its folder, ``stages/<stage>`` of a run's.
        test: what `posenet3d.evaluation.evaluate` takes as clips.
        protocol: the protocol's name.
        detector: what becomes of the 2D before it is normalised.
        device: where to compute; ``"auto"`` takes a graphics card where there is one.
        stitch: what is compared of a frame, see `posenet3d.evaluation.evaluate`.
        on_progress: called after each clip with (done, all, key).

    Returns:
        The report, without pictures.

    Raises:
        PoseNet3DError: the folder holds no network, or the data cannot be used.
    """
    return evaluate_network(
        load_model(network).to(choose_device(device)),
        test,
        protocol,
        detector=detector,
        stitch=stitch,
        samples=0,
        on_progress=on_progress,
    )


def figures_of(report: EvaluationReport) -> dict[str, Mapping[str, Any]]:
    """The figures of every head of a report, as plain values.

    Args:
        report: the report.

    Returns:
        By head: `FIGURES`, and whether depth is the right way round.

    Example:
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> from posenet3d.evaluation import evaluate
        >>> report = evaluate(None, synthetic_motion(clips=1, seconds=0.5), "cmu14", samples=0)
        >>> figures_of(report)["flat"]["p_mpjpe"] > 0
        True
    """
    return {
        head: {name: getattr(scores, name) for name in FIGURES}
        | {"right_way_round": scores.right_way_round}
        for head, scores in report.heads.items()
    }
