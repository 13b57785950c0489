"""Pose2Sim: files in OpenPose's shape with the joints of other models."""

from posenet3d.keypoints.reader import Told
from posenet3d.keypoints.readers.openpose import read_openpose
from posenet3d.keypoints.sequence import KeypointSequence
from posenet3d.keypoints.source import KeypointSource

_CANDIDATES = (
    "coco_17", "h36m_17", "coco_18", "body_25", "body_25b", "halpe_26", "mediapipe_33", "mpi_15",
)  # fmt: skip


class Pose2SimReader:
    """Reader of Pose2Sim's folders ``pose/<camera>_json``; the caller names the format.

    They look as OpenPose's do, so nothing tells them apart: ``format="pose2sim"`` says it. The
    joints are those of the model in Pose2Sim's ``Config.toml``: 26 are Halpe 26, its default
    (``Body_with_feet``), 18 COCO_18, 33 MediaPipe's (``BlazePose``); of 133 (``Whole_body``) and
    136 the body's are taken. 17 may be in COCO's order (``Body``) or in Human3.6M's, and 25 in
    BODY_25's or BODY_25B's: the reader asks for ``layout=``. All else is as in `OpenPoseReader`.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "cam1_000000.json")
        >>> person = {"person_id": [-1], "pose_keypoints_2d": [100.0, 50.0, 0.9] * 26}
        >>> _ = path.write_text(json.dumps({"version": 1.3, "people": [person]}))
        >>> Pose2SimReader().read(KeypointSource(path), Told())[0].layout
        'halpe_26'
    """

    def sniff(self, source: KeypointSource) -> bool:
        """No: a file in OpenPose's shape is taken for OpenPose's."""
        return False

    def read(self, source: KeypointSource, told: Told) -> tuple[KeypointSequence, ...]:
        """Everyone in the folder or file."""
        return read_openpose(source, told, _CANDIDATES)
