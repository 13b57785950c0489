"""The trials by name: a preset's first stage with changes, grouped by the question they ask.

The order is the order of the queue: first what could change the preset `best`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})
STAGE = "stages.teacher"
WIDTH = {"channels": 256, "input_gain": 10.0}


@dataclass(frozen=True)
class Trial:
    """One thing to try.

    Attributes:
        name: its name on the command line and in the records.
        says: what differs, in a few words.
        preset: what it starts from.
        changes: paths into the configuration and their values.
        without: losses that are left out.
        pace: batches of other sizes take so many times the steps, to see as many windows.
        kind: `teacher`: the library's trainer; `supervised`: the same network, told the truth.
        flow: it needs a flow over 2D poses, trained before.
        sees_all: trained on the 2D of all subjects, those that are judged too; a diagnosis.
        mirrored: every training sequence is there a second time, as a mirror shows it.
    """

    name: str
    says: str
    preset: str = "best"
    changes: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    without: tuple[str, ...] = ()
    pace: float = 1.0
    kind: str = "teacher"
    flow: bool = False
    sees_all: bool = False
    mirrored: bool = False


def discriminator(name: str, **options: Any) -> dict[str, Any]:
    """The change that takes another discriminator, as wide as the preset's."""
    return {"network.discriminator": {"name": name, "options": {**WIDTH, **options}}}


def batch(size: int, root: float) -> dict[str, Any]:
    """A batch's size, and learning rates that follow its root."""
    return {
        "batch_size": size,
        f"{STAGE}.optimizer.lr": 3e-4 * root,
        f"{STAGE}.discriminator_optimizer.lr": 4e-4 * root,
    }


def weight(loss: str, value: float) -> dict[str, Any]:
    """The weight of one loss."""
    return {f"{STAGE}.losses.{loss}": value}


D_RATE = f"{STAGE}.discriminator_optimizer.lr"
DROPOUT = {f"network.{part}.options.dropout": 0.1 for part in ("backbone", "teacher")}
PARTWISE = {"name": "partwise", "options": {"dropout": 0.0}}
WITHOUT_GAME = {f"{STAGE}.discriminators": {}}

