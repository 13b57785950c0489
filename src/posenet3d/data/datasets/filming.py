"""3D motion filmed by a rig's cameras with the truth kept: motion capture as a test set."""

from collections.abc import Iterator

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.motion import MotionClip
from posenet3d.data.rigs import camera_rig, observe


def annotated_views(
    clip: MotionClip, protocol: str, split: str = "test"
) -> Iterator[AnnotatedSequence]:
    """What each of a rig's cameras sees of a clip, with the joints in that camera's frame.

    Args:
        clip: joints in metres, z up.
        protocol: the camera rig, ``"cmu14"`` or ``"cmu14-wild"``.
        split: the rig's split, ``"train"`` or ``"test"``.

    Yields:
        One sequence a camera, called ``view0``, ``view1`` …

    Raises:
        UnknownNameError: no such rig or split.

    Example:
        >>> import numpy as np
        >>> clip = MotionClip("S1/still", np.ones((3, 14, 3)), "lsp_14", fps=50.0)
        >>> [sequence.name for sequence in annotated_views(clip, "cmu14")][:2]
        ['S1/still/view0', 'S1/still/view1']
    """
    for view, camera in enumerate(camera_rig(protocol, split).cameras(clip)):
        called = f"view{view}"
        seen = observe(clip, camera, name=f"{clip.key}/{called}")
        joints = camera.to_camera(clip.joints)
        yield AnnotatedSequence(clip.key, called, seen, joints, clip.layout)
