"""The picture of the benchmark of robustness: errors against cameras, poses, noise, gaps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from robustness_measures import (
    COMPONENTS,
    EXACT,
    FACTORS,
    FIXED,
    FLAT,
    FLICKERING,
    LASTING,
    OCCLUDED,
    WILD,
    Condition,
)
from robustness_page import HEADS, best_head, complete, moves, own_scale, record

from posenet3d.skeletons import LSP_14
from posenet3d.visualization.figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    VERMILION,
    new_figure,
    save_figure,
)

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, INK)
LINES = {"teacher": "--", "student": ":"}
AXES = {
    "pitch": "camera's pitch, degrees",
    "roll": "camera's roll, degrees",
    "distance": "person's distance, m",
    "focal": "focal length, half widths",
    "tilt": "torso's tilt, degrees",
}
Results = Mapping[str, Any]
Values = Sequence[Mapping[str, float]]


def draw(results: Results, path: Path) -> None:
    """Rows: protocols and cameras; poses, joints; moving cameras; a detector; missing joints."""
    figure = new_figure(13.5, 15.5)
    grid = figure.add_gridspec(
        5, 30, left=0.045, right=0.99, top=0.95, bottom=0.04, hspace=0.45, wspace=2.2
    )
    panels = [
        *(figure.add_subplot(grid[0, 6 * n : 6 * n + 6]) for n in range(5)),
        figure.add_subplot(grid[1, :10]), figure.add_subplot(grid[1, 11:]),
        figure.add_subplot(grid[2, :]),
        *(figure.add_subplot(grid[3, 6 * n : 6 * n + 6]) for n in range(5)),
        figure.add_subplot(grid[4, :9]), figure.add_subplot(grid[4, 10:19]),
        figure.add_subplot(grid[4, 20:]),
    ]  # fmt: skip
    protocols(panels[0], results)
    for axes, name in zip(panels[1:6], AXES, strict=True):
        by_bin(axes, results, name)
    by_joint(panels[6], results)
    by_move(panels[7], results)
    for axes, name in zip(panels[8:13], COMPONENTS, strict=True):
        by_factor(axes, results, name)
    for axes, kind in zip(panels[13:15], (FLICKERING, LASTING), strict=True):
        by_count(axes, results, kind)
    occlusions(panels[15], results)
    for row in (panels[:5], panels[5:7], panels[7:8], panels[8:13], panels[13:]):
        finish(row)
    key(figure, results)
    save_figure(figure, path)


def values_of(results: Results, network: str, chosen: Sequence[Condition]) -> Values:
    """Each condition's P-MPJPE by head."""
    return [record(results, network, condition)["p_mpjpe"] for condition in chosen]


def curves(axes: Any, results: Results, places: Mapping[str, Sequence[float]], found: Any) -> None:
    """A thick line of each network's own answer, thin ones of its heads, grey for flat depth."""
    for number, network in enumerate(complete(results)):
        colour, values = COLOURS[number % len(COLOURS)], found[network]
        own = best_head(values[0])
        for head, style in LINES.items():
            if head in values[0] and head != own:
                line = [each[head] for each in values]
                axes.plot(places[network], line, style, color=colour, linewidth=1.0, alpha=0.75)
        line = [each[own] for each in values]
        axes.plot(places[network], line, "o-", color=colour, linewidth=1.9, markersize=4)
        if number == 0:
            line = [each[FLAT] for each in values]
            axes.plot(places[network], line, "-", color=GREY, linewidth=1.4, zorder=1)


def markers(axes: Any, results: Results, labels: Sequence[str], found: Any) -> None:
    """For things without an order: marks beside each other, flat depth a grey bar."""
    networks = complete(results)
    places = np.arange(len(labels), dtype=float)
    for number, network in enumerate(networks):
        colour, values = COLOURS[number % len(COLOURS)], found[network]
        own = best_head(values[0])
        across = places + place_of(number, len(networks))
        shapes = {"teacher": "_", "student": "x"}
        for head in (each for each in HEADS if each in values[0]):
            shape = "o" if head == own else shapes[head]
            line = [each[head] for each in values]
            axes.plot(across, line, shape, color=colour, markersize=6, markeredgewidth=1.3)
        if number == 0:
            axes.hlines([each[FLAT] for each in values], places - 0.4, places + 0.4, color=GREY)
    axes.set_xticks(places, labels)
    axes.set_xlim(-0.6, len(labels) - 0.4)


def place_of(number: int, networks: int) -> float:
    """Where a network's marks stand beside a label."""
    return min(0.22, 0.7 / networks) * (number - 0.5 * (networks - 1))


def protocols(axes: Any, results: Results) -> None:
    """The fixed rig beside wild cameras."""
    chosen = [Condition("cameras", protocol) for protocol in (FIXED, WILD)]
    found = {each: values_of(results, each, chosen) for each in complete(results)}
    markers(axes, results, ["CMU-14", "CMU-14 wild"], found)
    axes.set_title("Cameras of a rig, and wild ones", fontsize=10)


