"""What the discriminator is shown: real windows and a lifter's reprojections of held-out people."""

from typing import Any

import torch

from posenet3d.data import TrainingSet
from posenet3d.training import Trainer
from posenet3d.training.validation import Validation

POSES = 8
"""Poses that a record keeps of each side."""
FIGURES = ("teacher_distance", "limb_asymmetry", "discriminator_accuracy")


def looked_at(trainer: Trainer, held: TrainingSet) -> dict[str, Any]:
    """2D figures of a trained network on held-out subjects, and some poses to look at.

    * `held_out`: the figures of :class:`posenet3d.training.validation.Validation`;
    * `real`, `reprojected`: middle frames of windows, and of their skeletons from random views.

    Args:
        trainer: the trained network.
        held: the held-out subjects' 2D.
    """
    windows = held.windows(trainer.config.network.frames)
    validation = Validation(trainer.model, trainer.config, windows)
    values = validation.point(trainer.config.stages[0], step=0).record.values
    figures = {name: values.get(f"validation/{name}") for name in FIGURES}
    return {"held_out_figures": figures, **_poses(trainer, validation)}


def _poses(trainer: Trainer, validation: Validation) -> dict[str, Any]:
    from posenet3d.geometry import reproject
    from posenet3d.skeletons.anatomy import centre_on_hips, middle_of_hips

    model = trainer.model
    batch = validation.batch[:POSES, :-1]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(trainer.config.seed)
        skeletons = model.lift(batch)["teacher"]
        rotation = model.views(len(batch))[:, None]
        _, image = reproject(skeletons, middle_of_hips(skeletons), rotation, model.config.distance)
    middle = batch.shape[1] // 2
    sides = {"real": batch, "reprojected": centre_on_hips(image)}
    return {name: _rounded(side[:, middle]) for name, side in sides.items()}


def _rounded(poses: torch.Tensor) -> list[list[list[float]]]:
    return [[[round(x, 4) for x in joint] for joint in pose] for pose in poses.tolist()]
