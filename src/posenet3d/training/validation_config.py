"""When and on what a run is validated; without 3D."""

from pydantic import PositiveInt

from posenet3d.training.frozen import Frozen


class ValidationConfig(Frozen):
    """Validation points: figures that need 2D only, on windows and views that stay the same.

    They change nothing in training: the numbers of a run are the same with and without.

    Example:
        >>> config = ValidationConfig(every=500)
        >>> [step for step in (250, 500, 1000, 1200) if config.is_due(step, steps=1200)]
        [500, 1000, 1200]
    """

    every: PositiveInt | None = 500
    """Steps between validation points; each stage's end is one too. ``None``: there are none."""

    windows: PositiveInt = 512
    """Windows that are looked at; as many others stand for real ones."""

    hold_out: tuple[str, ...] = ()
    """Subjects that are left out of training and validated on; none: windows of training."""

    picture: bool = True
    """Draw some skeletons at each validation point."""

    def is_due(self, done: int, steps: int) -> bool:
        """Whether there is a validation point after so many steps of a stage.

        Args:
            done: steps done in the stage.
            steps: steps of the stage.
        """
        return self.every is not None and (done % self.every == 0 or done == steps)
