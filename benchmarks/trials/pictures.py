"""The pictures of the findings: trials side by side, curves, joints, reprojections."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trials.report import Findings

PANELS: dict[str, tuple[str, ...]] = {
    "Priors and parts": ("flow-prior", "flow-and-game", "partwise"),
    "What the discriminator sees": ("augment", "augment-flip", "parts", "single-frames"),
    "Length and size of steps": ("ema", "batch-128", "batch-512"),
    "The discriminator's strength": (
        "d-rate-double", "d-rate-half", "d-every-2", "d-rests", "d-wide", "d-narrow",
    ),
    "Slopes and forms": (
        "spectral", "gradient-penalty", "gradient-penalty-weak", "wgan-gp", "least-squares",
    ),
    "Losses": (
        "quick", "proportions-1", "proportions-15", "no-bone-length", "no-temporal", "no-self",
        "paper-weights",
    ),
    "Input": ("frame", "frames-27", "noise", "limbs", "mirrored-data", "dropout"),
    "Diagnoses": ("supervised", "sees-all"),
}  # fmt: skip
"""Which trials' curves are drawn together, beside `best`."""
SIDES = {"left": "#0072B2", "right": "#D55E00", "middle": "#8A8A8A"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#222222")
DRAWN = slice(1, 7)
"""Which of the poses that a record keeps are drawn."""


def draw_all(findings: Findings, folder: Path) -> None:
    """Write every picture that the records allow."""
    for name, draw in (
        ("trials", trials),
        ("curves", curves),
        ("joints", joints),
        ("reprojections", reprojections),
    ):
        from posenet3d.visualization.figures import save_figure

        figure = draw(findings)
        if figure is not None:
            save_figure(figure, folder / f"findings_{name}.png")


def trials(findings: Findings) -> Any:
    """A bar a trial, a dot a seed, best first; `best` as a line."""
    from posenet3d.visualization.figures import BLUE, GREEN, GREY, INK, VERMILION, new_figure

    names = findings.trials
    figure = new_figure(7.5, 0.26 * len(names) + 0.8)
    axes = figure.subplots()
    best = findings.error("best") if "best" in names else None
    for row, name in enumerate(names):
        error = findings.error(name)
        better = best is not None and error < best
        colour = GREEN if name in DIAGNOSES else BLUE if name == "best" else GREY
        axes.barh(row, error, color=colour, alpha=0.9 if better or name == "best" else 0.55)
        seeds = findings.values(name, "p_mpjpe")
        axes.plot(seeds, [row] * len(seeds), "o", color=VERMILION, markersize=4)
        axes.annotate(
            f"{error:.1f}",
            (1, row),
            xytext=(4, 0),
            textcoords="offset points",
            color=INK if colour == GREY else "white",
            va="center",
            fontsize=7,
        )
    if best is not None:
        axes.axvline(best, color=BLUE, linewidth=1)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.05 * max(max(findings.values(name, "p_mpjpe")) for name in names))
    axes.set_xlabel(
        f"P-MPJPE after {findings.steps} steps, held-out training subjects, mm "
        "(dots: seeds; green: diagnoses)",
        fontsize=8,
    )
    plain(axes)
    figure.tight_layout()
    return figure


DIAGNOSES = PANELS["Diagnoses"]