TRIALS = (
    Trial("best", "the preset"),
    Trial("quick", "the preset: no bone proportions", "quick"),
    Trial(
        "flow-prior",
        "a flow over 2D poses instead of the discriminator",
        changes={**discriminator("flow"), **WITHOUT_GAME, **weight("flow_surprise", 1.0)},
        without=("teacher_adversarial",),
        flow=True,
    ),
    Trial(
        "flow-and-game",
        "a flow over 2D poses beside the discriminator",
        changes={**discriminator("flow"), **weight("flow_surprise", 0.3)},
        flow=True,
    ),
    Trial("augment", "the discriminator sees flipped, rolled, scaled windows",
          changes=discriminator("augmented")),
    Trial("parts", "part-wise judges beside the discriminator", changes=discriminator("parts")),
    Trial("partwise", "legs and upper body lifted by networks of their own",
          changes={f"network.{part}": PARTWISE for part in ("backbone", "teacher")}),
    Trial("mirrored-data", "each sequence a second time, as a mirror shows it", mirrored=True),
    Trial("dropout", "dropout of 0.1 in the lifter", changes=DROPOUT),
    Trial("ema", "averaged weights, decay 0.995", changes={"averaging": {"decay": 0.995}}),
    Trial("ema-norms", "the same, BatchNorm's statistics averaged as well",
          changes={"averaging": {"decay": 0.995, "use_buffers": True}}),
    Trial("batch-128", "half the batch, twice the steps, rates / √2", pace=2.0,
          changes=batch(128, 0.5**0.5)),
    Trial("batch-512", "twice the batch, half the steps, rates × √2", pace=0.5,
          changes=batch(512, 2**0.5)),
    Trial("d-rate-double", "the discriminator's rate doubled", changes={D_RATE: 8e-4}),
    Trial("d-rate-half", "the discriminator's rate halved", changes={D_RATE: 2e-4}),
    Trial("supervised", "the same network told the true 3D", kind="supervised"),
    Trial("sees-all", "the 2D of the judged subjects is trained on too", sees_all=True),
    Trial("proportions-1", "bone proportions with weight 1", changes=weight("bone_proportions", 1)),
    Trial("proportions-15", "bone proportions with weight 15",
          changes=weight("bone_proportions", 15)),
    Trial("augment-flip", "the discriminator sees flipped windows",
          changes=discriminator("augmented", roll_degrees=0.0, scale=0.0)),
    Trial("single-frames", "a judge of single frames beside the discriminator",
          changes=discriminator("single_frames")),
    Trial("frame", "one frame a window (T = 1)", changes={"network.frames": 1}),
    Trial("frames-27", "27 frames a window", changes={"network.frames": 27}),
    Trial("limbs", "2D scaled by how large the limbs appear, not once a sequence",
          changes={"network.normalization": "limbs"}),
    Trial("d-wide", "a discriminator of twice the width",
          changes=discriminator("temporal", channels=512)),
    Trial("d-narrow", "a discriminator of half the width",
          changes=discriminator("temporal", channels=128)),
    Trial("d-every-2", "the discriminator learns in every second step",
          changes={"adversarial.every": 2}),
    Trial("d-rests", "the discriminator rests above an accuracy of 0.6",
          changes={"adversarial.max_accuracy": 0.6}),
    Trial("spectral", "spectral normalisation of the discriminator",
          changes=discriminator("spectral", input_gain=30.0)),
    Trial("gradient-penalty", "a gradient penalty of weight 1",
          changes={"adversarial.gradient_penalty": 1.0}),
    Trial("gradient-penalty-weak", "a gradient penalty of weight 0.1",
          changes={"adversarial.gradient_penalty": 0.1}),
    Trial("wgan-gp", "the Wasserstein form, a gradient penalty of weight 10",
          changes={"adversarial.form": "wasserstein", "adversarial.gradient_penalty": 10.0}),
    Trial("least-squares", "the least-squares form", changes={"adversarial.form": "least_squares"}),
    Trial("noise", "noise on the 2D input, 2 % of head to root", changes={"input_noise": 0.002}),
    Trial("no-bone-length", "without L_bl", without=("bone_length",)),
    Trial("no-temporal", "without L_tc", without=("temporal_consistency",)),
    Trial("no-self", "without L_mss", without=("self_supervision",)),
    Trial("paper-weights", "consistency losses with the paper's weights",
          changes={**weight("self_supervision", 2), **weight("temporal_consistency", 1),
                   **weight("bone_length", 2)}),
)  # fmt: skip
"""Every trial, in the order of the queue."""


def find(name: str) -> Trial:
    """The trial called so, or a free one: `PRESET[:KEY=VALUE]...`.

    Raises:
        SystemExit: there is no such trial.
    """
    for trial in TRIALS:
        if trial.name == name:
            return trial
    preset, *changes = name.split(":")
    if not changes or not all("=" in change for change in changes):
        known = ", ".join(trial.name for trial in TRIALS)
        raise SystemExit(f"Expected PRESET:KEY=VALUE or one of {known}; got {name!r}.")
    pairs = dict(change.split("=", 1) for change in changes)
    return Trial(name, "as its name says", preset, pairs)


def configuration(trial: Trial, *, seed: int, steps: int) -> Any:
    """The preset's first stage with the trial's changes.

    A flow's file is left open: it is told by :func:`with_flow`.

    Args:
        trial: the trial.
        seed: the seed.
        steps: steps of a trial with the preset's batch.
    """
    from posenet3d.training import TrainerConfig

    config = TrainerConfig.preset(trial.preset, seed=seed)
    first = config.stages[0].model_dump(mode="json")
    first |= {"steps": round(steps * trial.pace), "epochs": None}
    first["losses"] = {
        name: value for name, value in first["losses"].items() if name not in trial.without
    }
    config = TrainerConfig.parse({**config.model_dump(mode="json"), "stages": [first]})
    changes = {"validation.every": None, "engine.threads": 1, **trial.changes}
    if trial.flow:
        options = changes["network.discriminator"]["options"]
        changes["network.discriminator"] = {
            "name": "flow", "options": {**options, "weights": "to be trained"}
        }  # fmt: skip
    return config.override(changes)


def with_flow(config: Any, path: str) -> Any:
    """The configuration with the file of its flow."""
    return config.override({"network.discriminator.options.weights": path})


def digest(trial: Trial, config: Any) -> str:
    """A short hash of all that a trial is told, to tell a record of other settings."""
    told = config.model_dump(mode="json", exclude={"engine", "loggers", "name"})
    told |= {"kind": trial.kind, "sees_all": trial.sees_all, "mirrored": trial.mirrored}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
