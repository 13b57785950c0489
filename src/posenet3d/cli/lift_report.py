"""What ``posenet3d lift`` says of a lifted motion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from posenet3d.errors import how_many

if TYPE_CHECKING:
    from posenet3d.keypoints import KeypointSequence
    from posenet3d.keypoints.repair import RepairLog
    from posenet3d.reconstruction import Reconstruction

_FEW_OUTSIDE = 0.02
"""Detectors place some joints of people at the edge outside the image."""


def facts_of_lifting(
    lifted: "Reconstruction", log: "RepairLog", people: "Sequence[KeypointSequence]"
) -> dict[str, Any]:
    """What ``--json`` says of a lifted motion, as values that JSON can hold.

    Args:
        lifted: the motion.
        log: what was repaired before.
        people: everyone in the file.
    """
    from posenet3d.keypoints.stretches import stretches_of

    camera = lifted.camera
    seen: KeypointSequence = lifted.keypoints
    return {
        "source": seen.source,
        "person": seen.track_id,
        "people": [{"track": each.track_id, "frames": len(each)} for each in people],
        "frames": len(lifted),
        "fps": lifted.fps,
        "stretches": len(stretches_of(seen.frame_index)),
        "duration": lifted.duration,
        "first_frame": int(seen.frame_index[0]),
        "layout": seen.layout,
        "repaired": [str(step) for step in log.steps],
        "invented_share": float(lifted.invented.mean()) if lifted.invented is not None else 0.0,
        "height_m": lifted.height_m,
        "metric": lifted.metric,
        "body_family": None if lifted.body is None else lifted.body.family,
        "camera": camera
        and {"focal": camera.focal, "centre": list(camera.centre), "given": camera.given},
        "up": lifted.up.tolist(),
        "up_from": lifted.up_from,
        "provenance": dict(lifted.provenance),
    }


def doubt_of_size(seen: "KeypointSequence") -> str:
    """A question, if joints lie outside the image but none would with its sides exchanged.

    Args:
        seen: a person's 2D.

    Example:
        >>> import numpy as np
        >>> from posenet3d.keypoints import KeypointSequence
        >>> points = np.full((1, 17, 2), [300.0, 500.0])
        >>> walk = KeypointSequence(points, layout="coco_17", fps=25.0, image_size=(600, 400))
        >>> print(doubt_of_size(walk).partition(",")[0])
        100 % of the joints lie outside an image of 600x400
    """
    import numpy as np

    known = seen.points[np.isfinite(seen.points).all(axis=-1)]
    if seen.image_size is None or seen.unit != "pixels" or not len(known):
        return ""
    size = seen.image_size
    outside = (known > size).any(axis=-1).mean()
    if outside < _FEW_OUTSIDE or (known > size[::-1]).any():
        return ""
    width, height = size
    return (
        f"{100 * outside:.0f} % of the joints lie outside an image of {width}x{height}, none "
        f"outside {height}x{width}: are width and height exchanged?"
    )


def summary(lifted: "Reconstruction") -> str:
    """What the terminal says of a lifted motion, in a few lines.

    Args:
        lifted: the motion.
    """
    from posenet3d.keypoints.stretches import stretches_of

    frames = how_many(len(lifted), "frame")
    lines = [f"Lifted {frames} ({lifted.duration:.1f} s) of {lifted.keypoints.source!r}."]
    if missing := lifted.keypoints.span - len(lifted):
        gaps = how_many(len(stretches_of(lifted.keypoints.frame_index)) - 1, "gap")
        told = f"{how_many(missing, 'frame')} in between, in {gaps}, had nobody or no file"
        lines.append(f"{told}; --longest-gap fills short gaps.")
    if (how := lifted.provenance.get("resample", "none")) != "none":
        lines.append(
            f"Resampled {how} for the network; the result has the footage's {lifted.fps:g}."
        )
    if lifted.invented is not None and lifted.invented.any():
        share = 100 * float(lifted.invented.mean())
        lines.append(f"{share:.1f} % of the joints were not seen: their place is a guess.")
    if not lifted.metric:
        lines.append("The scale is not known; --height-m gives it.")
    if lifted.camera is not None and not lifted.camera.given:
        how = lifted.provenance.get("focal", "assumed")
        lines.append(f"Focal length assumed: {lifted.camera.focal:.0f} ({how}).")
    return "\n".join(lines)
