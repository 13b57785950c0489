"""MMPose: the predictions of its Inferencer and of its demos."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from posenet3d.keypoints.found_people import MAX_TRACK, FoundPeople, numbers, shown, whole
from posenet3d.keypoints.frame_names import frame_numbers
from posenet3d.keypoints.glance import glance
from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import MAX_FRAMES, KeypointSource

_CANDIDATES = ("coco_17", "h36m_17", "mpii_16", "coco_18", "halpe_26")


class MMPoseReader:
    """Reader of the JSON files of MMPose 1.

    ``MMPoseInferencer(...)(video, pred_out_dir=...)`` writes one file a video,

    .. code-block:: text

        [{"frame_id": 0, "instances": [
            {"keypoints": [[x, y], ...], "keypoint_scores": [s, ...],
             "bbox": [[x1, y1, x2, y2]], "bbox_score": 0.9}, ...]}, ...]

    and for images one file an image, which holds the list of instances alone: a folder of these is
    read as a video, by the numbers in the files' names. The demos (``--save-predictions``) write
    ``{"meta_info": {...}, "instance_info": ...}`` around either; they count frames from 1, the
    Inferencer from 0, and the numbers are kept. Coordinates are pixels of the image.

    ``meta_info`` names the joints, and these names tell the layout. A file without it and with 17
    joints may be in COCO's order or in Human3.6M's: the reader asks for ``layout=``. Of 133 and
    136 joints the body's are taken. Nothing tells the frame rate. An instance's ``track_id`` is
    kept where there is one.

    Example:
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> person = {"keypoints": [[5.0, 6.0]] * 17, "keypoint_scores": [0.9] * 17}
        >>> frames = [{"frame_id": number, "instances": [person]} for number in range(9)]
        >>> path = Path(tempfile.mkdtemp(), "walk.json")
        >>> _ = path.write_text(json.dumps(frames))
        >>> MMPoseReader().read(KeypointSource(path), Told(layout="coco_17", fps=30.0))
        (KeypointSequence('walk': 9 frames of 'coco_17', 30 fps, pixels),)
    """

    def sniff(self, source: KeypointSource) -> bool:
        """Whether it holds ``instance_info``, frames with ``instances``, or instances."""
        value = glance(source)
        if isinstance(value, dict):
            return "instance_info" in value
        if not isinstance(value, list) or not value or not isinstance(value[0], dict):
            return False
        return "instances" in value[0] or {"keypoints", "keypoint_scores"} <= value[0].keys()

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the file or folder."""
        found = FoundPeople(source)
        names, frames = None, 0
        for frame, instances, meta in _frames(source):
            names = names or _joint_names(source, meta)
            frames += 1
            for place, instance in enumerate(instances):
                where = f"frame {frame}, instance {place}"
                found.add(where, frame, *_person(source, where, instance))
        return found.sequences(told, *_CANDIDATES, names=names, frames=frames)


def _frames(source: KeypointSource) -> Iterator[tuple[int, list[Any], Any]]:
    """Each frame's number, instances and ``meta_info``."""
    if not source.is_folder:
        yield from _frames_of_file(source, "file", source.json, 0)
        return
    paths = {path.name: path for path in source.members(".json")}
    for name, frame in frame_numbers(source, paths).items():
        yield from _frames_of_file(source, name, source.json_of(paths[name]), frame)


def _frames_of_file(
    source: KeypointSource, name: str, value: Any, frame: int
) -> Iterator[tuple[int, list[Any], Any]]:
    """The frames of one file; ``frame`` is the number of a file that holds one image."""
    meta, given = None, value
    if isinstance(value, dict):
        meta, value = value.get("meta_info"), value.get("instance_info")
    if not isinstance(value, list):
        expected = "a list of frames or of instances, or one in instance_info"
        raise source.error(name, expected, shown(given))
    if not value or not isinstance(value[0], dict) or "instances" not in value[0]:
        yield frame, value, meta
        return
    if source.is_folder:
        raise source.error(name, "one image a file", "a file with frames", "read it alone")
    for place, entry in enumerate(value):
        where = f"entry {place}"
        if not isinstance(entry, dict) or not isinstance(entry.get("instances"), list):
            raise source.error(where, "a frame with a list of instances", shown(entry))
        number = whole(source, f"{where}, frame_id", entry.get("frame_id"), MAX_FRAMES)
        yield number, entry["instances"], meta


def _person(
    source: KeypointSource, where: str, instance: Any
) -> tuple[Float[np.ndarray, "joints 3"], int | None]:
    if not isinstance(instance, dict) or not isinstance(instance.get("keypoints"), list):
        raise source.error(where, "an instance with keypoints", shown(instance))
    points = instance["keypoints"]
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        got = next(point for point in points if not isinstance(point, list) or len(point) != 2)
        raise source.error(
            f"{where}, keypoints", "x and y of each joint", shown(got),
            "save the 2D predictions if these are the 3D ones",
        )  # fmt: skip
    flat = numbers(source, f"{where}, keypoints", [value for point in points for value in point])
    scores = numbers(source, f"{where}, keypoint_scores", instance.get("keypoint_scores"))
    if len(scores) != len(points):
        raise source.error(
            f"{where}, keypoint_scores", f"{len(points)}, one a joint", f"{len(scores)}"
        )
    track = instance.get("track_id")
    if track is not None and track != -1:
        track = whole(source, f"{where}, track_id", track, MAX_TRACK)
    return np.column_stack([flat.reshape(-1, 2), scores]), None if track == -1 else track


def _joint_names(source: KeypointSource, meta: Any) -> tuple[str, ...] | None:
    """The names in ``meta_info``, whose keys are numbers written as text."""
    named = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if named is None:
        return None
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
        raise source.error("keypoint_id2name", "a joint's name by its number", shown(named))
    try:
        return tuple(named[str(place)] for place in range(len(named)))
    except KeyError as error:
        raise source.error(
            "keypoint_id2name", f"numbers 0 to {len(named) - 1}", f"no {error}"
        ) from None
