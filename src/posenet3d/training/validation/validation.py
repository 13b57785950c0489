"""A validation point: figures that need 2D only, on windows and views that stay the same."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from posenet3d.errors import MissingExtraError
from posenet3d.losses import discriminator_accuracy
from posenet3d.networks import PoseNet3D, evaluating
from posenet3d.nn import fill_windows
from posenet3d.training import objectives
from posenet3d.training.config import TrainerConfig
from posenet3d.training.engine.device import forked_random_state
from posenet3d.training.forward import Forward, ForwardSettings
from posenet3d.training.loggers import VALIDATION
from posenet3d.training.placement import WindowSource
from posenet3d.training.report import Record
from posenet3d.training.stage import BRANCHES, Branch, StageConfig
from posenet3d.training.step import step_seed
from posenet3d.training.validation.asymmetry import limb_asymmetry
from posenet3d.training.validation.picture import draw_skeletons
from posenet3d.training.validation.sliced_wasserstein import sliced_wasserstein, unit_directions
from posenet3d.typing import Scalar, Windows2D

STREAM = "validation"
"""The name under which windows and views are drawn; no stage's steps see the same stream."""

DIRECTIONS = 256
"""On how many directions windows are projected to be compared."""

ASKING_FOR_SYMMETRY = frozenset({"bone_proportions"})
"""Losses that ask for equal limbs on both sides: where a teacher learns by one of them, its limbs'
asymmetry says how far that loss went down, and nothing of the depth."""


@dataclass(frozen=True)
class ValidationPoint:
    """What was seen at a validation point.

    Attributes:
        model: the network that was looked at.
        record: the figures; their names begin with ``validation/``.
        score: lower is better, within one stage; no 2D figure can be compared over stages, since
            the first asks for the teacher, the next two for the student, the last for both.
    """

    model: PoseNet3D
    record: Record
    score: float


