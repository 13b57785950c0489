"""What ``posenet3d lift`` says of a lifted motion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from posenet3d.errors import how_many

if TYPE_CHECKING:
    from posenet3d.keypoints import KeypointSequence
    from posenet3d.keypoints.repair import RepairLog
    from posenet3d.reconstruction import Reconstruction


def facts_of_lifting(
    lifted: "Reconstruction", log: "RepairLog", people: "Sequence[KeypointSequence]"
) -> dict[str, Any]:
    """What ``--json`` says of a lifted motion, as values that JSON can hold.

    Args:
        lifted: the motion.
        log: what was repaired before.
        people: everyone in the file.
    """
    camera = lifted.camera
    seen: KeypointSequence = lifted.keypoints
    return {
        "source": seen.source,
        "person": seen.track_id,
        "people": [{"track": each.track_id, "frames": len(each)} for each in people],
        "frames": len(lifted),
        "fps": lifted.fps,
        "stretches": 1 + int((seen.frame_index[1:] - seen.frame_index[:-1] > 1).sum()),
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


def summary(lifted: "Reconstruction") -> str:
    """What the terminal says of a lifted motion, in a few lines.

    Args:
        lifted: the motion.
    """
    seconds = len(lifted) / lifted.fps
    frames = how_many(len(lifted), "frame")
    lines = [f"Lifted {frames} ({seconds:.1f} s) of {lifted.keypoints.source!r}."]
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
