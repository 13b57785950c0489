"""The page and the picture of `depth_mirror.py`; no command of its own."""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, pstdev

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

CLEAR = 20.0
"""A run whose two errors differ by less, in mm, is undecided."""
TRUE_PITCH = {"cmu14": 12.7, "cmu14-wild": 15.0}
RIGS = {"cmu14": "CMU-14", "cmu14-wild": "CMU-14 wild"}
SAMPLERS = ("uniform", "gravity", "learned", "learned_spread")
RIGHT, WRONG, GREY = "#1b6ca8", "#c2410c", "#8a8f98"
Runs = list[dict]


def render(record: dict) -> str:
    """The page of results."""
    runs, told = record["runs"], record["facts"]
    lines = ["# The depth mirror: how often, and what settles it", ""]
    lines += introduction(runs, told) if runs else ["No run is done yet.", ""]
    for rig in RIGS:
        if chosen := [run for run in runs if run["rig"] == rig and not run["hidden"]]:
            lines += [f"## {RIGS[rig]}", "", *outcomes(chosen, SAMPLERS), ""]
    if chosen := [run for run in runs if run["hidden"]]:
        lines += ["## Legs hidden", "", *hidden_legs(chosen)]
    if runs:
        lines += ["## Which evidence is right, and when", "", *evidence_in_training(runs)]
    return "\n".join([*lines, *anatomy(record["anatomy"])]) + "\n"


def introduction(runs: Runs, told: dict) -> list[str]:
    """What was run."""
    sizes, commits = told["sizes"], sorted({run["commit"][:10] for run in runs})
    seconds = sum(run["cpu_seconds"] for run in runs)
    trained = sum(run["trained"] for run in runs)
    missing = told["asked"] - len(runs)
    so_far = f"**{len(runs)} of {told['asked']} runs are done**; too few to conclude from. "
    return [
        (so_far if missing > 0 else "")
        + f"Command: `{told['command']}`; seeds from 0; commit {', '.join(commits)}; torch "
        f"{told['versions']['torch']}, one thread, {seconds / 60:.0f} minutes of processor time "
        f"for {trained} trainings.",
        "",
        "The first stage of the preset `best`, small: "
        f"{sizes['channels']} channels, batches of {sizes['batch']}, {sizes['steps']} steps, "
        f"learning rate {sizes['rate']:g} (discriminator 4/3 of it). Trained without the training "
        f"subjects {' and '.join(told['held_out'])}, whose truth then says which way round the "
        "teacher is: the lower P-MPJPE of its answer as it is, or with depth negated. A run is "
        f"*undecided* where the two differ by less than {CLEAR:g} mm (the margin), as when some "
        "poses are lifted right and others mirrored. So short a training shows "
        "which half a run falls into, not how good a lifter gets.",
        "",
        "The guard decides at step 60 and at every 100th. With and without it a run is the same "
        "up to the first turn, so it was trained twice only where the guard turned it. `gravity` "
        f"is told the true mean pitch ({TRUE_PITCH['cmu14']}°, wild {TRUE_PITCH['cmu14-wild']}°); "
        "`learned` and `learned_spread` start at 0°.",
        "",
        "![Outcomes, pitch, and evidence by pose](depth_mirror.png)",
        "",
    ]


