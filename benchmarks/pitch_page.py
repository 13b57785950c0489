"""The page and the picture of `pitch.py`."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

Run = dict[str, Any]
TEN_SEEDS = "steps-2000"
"""The case that the picture's first half shows."""
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
NOTES = Path(__file__).parent / "pitch_notes.md"


def render(record: dict[str, Any]) -> str:
    """The page."""
    return "\n".join(
        [
            *opening(record),
            *rig_part(record["rig"], record["optima"]),
            *seeds_part(record),
            *([] if on_test(record) else [*cases_part(record), NOTES.read_text().rstrip(), ""]),
        ]
    )


def on_test(record: dict[str, Any]) -> bool:
    """Whether the test subjects were looked at: the ten seeds alone, and nothing is chosen."""
    return bool(record["facts"]["measured"] == "test")


def opening(record: dict[str, Any]) -> list[str]:
    """Command and settings."""
    told, runs = record["facts"], record["runs"]
    commits = sorted({run["commit"][:10] for run in runs})
    minutes = sum(run["cpu_seconds"] for run in runs) / 60
    left = [f"`{case['name']}`" for case in told["cases"] if not of(runs, case["name"])]
    return [
        "# The pitch that `learned` views find",
        "",
        f"Command: `{told['command']}`; seeds from 0; commit {', '.join(commits)}; torch "
        f"{told['versions']['torch']}, one thread, {minutes:.0f} minutes of processor time for "
        f"{len(runs)} trainings.",
        "",
        f"The first stage of the preset `best` on CMU-14, {trained_and_judged(record)} Small "
        "unless said otherwise: 64 "
        "channels, batches of 64, learning rate 0.001 (discriminator 4/3 of it), falling to 0.3 of "
        "it. The pitch starts at 0°, the mirror guard is on."
        + f" Not run yet: {', '.join(left)}; the same command goes on from here."
        * bool(left),
        "",
        f"![The pitch over the steps](pitch{'_test' * on_test(record)}.png)",
        "",
    ]


def trained_and_judged(record: dict[str, Any]) -> str:
    """On whom."""
    people = record["facts"]["held_out"]
    if on_test(record):
        return f"trained on all training subjects, judged on the {len(people)} test subjects."
    return f"trained without the training subjects {' and '.join(people)}, who are judged."


def rig_part(rig: dict[str, float], optima: Sequence[dict[str, Any]]) -> list[str]:
    """What there is to find."""
    lines = [
        "## What there is to find: the rays to the hips, not the optical axis",
        "",
        "A network sees people centred on their hips: as if each camera looked straight at the "
        "hips. CMU-14's cameras look at the mean of all joints, and the hips lie below that.",
        "",
        f"| {rig['frames']:,} frames (every 12th) of the training subjects | mean | spread |",
        "|---|---|---|",
        f"| the cameras' pitch | {rig['camera']:.2f}° | {rig['camera_spread']:.2f}° |",
        f"| the pitch of their rays to the hips | {rig['rays']:.2f}° | {rig['rays_spread']:.2f}° |",
        "| the cameras' pitch, from the mean of the rays, the hips' place in the image and the "
        f"focal length (`posenet3d.views.camera_pitch`) | {rig['camera_from_rays']:.2f}° | – |",
        "",
        "Which single pitch wins the game, if the lifter makes no error? True depths along the "
        "ray, turned and seen anew as `learned` does it, compared with the real 2D by the sliced "
        "Wasserstein distance between whitened poses. *Free*: depth may also be scaled and "
        "sheared along y, as a lifter might.",
        "",
        "| the hips' distance that is assumed (c), head-to-root lengths | depth as it is | free |",
        "|---|---|---|",
    ]
    for distance in sorted({each["distance"] for each in optima}, reverse=True):
        found = {each["bent"]: each["pitch"] for each in optima if each["distance"] == distance}
        true = "" if distance == 10 else ", the rig's mean"
        lines.append(f"| {distance:.2f}{true} | {found[False]:.1f}° | {found[True]:.1f}° |")
    return [*lines, ""]