def by_bin(axes: Any, results: Results, name: str) -> None:
    """Parts of the wild protocol; a part stands at its frames' mean."""
    rows = {
        each: record(results, each, Condition("cameras", WILD))["bins"][name]
        for each in complete(results)
    }
    places = {network: [row["mean"] for row in found] for network, found in rows.items()}
    found = {network: [row["p_mpjpe"] for row in bins] for network, bins in rows.items()}
    curves(axes, results, places, found)
    axes.set_xlabel(AXES[name], fontsize=9)
    axes.set_title(f"Wild, by {AXES[name].partition(',')[0]}", fontsize=10)


def by_joint(axes: Any, results: Results) -> None:
    """Each joint's part."""
    found = {}
    for network in complete(results):
        heads = record(results, network, Condition("cameras", WILD))["per_joint"]
        joints = zip(*heads.values(), strict=True)
        found[network] = [dict(zip(heads, each, strict=True)) for each in joints]
    short = [name.replace("right_", "R ").replace("left_", "L ") for name in LSP_14.joint_names]
    markers(axes, results, [name.replace("_", " ") for name in short], found)
    axes.tick_params(axis="x", labelrotation=30)
    axes.set_title("Wild, joint by joint", fontsize=10)


def by_move(axes: Any, results: Results) -> None:
    """Cameras that move; triangles with one scale a sequence."""
    rows = {
        each: [record(results, each, condition) for condition in moves()]
        for each in complete(results)
    }
    found = {each: [own_scale(row)["p_mpjpe"] for row in of] for each, of in rows.items()}
    labels = [f"{each.name or 'still'}\n{each.amount:g}" for each in moves()]
    markers(axes, results, labels, found)
    for number, of in enumerate(rows.values()):
        trained = [next(iter(row["scales"].values()))["p_mpjpe"] for row in of]
        line = [values[best_head(values)] for values in trained]
        colour = COLOURS[number % len(COLOURS)]
        places = np.arange(len(line)) + place_of(number, len(rows))
        axes.plot(places, line, "^", color=colour, markersize=6, markerfacecolor="none")
    axes.set_title("Wild cameras that move; triangles: one scale for the sequence", fontsize=10)


def by_factor(axes: Any, results: Results, name: str) -> None:
    """A component of a detector's errors."""
    chosen = [EXACT, *(Condition("noise", WILD, name, factor) for factor in FACTORS)]
    found = {each: values_of(results, each, chosen) for each in complete(results)}
    curves(axes, results, dict.fromkeys(found, (0.0, *FACTORS)), found)
    axes.set_xlabel(f"times {results['noise']}", fontsize=9)
    axes.set_title(f"Detector: {name}", fontsize=10)


def by_count(axes: Any, results: Results, kind: str) -> None:
    """A number of missing joints."""
    chosen = [EXACT, *(Condition("missing", WILD, kind, count) for count in range(1, 7))]
    found = {each: values_of(results, each, chosen) for each in complete(results)}
    curves(axes, results, dict.fromkeys(found, range(7)), found)
    axes.set_xlabel("missing joints a frame", fontsize=9)
    axes.set_title(f"Missing: {kind}", fontsize=10)


def occlusions(axes: Any, results: Results) -> None:
    """What may hide a part of a person."""
    chosen = [EXACT, *(Condition("missing", WILD, each, len(OCCLUDED[each])) for each in OCCLUDED)]
    found = {each: values_of(results, each, chosen) for each in complete(results)}
    labels = ["nothing", *(name.replace(" below", "\nbelow") for name in OCCLUDED)]
    markers(axes, results, labels, found)
    axes.set_title("Missing: all the window, by name", fontsize=10)


def finish(row: Sequence[Any]) -> None:
    """One scale for the panels of a row, from zero; plain frames."""
    top = 1.06 * max(axes.dataLim.y1 for axes in row)
    for axes in row:
        axes.set_ylim(0, top)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in row[1:]:
        axes.tick_params(labelleft=False)
    row[0].set_ylabel("P-MPJPE, mm", fontsize=9)


def key(figure: Any, results: Results) -> None:
    """Colours and kinds of lines."""
    from matplotlib.lines import Line2D

    networks = complete(results)
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(networks))]
    lines = [
        *(Line2D([], [], color=colour, marker="o") for colour in colours),
        Line2D([], [], color=INK, linestyle="--", linewidth=1.0, marker="_"),
        Line2D([], [], color=INK, linestyle=":", linewidth=1.0, marker="x"),
        Line2D([], [], color=GREY),
    ]
    names = [*(f"{name}: mean of its heads" for name in networks)]
    names += ["its teacher", "its student", "flat depth"]
    figure.legend(lines, names, loc="upper center", ncols=len(names), frameon=False, fontsize=10)
