"""What Human3.6M recorded: who, doing what, seen by which cameras, and what files call it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from posenet3d.errors import DataError

TRAINING_SUBJECTS: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
TEST_SUBJECTS: tuple[str, ...] = ("S9", "S11")

ACTIONS: tuple[str, ...] = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases",
    "Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip
"""The 15 actions; each subject did each of them twice."""

FPS = 50.0
"""Frames a second, of the videos and of the poses in the files."""

IMAGE_SIZES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "54138969": (1000, 1002),
        "55011271": (1000, 1000),
        "58860488": (1000, 1000),
        "60457274": (1000, 1002),
    }
)
"""(width, height) in pixels by camera, as VideoPose3D's ``common/h36m_dataset.py`` has them."""

CAMERAS: tuple[str, ...] = tuple(IMAGE_SIZES)
"""The cameras in the order in which files list them."""

_DAMAGED = frozenset({("S11", "Directions")})
_FIRST = {
    **{(subject, action): f"{action} 1" for subject in TEST_SUBJECTS for action in ACTIONS},
    ("S9", "SittingDown"): "SittingDown",
    ("S11", "SittingDown"): "SittingDown",
    ("S11", "Greeting"): "Greeting 2",
    ("S11", "Phoning"): "Phoning 3",
    ("S11", "Smoking"): "Smoking 2",
}

FIRST_RECORDINGS: tuple[str, ...] = tuple(f"{who}/{called}" for (who, _), called in _FIRST.items())
"""The first of the test subjects' two recordings of each action: ``"S9/Directions 1"`` ….

The one that the ``mapping`` of ``metadata.xml`` (anibali/h36m-fetch has a copy) calls subaction 1.
The numbers in the names do not tell."""


def recording_name(called: str) -> str:
    """A recording's one name, whatever a file calls it; as VideoPose3D renames them.

    The release calls two actions by different names in different subjects (``TakingPhoto`` and
    ``Photo``, ``WalkingDog`` and ``WalkDog``); others write ``_`` for the space before a number.

    Args:
        called: the name in a file, without camera and suffix.

    Returns:
        An action of `ACTIONS`, for one of the two recordings or for both with a number.

    Example:
        >>> recording_name("TakingPhoto 1"), recording_name("WalkingDog")
        ('Photo 1', 'WalkDog')
    """
    named = called.replace("TakingPhoto", "Photo").replace("WalkingDog", "WalkDog")
    return named.replace("_", " ").strip()


def action_of(recording: str) -> str:
    """What is done in a recording: its name without the number.

    Example:
        >>> action_of("SittingDown 1")
        'SittingDown'
    """
    return recording.partition(" ")[0]


def in_use(subject: str, recording: str, actions: Iterable[str]) -> bool:
    """Whether a recording is one of some actions, and not the one whose video is damaged.

    S11's ``Directions`` (the one without number) is left out, as VideoPose3D does: the video of
    one of its cameras cannot be read.

    Example:
        >>> in_use("S11", "Directions", ACTIONS), in_use("S11", "Directions 1", ACTIONS)
        (False, True)
    """
    return action_of(recording) in actions and (subject, recording) not in _DAMAGED


def check_complete(
    found: Iterable[str], subject: str, actions: Iterable[str], source: object
) -> None:
    """Make sure that both recordings of each action are there, so that no table is of a part.

    Args:
        found: the names of the recordings in use.
        subject: the subject.
        actions: the actions asked for.
        source: the file or folder that they were found in.

    Raises:
        DataError: an action has not two recordings (of S11's ``Directions`` one).

    Example:
        >>> check_complete(["Walking", "Walking 1"], "S9", ["Walking"], "S9")
    """
    names = sorted(found)
    count = Counter(map(action_of, names))
    for action in actions:
        expected = 2 - ((subject, action) in _DAMAGED)
        if count[action] != expected:
            got = ", ".join(repr(name) for name in names if action_of(name) == action) or "none"
            raise DataError(
                source,
                f"expected {expected} recordings of {action!r} by {subject}, got {got}; unpack "
                "the files again, or name the actions that you have by actions=.",
            )