def seeds_part(record: dict[str, Any]) -> list[str]:
    """The ten seeds, one by one."""
    runs = of(record["runs"], TEN_SEEDS)
    rig = record["rig"]
    if not runs:
        return []
    lines = [
        f"## {len(runs)} seeds, 2,000 steps",
        "",
        "*Camera*: the pitch found, brought to the optical axis by `camera_pitch` with the hips' "
        "place in the training footage and the focal length; nothing in 3D is used.",
        "",
        f"| seed | pitch found (rays: {rig['rays']:.1f}°) | camera ({rig['camera']:.1f}°) "
        "| P-MPJPE, mm | depth negated | poses right way round | turned by the guard |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {run['seed']} | {run['pitch']:.1f}° | {run['camera_pitch']:.1f}° "
        f"| {run['p_mpjpe']:.1f} | {run['mirrored']:.1f} | {100 * run['right']:.0f} % "
        f"| {run['turns']} |"
        for run in sorted(runs, key=lambda each: each["seed"])
    ]
    return [
        *lines,
        "",
        f"Off by at most {worst(runs, 'pitch', rig['rays']):.1f}° from the rays' pitch, and as a "
        f"camera's pitch by at most {worst(runs, 'camera_pitch', 12.7):.1f}° from 12.7°. As it is, "
        "without the focal length, what was found is off from the camera's 12.7° by at most "
        f"{worst(runs, 'pitch', 12.7):.1f}°.",
        "",
    ]


def cases_part(record: dict[str, Any]) -> list[str]:
    """Every case that has runs."""
    rig = record["rig"]
    lines = [
        "## What was tried",
        "",
        "| case | what differs | steps | seeds | pitch found | highest on the way "
        f"| off from {rig['rays']:.1f}°, at most | as a camera's, off from 12.7° | P-MPJPE, mm |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in record["facts"]["cases"]:
        runs = of(record["runs"], case["name"])
        if not runs:
            continue
        told = case["name"].startswith("given")
        peak = statistics.fmean(max(pitch for _, pitch in run["path"]) for run in runs)
        off = worst(runs, "pitch", rig["rays"]), worst(runs, "camera_pitch", 12.7)
        lines.append(
            f"| `{case['name']}` | {case['says']} | {case['steps']:,} | {len(runs)} "
            f"| {spread(runs, 'pitch')}° | {'–' if told else f'{peak:.1f}°'} "
            f"| {'–' if told else f'{off[0]:.1f}°'} | {'–' if told else f'{off[1]:.1f}°'} "
            f"| {spread(runs, 'p_mpjpe')} |"
        )
    return [*lines, ""]


def of(runs: Iterable[Run], case: str) -> list[Run]:
    """A case's runs."""
    return [run for run in runs if run["case"] == case]


def worst(runs: Iterable[Run], name: str, truth: float) -> float:
    """The largest error of a figure."""
    return max(abs(run[name] - truth) for run in runs)


def spread(runs: Sequence[Run], name: str) -> str:
    """Mean and standard deviation, or the figure itself where there is no spread."""
    values = [run[name] for run in runs]
    mean = f"{statistics.fmean(values):.1f}"
    return mean if len(set(values)) == 1 else f"{mean} ± {statistics.stdev(values):.1f}"


def draw(record: dict[str, Any], path: Path) -> None:
    """The pitch over the steps and, where it was tried, the error by the pitch that is given."""
    mpl.use("Agg")
    panels = [draw_paths] if on_test(record) else [draw_paths, draw_given]
    size = (5.5 * len(panels), 4)
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, layout="constrained")
    for panel, axis in zip(panels, axes[0], strict=True):
        panel(axis, record)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_paths(axis: plt.Axes, record: dict[str, Any]) -> None:
    """A line a seed."""
    runs, rig = of(record["runs"], TEN_SEEDS), record["rig"]
    for run in runs:
        axis.plot(*np.array(run["path"]).T, color=BLUE, linewidth=0.8, alpha=0.7)
    levels = ((rig["rays"], "rays to the hips", "-"), (rig["camera"], "optical axes", "--"))
    for height, name, line in levels:
        axis.axhline(height, color=ORANGE, linestyle=line, label=f"{name}, {height:.1f}°")
    axis.set(xlabel="step", ylabel="pitch, degrees", xlim=(0, None))
    axis.set_title(f"pitch found, {len(runs)} seeds; orange: the rig's own means", fontsize=10)
    axis.legend(frameon=False, loc="lower right", fontsize=9)


def draw_given(axis: plt.Axes, record: dict[str, Any]) -> None:
    """A dot a run: held-out error by pitch, given or found, of runs of 1,000 steps."""
    for name, colour, label in (("given", GREY, "given"), ("steps-1000", BLUE, "learned")):
        runs = [run for run in record["runs"] if run["case"].startswith(name)]
        points = [(run["pitch"], run["p_mpjpe"]) for run in runs]
        axis.scatter(*np.array(points or np.empty((0, 2))).T, s=26, color=colour, label=label)
    axis.axvline(record["rig"]["rays"], color=ORANGE)
    axis.axvline(record["rig"]["camera"], color=ORANGE, linestyle="--")
    axis.set(xlabel="pitch, degrees", ylabel="P-MPJPE, mm")
    axis.set_title("held-out people after 1,000 steps", fontsize=10)
    axis.legend(frameon=False, fontsize=9)
