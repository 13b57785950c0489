"""The protocols: which cameras look, which frames count, and under which name it is reported.

The open protocols, CMU-14 and CMU-14 wild, film motion capture by cameras of their own. Those of
Human3.6M, MPI-INF-3DHP, 3DPW and AIST++ take the cameras that filmed the dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from posenet3d.data.datasets.human36m.recordings import FIRST_RECORDINGS
from posenet3d.errors import UnknownNameError


@dataclass(frozen=True)
class Protocol:
    """Which cameras look at a test clip, and what counts.

    Example:
        >>> CMU_14.rig, CMU_14.stride
        ('cmu14', 5)
    """

    name: str
    """The name in reports and on the command line."""
    rig: str | None = None
    """The camera rig's name: a test clip gets its views from the rig and the clip alone. ``None``
    where the dataset brings its own 2D and cameras."""
    stride: int = 5
    """Errors of poses are taken on every ``stride``-th frame; MPJVE and MBLSTD on all."""
    cameras: tuple[str, ...] = ()
    """The dataset's cameras that count; all of them where none is named."""
    clips: tuple[str, ...] = ()
    """The keys of the dataset's clips that count; all of them where none is named."""
    mean_over: Literal["frames", "sequences"] = "frames"
    """What counts once in a figure: a frame, or a sequence however long."""
    velocities: bool = True
    """Whether MPJVE is reported. ``False`` where the frames that count are no video: sequences may
    then have different frame rates, and their MPJVE is ``nan``."""


CMU_14 = Protocol("cmu14", rig="cmu14")
"""Four views in Human3.6M's geometry."""

CMU_14_WILD = Protocol("cmu14-wild", rig="cmu14-wild")
"""Four views a test clip, as people hold their cameras."""

H36M = Protocol("h36m", stride=1)
"""Human3.6M as the paper states it (Sect. 4.2): every frame of S9 and S11, all four cameras."""

H36M_FRONTAL = Protocol("h36m-frontal", stride=5, cameras=("60457274",))
"""Human3.6M as SPIN's code has it under "Protocol 2" (``datasets/preprocess/h36m.py``): of S9 and
S11 every fifth frame from the first, both recordings of an action, by camera 60457274, 14 joints.
SPIN counts S11's ``Directions``, too, which `Human36mDataset` leaves out."""

H36M_HMR = Protocol(
    "h36m-hmr",
    stride=5,
    cameras=("60457274",),
    clips=FIRST_RECORDINGS,
    mean_over="sequences",
)
"""Human3.6M as HMR's code has it under "Protocol 2": as `H36M_FRONTAL`, but of each action the
first recording alone (`FIRST_RECORDINGS`), and the mean over actions.

``get_h36m_seqs`` and ``main`` of ``src/benchmark/evaluate_h36m.py`` in akanazawa/hmr say which
recordings, which camera and which mean: over frames, then over the sequences of an action, then
over actions. Of each action there are two, one a subject, so it is the mean over sequences. The
files that it reads were never published; HMR's paper has them at 10 Hz, and its authors' program
that makes such files (``src/datasets/h36/read_human36m.py`` in akanazawa/human_dynamics) takes
every fifth frame from the first for that."""

MPI_INF_3DHP = Protocol("mpi-inf-3dhp", stride=1, velocities=False)
"""MPI-INF-3DHP's test set: the 2929 valid frames (Sect. 4.2), of videos whose frame rates are told
nowhere."""

PW3D = Protocol("3dpw", stride=1)
"""3DPW's test set: every frame whose camera is known, against the joints of its SMPL bodies."""

AIST = Protocol("aist", stride=1)
"""AIST++'s test dancers: every frame whose 3D is known, all nine cameras, against the joints that
were triangulated from them."""

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            CMU_14,
            CMU_14_WILD,
            H36M,
            H36M_FRONTAL,
            H36M_HMR,
            MPI_INF_3DHP,
            PW3D,
            AIST,
        )
    }
)
"""The protocols by name."""


def find_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Args:
        name: such as ``"cmu14"`` or ``"h36m"``; see `PROTOCOLS`.

    Returns:
        The protocol.

    Raises:
        UnknownNameError: there is none of this name; the known ones are listed.

    Example:
        >>> find_protocol("cmu14-wild").rig
        'cmu14-wild'
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