def outcomes(runs: Runs, samplers: Iterable[str]) -> list[str]:
    """The table of a rig."""
    lines = [
        f"Flat depth: {runs[0]['flat']:.0f} mm.",
        "",
        "| views | guard | runs | mirrored | undecided | runs turned (turns) | P-MPJPE, mm: all | "
        "right way round | mirrored | least margin, mm | poses right way round "
        "| pitch found | its error |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for sampler in samplers:
        for guard in (False, True):
            chosen = [r for r in runs if r["sampler"] == sampler and r["guard"] is guard]
            if chosen:
                lines.append(row(f"`{sampler}`", chosen, guard=guard))
    return lines


def row(name: str, runs: Runs, *, guard: bool) -> str:
    """One line of a table."""
    states = [state(run) for run in runs]
    right = [run["p_mpjpe"] for run, how in zip(runs, states, strict=True) if how == "right"]
    wrong = [run["p_mpjpe"] for run, how in zip(runs, states, strict=True) if how == "mirrored"]
    turned = [run["turns"] for run in runs if run["turns"]]
    found, error = pitch_of(runs)
    cells = (
        name,
        "on" if guard else "off",
        len(runs),
        states.count("mirrored"),
        states.count("undecided"),
        f"{len(turned)} ({sum(turned)})" if guard else "—",
        spread([run["p_mpjpe"] for run in runs]),
        spread(right),
        spread(wrong),
        f"{min(abs(margin(run)) for run in runs):.0f}",
        f"{100 * fmean(run['right'] for run in runs):.0f} %",
        found,
        error,
    )
    return f"| {' | '.join(map(str, cells))} |"


def margin(run: dict) -> float:
    """By how much negating depth makes a run worse, mm: positive for the right way round."""
    return run["mirrored"] - run["p_mpjpe"]


def state(run: dict) -> str:
    """Which way round a run ended."""
    if abs(margin(run)) < CLEAR:
        return "undecided"
    return "right" if margin(run) > 0 else "mirrored"


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return "—"
    return f"{fmean(values):.0f}" + (f" ± {pstdev(values):.0f}" if len(values) > 1 else "")


def pitch_of(runs: Runs) -> tuple[str, str]:
    """The pitch that was learnt, and how far it is off, its sign included."""
    if runs[0]["sampler"] in ("uniform", "gravity"):
        return "—", "—"
    found = [run["pitch"] for run in runs]
    off = [abs(each - TRUE_PITCH[runs[0]["rig"]]) for each in found]
    return (
        f"{fmean(found):.1f}° ({min(found):.1f} to {max(found):.1f})",
        f"{fmean(off):.1f}°, at most {max(off):.1f}°",
    )


def hidden_legs(runs: Runs) -> list[str]:
    """The runs that never saw a leg."""
    return [
        "The same on CMU-14 with `network.missing_joints`: knees and ankles are never seen, in "
        "training and after it, and the hips are hidden in every other half second. So the guard "
        "has the elbows alone. P-MPJPE is over the ten joints that are seen.",
        "",
        *outcomes(runs, SAMPLERS),
        "",
    ]


def evidence_in_training(runs: Runs) -> list[str]:
    """In how many runs each evidence told which way round the teacher was at the time."""
    lines = [
        "At each look of the runs without the guard: had the evidence the sign of the truth, on "
        "held-out poses of that moment? *Hinges* is what the guard goes by: to which side knees "
        "and elbows are bent about the line of the hips or shoulders. *Trunk* is what it went by "
        "before: how far they lie in front, forward taken from the trunk. Looks at which the truth "
        f"itself is undecided ({CLEAR:g} mm) are left out. *Running* is the mean over the batches "
        "so far, which decides.",
        "",
        "| legs | step | looks | hinges right | trunk right | running right |",
        "|---|---|---|---|---|---|",
    ]
    for hidden, name in (("", "seen"), ("legs", "hidden")):
        off = [run for run in runs if not run["guard"] and run["hidden"] == hidden]
        points = [point for run in off for point in run["trace"]]
        for step in sorted({point["step"] for point in points}):
            sure = [p for p in points if p["step"] == step and abs(margin(p)) >= CLEAR]
            if sure:
                shares = " | ".join(share_right(sure, kind) for kind in KINDS_OF_LOOK)
                lines.append(f"| {name} | {step} | {len(sure)} | {shares} |")
    return [*lines, ""]


KINDS_OF_LOOK = ("hinges", "trunk", "running")


def share_right(points: Runs, kind: str) -> str:
    """How many looks at which an evidence had the sign of the truth."""
    right = sum((point[kind] > 0) == (margin(point) > 0) for point in points)
    return f"{right} ({100 * right / len(points):.0f} %)"


def anatomy(told: dict) -> list[str]:
    """What the true poses say, without training."""
    kinds = list(told["all"]["mean"])
    lines = [
        "## The evidence on true poses",
        "",
        f"All {told['frames']:,} frames of the {told['clips']} training clips, no training. Each "
        "kind should be positive. A share is of frames with the right sign; the mean is in metres. "
        "*Legs hidden*: hips, knees and ankles are missing, and the elbows are judged about the "
        "shoulders' line.",
        "",
        "| evidence | mean, m | right sign | lowest mean of a clip, m |",
        "|---|---|---|---|",
    ]
    for kind in kinds:
        mean, right = told["all"]["mean"][kind], told["all"]["right"][kind]
        lines.append(f"| {kind} | {mean:+.3f} | {share(right)} | {told['worst_clip'][kind]:+.3f} |")
    lines += [
        "",
        "The head says nothing: its top lies before the neck about as often as behind it. In this "
        "motion capture knees and elbows are hinges by construction (one degree of freedom), which "
        "flatters the hinges; people's elbows turn a little more freely.",
        "",
        "### Unusual poses",
        "",
        "Where the sign is right, by how far the trunk leans from the vertical and by how far it "
        "is folded against the thighs (180° stands, 90° sits or crawls):",
        "",
        *by_pose(told, kinds),
        "",
        f"The clips with the most frames that lean by more than 60°. The set reaches "
        f"{told['most_tilted']:.0f}° ({told['beyond_90']} frames beyond 90°): it has no "
        "handstands. Both kinds of evidence do not change when a body is turned as a whole, so a "
        "cartwheel is to them what the same pose is upright; what changes is how trunk and limbs "
        "lie to each other.",
        "",
        "| clip | frames beyond 60° | of | hinges right | trunk right | knees, trunk |",
        "|---|---|---|---|---|---|",
    ]
    for each in told["unusual"]:
        right = [share(each["right"][k]) for k in ("both, hinges", "both, trunk", "knees, trunk")]
        cells = [f"`{each['clip']}`", str(each["frames"]), str(each["length"]), *right]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def by_pose(told: dict, kinds: list[str]) -> list[str]:
    """Shares of right signs by tilt and fold."""
    kinds = [kind for kind in kinds if kind not in ("head before neck", "legs hidden, hinges")]
    lines = [f"| pose | frames | {' | '.join(kinds)} |", "|---" * (len(kinds) + 2) + "|"]
    for name, what in (("tilt", "leans"), ("fold", "folded to")):
        for bin_, each in told[name].items():
            if each["frames"]:
                low, high = map(int, bin_.split("-"))
                shares = " | ".join(share(each["right"][kind]) for kind in kinds)
                lines.append(f"| {what} {low}–{min(high, 180)}° | {each['frames']} | {shares} |")
    return lines


def share(value: float) -> str:
    """A share in percent; 100 only where it is all."""
    return "100 %" if value == 1 else f"{min(100 * value, 99.9):.1f} %"


def draw(record: dict, path: Path) -> None:
    """The picture: outcomes by rig, pitch, and evidence by pose."""
    mpl.use("Agg")
    figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained")
    for axis, rig in zip(axes[0], RIGS, strict=True):
        draw_outcomes(axis, [run for run in record["runs"] if run["rig"] == rig], RIGS[rig])
    draw_pitch(axes[1, 0], record["runs"])
    draw_poses(axes[1, 1], record["anatomy"])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_outcomes(axis: plt.Axes, runs: Runs, title: str) -> None:
    """A dot a run: by how much negating its depth makes it worse."""
    names = [*SAMPLERS, *(["legs hidden"] if any(run["hidden"] for run in runs) else [])]
    for place, name in enumerate(names):
        for guard, shift in ((False, -0.18), (True, 0.18)):
            values = [margin(r) for r in runs if label(r) == name and r["guard"] is guard]
            x = place + shift + np.linspace(-0.1, 0.1, len(values))
            colours = [RIGHT if value > 0 else WRONG for value in values]
            filled = colours if guard else "none"
            axis.scatter(x, values, s=26, edgecolors=colours, facecolors=filled, linewidths=1.2)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set(xlim=(-0.5, len(names) - 0.5), ylim=None if runs else (-100, 100))
    axis.set_xticks(range(len(names)), names, fontsize=9)
    axis.set_title(f"{title}: hollow without the guard, filled with it", fontsize=10)
    axis.set_ylabel("P-MPJPE: depth negated less as it is, mm")


def label(run: dict) -> str:
    """A run's place in the picture."""
    return "legs hidden" if run["hidden"] else run["sampler"]


def draw_pitch(axis: plt.Axes, runs: Runs) -> None:
    """The pitch that was learnt, with the guard and without it."""
    names = [(rig, sampler) for rig in RIGS for sampler in ("learned", "learned_spread")]
    for place, (rig, sampler) in enumerate(names):
        for guard, shift in ((False, -0.18), (True, 0.18)):
            chosen = [run for run in runs if (run["rig"], label(run)) == (rig, sampler)]
            values = [run["pitch"] for run in chosen if run["guard"] is guard]
            x = place + shift + np.linspace(-0.1, 0.1, len(values))
            filled = RIGHT if guard else "none"
            axis.scatter(x, values, s=26, edgecolors=RIGHT, facecolors=filled, linewidths=1.2)
        axis.hlines(TRUE_PITCH[rig], place - 0.4, place + 0.4, colors=GREY, linestyles="--")
    ticks = [f"{sampler}\n{RIGS[rig]}" for rig, sampler in names]
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.set_xticks(range(len(names)), ticks, fontsize=8)
    axis.set_title("pitch found (dashed: the cameras' mean)", fontsize=10)
    axis.set_ylabel("degrees")


def draw_poses(axis: plt.Axes, told: dict) -> None:
    """Shares of right signs by how far the trunk is folded against the thighs, and by its lean."""
    bins = [("fold", each) for each in reversed(told["fold"])] + [
        ("tilt", "60-75"),
        ("tilt", "75-181"),
    ]
    bins = [(name, each) for name, each in bins if told[name][each]["frames"]]
    styles = {
        "knees, hinges": (RIGHT, "-"), "elbows, hinges": (RIGHT, "--"),
        "knees, trunk": (WRONG, "-"), "elbows, trunk": (WRONG, "--"),
    }  # fmt: skip
    for kind, (colour, line) in styles.items():
        shares = [100 * told[name][each]["right"][kind] for name, each in bins]
        axis.plot(shares, color=colour, linestyle=line, marker="o", markersize=4, label=kind)
    ticks = [f"{'folded to' if name == 'fold' else 'leans'}\n{each.replace('181', '180')}°"
             for name, each in bins]  # fmt: skip
    axis.set_xticks(range(len(bins)), ticks, fontsize=8)
    axis.set_title("frames with the right sign, %", fontsize=10)
    axis.legend(frameon=False, fontsize=8)
