"""3D motion filmed by a rig's cameras: a dataset of motion capture gives both its 2D and its truth.

Training sees the 2D alone; the truth is for the test people.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from posenet3d.data.annotated import AnnotatedSequence
from posenet3d.data.motion import MotionClip
from posenet3d.data.rigs import camera_rig, observe
from posenet3d.data.sequence_files import NamedSequence, filmed


class FilmedDataset(ABC):
    """What the datasets of 3D motion share: their clips, filmed by a protocol's cameras.

    Args:
        protocol: the camera rig, ``"cmu14"`` or ``"cmu14-wild"``.

    Attributes:
        protocols: the protocol that its test sequences are for, see `protocols_of`.

    Raises:
        UnknownNameError: no such protocol.

    Example:
        >>> import numpy as np
        >>> class Statues(FilmedDataset):
        ...     def motion(self, split):
        ...         yield MotionClip(f"{split}/still", np.ones((3, 14, 3)), "lsp_14", fps=50.0)
        >>> next(Statues("cmu14").training())[0], next(Statues("cmu14").test()).name
        ('train/still/view0', 'test/still/view0')
    """

    def __init__(self, protocol: str) -> None:
        camera_rig(protocol)
        self.protocols = (protocol,)
        self._protocol = protocol

    @abstractmethod
    def motion(self, split: str) -> Iterable[MotionClip]:
        """The clips in 3D, before they are filmed.

        Args:
            split: ``"train"`` or ``"test"``.

        Returns:
            The clips, called ``"<person>/<clip>"``.
        """

    def training(self) -> Iterator[NamedSequence]:
        """What the protocol's cameras see of the training people.

        Yields:
            ``"<person>/<clip>/view<number>"`` and the sequence, in the layout of `motion`.

        Raises:
            PoseNet3DError: what `motion` raises.
        """
        yield from filmed(self.motion("train"), self._protocol, "train")

    def test(self) -> Iterator[AnnotatedSequence]:
        """What the protocol's cameras see of the test people, with the true joints.

        Yields:
            One clip from one view.

        Raises:
            PoseNet3DError: what `motion` raises.
        """
        for clip in self.motion("test"):
            yield from annotated_views(clip, self._protocol, "test")


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