def curves(findings: Findings) -> Any:
    """P-MPJPE by step, one panel a question, `best` in grey in each."""
    from posenet3d.visualization.figures import GREY, new_figure

    panels = {
        title: [name for name in names if curves_of(findings, name)]
        for title, names in PANELS.items()
    }
    panels = {title: names for title, names in panels.items() if names}
    if not panels:
        return None
    columns, rows = 2, -(-len(panels) // 2)
    figure = new_figure(9.0, 2.5 * rows + 0.4)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    everything = [value for names in panels.values() for name in names
                  for curve in curves_of(findings, name) for value in curve[1]]  # fmt: skip
    for axes, (title, names) in zip(grid.flat, panels.items(), strict=False):
        for curve in curves_of(findings, "best"):
            axes.plot(*curve, color=GREY, linewidth=2.5, alpha=0.6, label="best")
        for name, colour in zip(names, COLOURS, strict=False):
            for curve in curves_of(findings, name):
                axes.plot(*curve, color=colour, linewidth=1.2, label=name)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_ylim(min(everything) - 2, min(max(everything) + 25, 145))
        plain(axes)
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
        key(axes)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("P-MPJPE, mm", fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("share of the training's windows seen", fontsize=8)
    figure.tight_layout()
    return figure


def curves_of(findings: Findings, name: str) -> list[tuple[list[float], list[float]]]:
    """A trial's curves, one a seed: shares of the training, and errors."""
    found = []
    for record in findings.of(name):
        points = record.get("curve", ())
        if points:
            last = points[-1]["step"]
            found.append(([p["step"] / last for p in points], [p["p_mpjpe"] for p in points]))
    return found


def joints(findings: Findings) -> Any:
    """Each joint's error: `quick`, `best`, and the network that was told the truth."""
    from posenet3d.skeletons import LSP_14
    from posenet3d.visualization.figures import BLUE, GREEN, GREY, new_figure

    colours = {"quick": GREY, "best": BLUE, "supervised": GREEN}
    names = [name for name in colours if findings.joint_errors(name)]
    if not names:
        return None
    figure = new_figure(9.0, 3.2)
    axes = figure.add_axes((0.07, 0.32, 0.92, 0.62))
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        errors = findings.joint_errors(name)
        places = [joint + (number - (len(names) - 1) / 2) * width for joint in range(len(errors))]
        axes.bar(places, errors, width, color=colours[name], label=name)
    labels = [name.replace("_", " ") for name in LSP_14.joint_names]
    axes.set_xticks(range(len(labels)), labels, rotation=50, ha="right", fontsize=8)
    axes.set_ylabel("error after alignment, mm", fontsize=8)
    plain(axes)
    key(axes)
    return figure


def reprojections(findings: Findings) -> Any:
    """Real 2D poses of held-out people, and reprojections by `quick` and `best` below them."""
    from posenet3d.visualization.figures import new_figure

    records = {name: findings.of(name) for name in ("quick", "best")}
    rows: dict[str, list[Any]] = {}
    for name, found in records.items():
        if found and "real" in found[0]:
            rows.setdefault("real", found[0]["real"][DRAWN])
            rows[f"{name},\nfrom another view"] = found[0]["reprojected"][DRAWN]
    if not rows:
        return None
    count = len(rows["real"])
    figure = new_figure(1.35 * count + 0.9, 1.75 * len(rows))
    grid = figure.subplots(len(rows), count, squeeze=False)
    figure.subplots_adjust(left=0.11, right=0.995, top=0.99, bottom=0.01, wspace=0.02, hspace=0.04)
    for line, (label, poses) in zip(grid, rows.items(), strict=True):
        for axes, pose in zip(line, poses, strict=True):
            skeleton(axes, pose)
        line[0].set_ylabel(label, fontsize=9)
    return figure


def skeleton(axes: Any, pose: list[list[float]]) -> None:
    """One 2D skeleton, y down as in the image."""
    from posenet3d.skeletons import LSP_14

    for bone in LSP_14.bones:
        names = [LSP_14.joint_names[joint] for joint in bone]
        side = next((s for s in ("left", "right") if all(n.startswith(s) for n in names)), "middle")
        x, y = zip(*(pose[joint] for joint in bone), strict=True)
        axes.plot(x, y, color=SIDES[side], linewidth=1.6, solid_capstyle="round")
    axes.set(xlim=(-0.11, 0.11), ylim=(0.15, -0.13), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_color("#E4E4E4")


def plain(axes: Any) -> None:
    """No frame at the top and at the right, small numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def key(axes: Any) -> None:
    """Each name once."""
    handles, labels = axes.get_legend_handles_labels()
    once: Iterable[tuple[str, Any]] = dict(zip(labels, handles, strict=True)).items()
    names, lines = zip(*once, strict=True)
    axes.legend(lines, names, fontsize=7, frameon=False, loc="upper right", ncols=2)
