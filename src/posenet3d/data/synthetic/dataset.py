"""Synthetic motion as a training set: the built-in plug-in "synthetic" among the datasets."""

from posenet3d.data.synthetic.motion import synthetic_motion
from posenet3d.data.training_set import TrainingSet, film


def synthetic_training_set(
    *,
    clips: int = 60,
    seconds: float = 4.0,
    seed: int = 0,
    fps: float = 50.0,
    protocol: str = "cmu14",
    split: str = "train",
) -> TrainingSet:
    """Synthetic people, filmed by a protocol's cameras: 2D keypoints and nothing else.

    Args:
        clips: how many clips, each of a person of its own.
        seconds: how long each is.
        seed: any non-negative integer.
        fps: frames a second.
        protocol: the camera rig, ``"cmu14"`` or ``"cmu14-wild"``.
        split: the rig's split, ``"train"`` or ``"test"``.

    Returns:
        The views of all clips.

    Raises:
        DataError: where no clips are asked for.
        ShapeError: where a number is out of its range.
        UnknownNameError: where there is no such protocol or split.

    Example:
        >>> synthetic_training_set(clips=2, seconds=1.0)
        TrainingSet(8 sequences of 2 subjects, 400 frames)
    """
    made = synthetic_motion(clips=clips, seconds=seconds, seed=seed, fps=fps)
    return film(made, protocol, split)
