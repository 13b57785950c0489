"""The runs behind the weights that ship: configuration, training, figures, rounding."""

import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from origin import environment_of

PROTOCOLS = ("cmu14", "cmu14-wild")
EXACT = "exact"
CHECK_CLIPS = 8
"""Clips, evenly spaced among those trained on, that fp32 and fp16 are compared on."""


def changes_of(arguments: Namespace) -> dict[str, Any]:
    """How the runs differ from the preset, by dotted path, as `posenet3d train --set` takes it."""
    from posenet3d.data import detector_noise
    from posenet3d.reproduction.configurations import scaled
    from posenet3d.training import TrainerConfig

    changes: dict[str, Any] = {}
    if arguments.noise != "none" and arguments.missing_joints:
        changes |= {"network.missing_joints": True, "detector_noise": arguments.noise}
    elif arguments.noise != "none":
        whole = detector_noise(arguments.noise).model_copy(update={"dropped": 0.0})
        changes["detector_noise"] = whole.model_dump(mode="json")
    if arguments.budget != 1:
        changes |= scaled(TrainerConfig.preset(arguments.preset), arguments.budget)
    return changes | dict(each.split("=", 1) for each in arguments.changes)


def config_of(seed: int, arguments: Namespace) -> Any:
    """A seed's configuration."""
    from posenet3d.training import TrainerConfig

    start = {}
    if arguments.start_from:
        start["start_from"] = arguments.start_from[arguments.seeds.index(seed)]
    return TrainerConfig.preset(arguments.preset, seed=seed, **start).override(
        changes_of(arguments)
    )


def spoils(arguments: Namespace) -> bool:
    """Whether stages of the preset spoil the windows that they see."""
    from posenet3d.training import TrainerConfig

    stages = TrainerConfig.preset(arguments.preset).stages
    return any(stage.spoilt is not None for stage in stages)


