"""The two diagrams of the page on architecture, drawn when the pages are built.

The layers come from the import contract in ``pyproject.toml``, so the picture cannot disagree
with it.
"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
INK, GREY, BLUE, GREEN, VERMILION = "#222222", "#777777", "#0072B2", "#009E73", "#D55E00"
FILLS = {"teacher": "#DCEBF5", "student": "#D9F0E6", "game": "#F9E2D2", "data": "#EFEFEF"}


def layers() -> list[list[str]]:
    """The rows of the contract, highest first; a name in brackets is optional."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = document["tool"]["importlinter"]["contracts"]
    rows = next(each["layers"] for each in contracts if each["type"] == "layers")
    return [[name.strip() for name in row.split("|")] for row in rows if row != "__main__"]


def box(axes, x, y, width, height, text, *, fill="white", dashed=False, size=9.0) -> None:
    """A rounded box with a text in its middle."""
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=0.09"
    axes.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle=style, facecolor=fill, linewidth=0.9,
            edgecolor=GREY if dashed else INK, linestyle=(0, (4, 3)) if dashed else "solid",
        )
    )  # fmt: skip
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size,
              color=GREY if dashed else INK, linespacing=1.25)  # fmt: skip


def canvas(width: float, height: float):
    """A figure whose one pair of axes is measured in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def draw_layers(path: Path) -> None:
    """The import contract as rows of boxes."""
    rows = layers()
    height, gap, left, width = 0.36, 0.13, 1.15, 6.3
    figure, axes = canvas(8.2, len(rows) * (height + gap) + 0.5)
    top = len(rows) * (height + gap) + 0.3
    for number, row in enumerate(rows):
        y = top - (number + 1) * (height + gap)
        span = (width - 0.12 * (len(row) - 1)) / len(row)
        for place, name in enumerate(row):
            planned = (
                name.startswith("(") and not (ROOT / "src/posenet3d" / name.strip("()")).exists()
            )
            fill = "white" if planned else ["#EAF2F8", "#F4F8FB"][number % 2]
            box(axes, left + place * (span + 0.12), y, span, height, name.strip("()"),
                fill=fill, dashed=planned)  # fmt: skip
    arrow = {"arrowstyle": "-|>", "linewidth": 1.4}
    axes.annotate("", (0.75, top - 0.2), (0.75, 0.45), arrowprops=arrow | {"color": BLUE})
    axes.text(0.5, top / 2 + 0.1, "data", rotation=90, va="center", ha="center",
              color=BLUE, fontsize=9)  # fmt: skip
    axes.annotate("", (7.72, 0.45), (7.72, top - 0.2), arrowprops=arrow | {"color": VERMILION})
    axes.text(7.97, top / 2 + 0.1, "imports", rotation=270, va="center", ha="center",
              color=VERMILION, fontsize=9)  # fmt: skip
    figure.savefig(path, metadata={"Date": None})


def draw_flow(path: Path) -> None:
    """One training step as boxes and arrows."""
    figure, axes = canvas(9.4, 4.1)

    def arrow(start, end, colour=INK, style="solid", curve=0.0) -> None:
        axes.annotate("", end, start, arrowprops={
            "arrowstyle": "-|>", "color": colour, "linewidth": 1.0, "linestyle": style,
            "connectionstyle": f"arc3,rad={curve}", "shrinkA": 0, "shrinkB": 0})  # fmt: skip

    teacher, student, game, data = (FILLS[name] for name in ("teacher", "student", "game", "data"))
    box(axes, 0.15, 1.75, 1.25, 0.6, "2D windows\nx(t), x(t+1)", fill=data)
    box(axes, 1.75, 1.75, 1.05, 0.6, "backbone\nfeatures", fill=data)
    box(axes, 3.2, 2.65, 1.3, 0.6, "teacher\njoints X", fill=teacher)
    box(axes, 3.2, 0.85, 1.3, 0.6, "student\nβ, R → body", fill=student)
    box(axes, 5.0, 2.65, 1.45, 0.6, "turned Y (Eq. 1)\nimage y", fill=teacher)
    box(axes, 5.0, 0.85, 1.45, 0.6, "joints by SJA\nimage y", fill=student)
    box(axes, 6.95, 1.75, 1.25, 0.6, "discriminator", fill=game)
    box(axes, 6.95, 3.25, 1.25, 0.6, "lifted again Ỹ", fill=teacher)
    arrow((1.4, 2.05), (1.75, 2.05))
    arrow((2.8, 2.15), (3.2, 2.85))
    arrow((2.8, 1.95), (3.2, 1.25))
    arrow((4.5, 2.95), (5.0, 2.95))
    arrow((4.5, 1.15), (5.0, 1.15))
    arrow((6.45, 2.85), (6.95, 2.2))
    arrow((6.45, 1.25), (6.95, 1.9))
    arrow((6.45, 3.05), (6.95, 3.5))
    axes.plot([0.78, 0.78, 7.57], [1.75, 0.35, 0.35], color=GREY, linewidth=1.0)
    arrow((7.57, 0.34), (7.57, 1.75), GREY)
    axes.text(6.0, 0.43, "real windows", color=GREY, fontsize=8, ha="center")

    def loss(x, y, text, **align) -> None:
        axes.text(x, y, text, color=VERMILION, fontsize=8.5, va="center", **align)

    loss(8.3, 3.55, "Eq. 2", ha="left")
    loss(8.3, 2.05, "Eq. 5", ha="left")
    loss(3.85, 3.45, "Eq. 3 with X(t+1), Eq. 4", ha="center")
    loss(3.85, 0.62, "Eq. 8, Lβ", ha="center")
    both_ways = {"arrowstyle": "<|-|>", "color": VERMILION, "linestyle": (0, (4, 2))}
    axes.annotate("", (4.0, 1.45), (4.0, 2.65), arrowprops=both_ways)
    loss(4.1, 2.05, "Eq. 7", ha="left")
    axes.text(0.15, 3.85, "Orange: the losses.", color=VERMILION, fontsize=8.5, va="center")
    figure.savefig(path, metadata={"Date": None})


def draw_all(app) -> None:
    """Draw both into the pages' static folder before the build."""
    import matplotlib as mpl

    folder = Path(app.srcdir) / "_static"
    with mpl.rc_context({"svg.hashsalt": "posenet3d", "svg.fonttype": "path"}):
        draw_layers(folder / "layers.svg")
        draw_flow(folder / "flow.svg")


def setup(app) -> dict:
    """Draw when the builder is ready."""
    app.connect("builder-inited", draw_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
