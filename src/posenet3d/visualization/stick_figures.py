"""A skeleton of any layout on matplotlib's axes: left limbs blue, right ones vermilion."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from posenet3d.skeletons import Skeleton
from posenet3d.visualization.figures import BLUE, INK, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE_COLOURS: Mapping[str, str] = MappingProxyType(
    {"left": BLUE, "right": VERMILION, "middle": INK}
)
"""The colour of each side of the body."""


def side_of(name: str) -> str:
    """The side of the body that a joint is on: ``left``, ``right`` or ``middle``.

    Example:
        >>> side_of("left_knee"), side_of("neck")
        ('left', 'middle')
    """
    side = name.partition("_")[0]
    return side if side in ("left", "right") else "middle"


def side_of_bone(skeleton: Skeleton, bone: tuple[int, int]) -> str:
    """The side of a bone: that of its ends, ``middle`` where it joins both sides.

    Example:
        >>> from posenet3d.skeletons import LSP_14
        >>> side_of_bone(LSP_14, LSP_14.indices("neck", "left_hip"))
        'left'
    """
    sides = {side_of(skeleton.joint_names[joint]) for joint in bone} - {"middle"}
    return sides.pop() if len(sides) == 1 else "middle"


def draw_sticks(
    axes: "Axes",
    points: Float[np.ndarray, "joints 2"],
    skeleton: Skeleton,
    *,
    width: float = 1.8,
    nearness: Float[np.ndarray, " joints"] | None = None,
    confidence: Float[np.ndarray, " joints"] | None = None,
    halo: bool = False,
) -> None:
    """Draws the bones, those far from the viewer first; unknown joints (NaN) are left out.

    Args:
        axes: where to draw.
        points: (J, 2) in the axes' coordinates.
        skeleton: whose bones.
        width: of a bone, points.
        nearness: (J,) how near each joint is to the viewer; in the layout's order where ``None``.
        confidence: (J,) from 0 to 1: unsure bones are paler.
        halo: a white edge around the bones, for photographs.

    Example:
        >>> from posenet3d.skeletons import LSP_14
        >>> from posenet3d.visualization.figures import new_figure
        >>> axes = new_figure(1.0, 1.0).add_subplot()
        >>> draw_sticks(axes, np.zeros((14, 2)), LSP_14)
        >>> len(axes.collections)
        1
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    near = np.zeros(len(points)) if nearness is None else np.nan_to_num(nearness)
    sure = np.ones(len(points)) if confidence is None else np.clip(confidence, 0, 1)
    known = [bone for bone in skeleton.bones if np.isfinite(points[list(bone)]).all()]
    known.sort(key=lambda bone: near[list(bone)].sum())
    places = [points[list(bone)] for bone in known]
    paints = [
        to_rgba(
            SIDE_COLOURS[side_of_bone(skeleton, bone)], bone_strength(float(sure[list(bone)].min()))
        )
        for bone in known
    ]
    if halo:
        white = [(1.0, 1.0, 1.0, 0.8 * strength) for *_, strength in paints]
        axes.add_collection(LineCollection(places, colors=white, linewidths=width + 1.6,
                                           capstyle="round", zorder=2), autolim=False)  # fmt: skip
    axes.add_collection(LineCollection(places, colors=paints, linewidths=width,
                                       capstyle="round", zorder=3), autolim=False)  # fmt: skip


def draw_side_key(figure: "Figure", above: float) -> None:
    """Says at the lower left which colour is which side.

    Args:
        figure: where to draw.
        above: inches above the figure's lower edge.

    Example:
        >>> from posenet3d.visualization.figures import new_figure
        >>> figure = new_figure(4.0, 3.0)
        >>> draw_side_key(figure, 0.1)
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['left limbs', 'right limbs']
    """
    from matplotlib.lines import Line2D

    sides = ("left", "right")
    lines = [Line2D([], [], color=SIDE_COLOURS[side], linewidth=2.2) for side in sides]
    figure.legend(lines, [f"{side} limbs" for side in sides], loc="lower left", ncols=2,
                  frameon=False, fontsize=8, bbox_to_anchor=(0.0, above / figure.get_figheight()),
                  bbox_transform=figure.transFigure)  # fmt: skip


def bone_strength(confidence: float) -> float:
    """How opaque a bone of some confidence is: what is unsure stays visible.

    Example:
        >>> bone_strength(0.0)
        0.15
    """
    return 0.15 + 0.85 * confidence