def train_command(arguments: Namespace) -> str:
    """The package's own command that trains what ships; none where it cannot, on fewer clips."""
    if arguments.hold_out or arguments.clips is not None:
        return ""
    words = ["posenet3d", "train", "--data", "cmu_train.npz", "--protocol", arguments.protocol]
    words += ["--preset", arguments.preset, "--seed", str(arguments.seeds[0]), "--run", "RUN"]
    if arguments.start_from:
        words += ["--start-from", arguments.start_from[0]]
    for path, value in changes_of(arguments).items():
        words += ["--set", f"{path}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(words)


def folder_of(seed: int, arguments: Namespace) -> Path:
    """A seed's run folder; one of other settings is refused when it is read."""
    whole = "" if arguments.missing_joints or arguments.noise == "none" else "-whole"
    who = "-".join(arguments.hold_out) or "all"
    clips = "" if arguments.clips is None else f"-{arguments.clips}clips"
    budget = "" if arguments.budget == 1 else f"-x{arguments.budget:g}"
    group = f"{arguments.preset}{budget}-{arguments.protocol}-{arguments.noise}{whole}-{who}{clips}"
    return arguments.runs / group / str(seed)


def trained(seed: int, arguments: Namespace, told: dict[str, Any]) -> dict[str, Any]:
    """Train a seed, or what is left of it; what is known of it then."""
    from posenet3d.data import film
    from posenet3d.training import Trainer

    folder, config = folder_of(seed, arguments), config_of(seed, arguments)
    record = folder / "pretrained.json"
    if record.exists():
        found = json.loads(record.read_text())
        if found["config"] != plain(config):
            sys.exit(f"{folder}: made with other settings; name other --runs, or remove it")
        return found
    clips = clips_of(arguments)[0]
    seen = film(clips, arguments.protocol)
    began = folder / "began.json"
    trainer = Trainer(config, train_data=seen, run_dir=folder, device=arguments.device)
    if not began.exists():  # a run may be gone on with at a later commit
        began.write_text(json.dumps(told))
    report = trainer.fit()
    known = {
        **json.loads(began.read_text()),
        "seed": seed,
        "config": plain(config),
        "report": report.to_dict(),
        "parameters": sum(each.numel() for each in trainer.model.state_dict().values()),
        "environment": environment_of(folder),
        "data": {
            "clips": len(clips),
            "subjects": list(seen.subjects),
            "sequences": len(seen),
            "frames": seen.frames,
        },
    }
    record.write_text(json.dumps(known, indent=2))
    return known


def plain(config: Any) -> dict[str, Any]:
    """A configuration as plain values, without what does not change a result."""
    return config.model_dump(mode="json", exclude={"engine", "loggers", "checkpoints"})


def clips_of(arguments: Namespace) -> tuple[list, list]:
    """3D clips to film for training, and 3D clips to measure (none of the test subjects')."""
    from posenet3d.data import load_motion

    clips = load_motion(arguments.data / "cmu_train.npz")
    unknown = set(arguments.hold_out) - {clip.subject for clip in clips}
    if unknown:
        sys.exit(f"no training subject {sorted(unknown)}")
    training = [clip for clip in clips if clip.subject not in arguments.hold_out]
    held = [clip for clip in clips if clip.subject in arguments.hold_out]
    return training[: arguments.clips], held[: arguments.clips]


def figures_of(
    seed: int,
    measured: str,
    arguments: Namespace,
    told: dict[str, Any],
    before: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Every branch's figures by protocol and 2D, from the run folder where they are there already.

    Args:
        seed: the seed.
        measured: whom: "test", or the subjects that are held out.
        arguments: the command line.
        told: what is written beside the figures.
        before: called before anybody is looked at.
    """
    from posenet3d.data import load_motion
    from posenet3d.networks import load_model

    folder = folder_of(seed, arguments)
    path = folder / f"figures-{measured}.json"
    if path.exists():
        return json.loads(path.read_text())["figures"]
    if before is not None:
        before()
    clips = clips_of(arguments)[1]
    if measured == "test":
        clips = list(load_motion(arguments.data / "cmu_test.npz"))[: arguments.clips]
    model = load_model(folder)
    figures = {
        protocol: {
            seen: evaluated(model, clips, protocol, detector(seen), arguments)
            for seen in kinds_of_2d(arguments)
        }
        for protocol in PROTOCOLS
    }
    path.write_text(json.dumps({**told, "measured": measured, "figures": figures}, indent=2))
    return figures


def kinds_of_2d(arguments: Namespace) -> tuple[str, ...]:
    """What is measured: exact 2D, and 2D with the errors that were trained with."""
    if spoils(arguments):
        return (EXACT, "openpose")
    if arguments.noise == "none":
        return (EXACT,)
    return (EXACT, arguments.noise if arguments.missing_joints else f"{arguments.noise}, whole")


def detector(seen: str) -> Callable[[Any], Any] | None:
    """What becomes of exact 2D."""
    if seen == EXACT:
        return None
    from posenet3d.data import corrupt, detector_noise

    name, _, whole = seen.partition(", ")
    model = detector_noise(name)
    model = model.model_copy(update={"dropped": 0.0}) if whole else model
    return lambda sequence: corrupt(sequence, model)


def evaluated(
    model: Any, clips: list, protocol: str, spoil: Any, arguments: Namespace
) -> dict[str, dict[str, Any]]:
    """The figures of every branch."""
    from posenet3d.evaluation import evaluate_network
    from posenet3d.training.trainer import choose_device

    with progress(protocol) as on_progress:
        report = evaluate_network(
            model.to(choose_device(arguments.device)),
            clips,
            protocol,
            detector=spoil,
            samples=0,
            on_progress=on_progress,
        )
    names = ("p_mpjpe", "n_mpjpe", "pck_150", "auc", "mpjve", "mblstd", "p_mpjpe_reflected")
    return {
        head: {name: getattr(scores, name) for name in names}
        | {"p_mpjpe_subjects": scores.subject_mean.p_mpjpe}
        | {"right_way_round": scores.right_way_round, "frames": scores.frames}
        for head, scores in report.heads.items()
    }


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on standard error that `evaluate` moves on."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, clip: bar.update(
            task, completed=done, total=total, description=f"{what} {clip}"
        )


def rounding_of(seed: int, arguments: Namespace) -> dict[str, Any]:
    """What storing the weights as fp16 changes, and whether depth is the right way round.

    On those that are held out, or else on clips of the training subjects: nobody's choice hangs on
    it but fp16 or fp32.
    """
    from posenet3d.networks import load_model, save_model

    folder = folder_of(seed, arguments)
    path = folder / "rounding.json"
    if path.exists():
        return json.loads(path.read_text())
    training, held = clips_of(arguments)
    clips = held or training
    clips = clips[:: max(1, len(clips) // CHECK_CLIPS)][:CHECK_CLIPS]
    whole = load_model(folder)
    with TemporaryDirectory() as place:
        half = load_model(save_model(whole, place, precision="fp16"))
    rows, right = [], True
    for protocol in PROTOCOLS:
        one, other = (evaluated(model, clips, protocol, None, arguments) for model in (whole, half))
        right = right and all(one[head]["right_way_round"] is not False for head in one)
        rows += [
            {
                "protocol": protocol,
                "head": head,
                "fp32": one[head]["p_mpjpe"],
                "fp16": other[head]["p_mpjpe"],
            }
            for head in one
            if head != "flat"
        ]
    who = "held-out" if held else "training"
    count = "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
    told = f"{count} of {who} subjects, {one['flat']['frames']:,} frames a protocol"
    made = {"seed": seed, "on": told, "rows": rows, "right_way_round": right}
    path.write_text(json.dumps(made, indent=2))
    return made
