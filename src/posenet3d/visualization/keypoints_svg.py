"""2D keypoints of a frame as a small SVG picture, for pages and browsers."""

import numpy as np

from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import layout
from posenet3d.visualization.motion_tracks import extent_in_image
from posenet3d.visualization.stick_figures import SIDE_COLOURS, bone_strength, side_of_bone


def keypoints_svg(seen: KeypointSequence, frame: int) -> str:
    """One frame's keypoints as SVG markup that fills its place's width.

    Args:
        seen: the keypoints.
        frame: which frame.

    Returns:
        An ``<svg>`` element; only numbers of ours are in it, no text of the file.

    Example:
        >>> seen = KeypointSequence(np.ones((5, 14, 2)), layout="lsp_14", fps=25.0)
        >>> keypoints_svg(seen, 0).count("<line")
        14
    """
    points, skeleton = seen.points[frame], layout(seen.layout)
    left, top, width, height = _shown(seen)
    thick = 0.012 * float(np.linalg.norm(extent_in_image(seen.points)))
    lines = []
    for bone in skeleton.bones:
        ends = points[list(bone)]
        if not np.isfinite(ends).all():
            continue
        (x1, y1), (x2, y2) = ends.tolist()
        sure = bone_strength(float(seen.confidence[frame][list(bone)].min()))
        lines.append(
            f'<line x1="{x1:.6g}" y1="{y1:.6g}" x2="{x2:.6g}" y2="{y2:.6g}" '
            f'stroke="{SIDE_COLOURS[side_of_bone(skeleton, bone)]}" opacity="{sure:.2f}"/>'
        )
    return (
        f'<svg viewBox="{left:.6g} {top:.6g} {width:.6g} {height:.6g}" width="100%" '
        f'style="background:#fff;max-height:50vh" stroke-linecap="round" '
        f'stroke-width="{thick:.4g}">{"".join(lines)}</svg>'
    )


def _shown(seen: KeypointSequence) -> tuple[float, float, float, float]:
    """Left, top, width and height: the image where its size is known, else what holds all."""
    if seen.image_size is not None and seen.unit == "pixels":
        return 0.0, 0.0, float(seen.image_size[0]), float(seen.image_size[1])
    known = seen.points[np.isfinite(seen.points).all(axis=-1)]
    low, high = (known.min(0), known.max(0)) if len(known) else (np.zeros(2), np.ones(2))
    room = 0.08 * float((high - low).max()) or 1.0
    left, top = (low - room).tolist()
    width, height = (high - low + 2 * room).tolist()
    return left, top, width, height
