"""How often a run is saved, and what of it is kept."""

from pydantic import PositiveInt

from posenet3d.training.frozen import Frozen


class CheckpointConfig(Frozen):
    """When a run writes a checkpoint, and which ones stay.

    Example:
        >>> CheckpointConfig(every=100).keep
        3
    """

    every: PositiveInt = 500
    """Steps between checkpoints; one is written at each stage's end and on Ctrl-C as well."""

    keep: PositiveInt = 3
    """The newest so many stay; more of them survive more damage to the disk."""

    best: bool = True
    """Whether the one with the lowest score stays as well, however old it is."""