class Validation:
    """Looks at a network by 2D alone, always on the same windows from the same views.

    The network is in eval mode and gets no gradients; torch's random state, the modes and the
    weights are afterwards what they were, so a run's numbers do not depend on it.

    * ``self_supervision``, ``temporal_consistency``, ``bone_length``: the teacher's consistency
      (Eq. 2 to 4), unweighted;
    * ``teacher_distance``, ``student_distance``: how far a branch's reprojections lie from real
      windows, by the sliced Wasserstein distance, in normalised units a coordinate. It does not
      depend on the discriminator;
    * ``knowledge_distillation``: L_KD, where the student learns;
    * ``discriminator_accuracy``: where one learns;
    * ``limb_asymmetry``: how unlike the lengths of the teacher's left and right limbs are;
    * ``score``: what the best checkpoint has the lowest of: ``limb_asymmetry`` where the teacher
      learns, else ``student_distance`` (a body model is symmetric whatever its pose). Of all that
      was tried, these ranked the checkpoints of a run best by their true error; see
      ``benchmarks/results/validation_scores.md``. Where the teacher learns by a loss that asks for
      symmetric limbs itself (``bone_proportions``) it is ``teacher_distance``, which was tried
      without such a loss only.

    A depth-mirrored lifter has the same figures: only anatomy tells it (see the mirror guard).
    A loss of your own that asks for symmetric limbs would make the score of no use.

    Args:
        model: the network.
        config: the run's configuration.
        windows: what to draw from: held-out subjects, or the windows of training.

    Example:
        >>> from posenet3d.data import film
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> small = {"name": "temporal", "options": {"channels": 16}}
        >>> network = {"backbone": small, "discriminator": small}
        >>> config = TrainerConfig.preset("quick", network=network, validation={"windows": 8})
        >>> windows = film(synthetic_motion(clips=2, seconds=1.0), "cmu14").windows(9)
        >>> validation = Validation(PoseNet3D(config.network), config, windows)
        >>> point = validation.point(config.stages[0], step=500)
        >>> point.score == point.record.values["validation/limb_asymmetry"]
        True
    """

    def __init__(self, model: PoseNet3D, config: TrainerConfig, windows: WindowSource) -> None:
        self.model, self.config = model, config
        self._cannot_draw = False
        count = config.validation.windows
        like = model.metres_per_unit
        self.batch: Windows2D = windows.sample(config.seed, STREAM, 0, count).to(like)
        """The windows that are lifted, each with the frame that follows it."""
        self._others: Windows2D = windows.sample(config.seed, STREAM, 1, count).to(like)
        self.real: Windows2D = fill_windows(self._others[:, :-1])
        """Others, which reprojections are compared with; missing joints guessed."""
        directions = unit_directions(self.real[0].numel(), DIRECTIONS)
        self._directions = directions.to(self.real)

    def point(
        self, stage: StageConfig, step: int, model: PoseNet3D | None = None
    ) -> ValidationPoint:
        """Look at the network as it is.

        Args:
            stage: the stage.
            step: steps done in it.
            model: another network of this configuration, such as one with averaged weights.

        Returns:
            The figures and the score.
        """
        model = self.model if model is None else model
        branches = BRANCHES if model.has_student else BRANCHES[:1]
        with self._looking(model):
            forward = Forward(model, self.batch, ForwardSettings.of(self.config, stage))
            figures = self._figures(forward, stage, branches)
            values = {f"{VALIDATION}{name}": float(value) for name, value in figures.items()}
        score = _score(values, stage)
        values[f"{VALIDATION}score"] = score
        return ValidationPoint(model, Record(stage.name, step, values), score)

    def picture(self, point: ValidationPoint, folder: Path) -> Path | None:
        """Draw the skeletons of some windows into ``pictures/<stage>-<step>.png``.

        Args:
            point: what was seen; the network must be as it was then.
            folder: the run folder.

        Returns:
            The picture; ``None`` where none is asked for, or where it cannot be drawn: the first
            time that is told in a line.
        """
        if not self.config.validation.picture or self._cannot_draw:
            return None
        record = point.record
        path = folder / "pictures" / f"{record.stage}-{record.step:06d}.png"
        try:
            title = f"Stage {record.stage}, step {record.step}"
            draw_skeletons(point.model, self.batch[:, :-1], path, title)
        except (MissingExtraError, OSError) as error:
            self._cannot_draw = True
            print(f"No pictures of skeletons: {error}")
            return None
        return path

    @contextmanager
    def _looking(self, model: PoseNet3D) -> Iterator[None]:
        with torch.no_grad(), forked_random_state(self.batch.device), evaluating(model):
            torch.manual_seed(step_seed(self.config.seed, STREAM, 0))
            yield

    def _figures(
        self, forward: Forward, stage: StageConfig, branches: tuple[Branch, ...]
    ) -> dict[str, Scalar]:
        figures = {
            "self_supervision": objectives.self_supervision(forward),
            "temporal_consistency": objectives.temporal_consistency(forward),
            "bone_length": objectives.bone_length(forward),
            "limb_asymmetry": limb_asymmetry(forward.teacher_joints),
        }
        for branch in branches:
            figures[f"{branch}_distance"] = sliced_wasserstein(
                forward.reprojection(branch).flatten(1), self.real.flatten(1), self._directions
            )
        if "student" in stage.train:
            figures["knowledge_distillation"] = objectives.knowledge_distillation(forward)
        threshold = forward.settings.form.threshold
        if stage.discriminators and threshold is not None:
            fakes = torch.cat(
                [forward.fakes(branch) for branch in stage.discriminators["discriminator"]]
            )
            judged = discriminator_accuracy(
                forward.judge(forward.model.judged(self._others)),
                forward.judge(fakes),
                threshold=threshold,
            )
            figures["discriminator_accuracy"] = judged.mean
        return figures


def _score(values: dict[str, float], stage: StageConfig) -> float:
    """The figure that tells best how good what the stage trains is."""
    if "teacher" not in stage.train:
        name = "student_distance"
    elif ASKING_FOR_SYMMETRY.isdisjoint(stage.losses):
        name = "limb_asymmetry"
    else:
        name = "teacher_distance"
    return values.get(f"{VALIDATION}{name}", math.inf)
