"""Where in a run a checkpoint lies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"(0|[1-9][0-9]*)-([0-9]{8}|[1-9][0-9]{8,})", re.ASCII)


@dataclass(frozen=True, order=True)
class Place:
    """So many stages are done, and so many steps of the next one; later places are greater.

    Attributes:
        stages_done: stages that are done.
        step: steps of the next stage that are done.

    Example:
        >>> Place(1, 500).name
        '1-00000500'
        >>> Place.parse("1-00000500") < Place(2, 0)
        True
    """

    stages_done: int
    step: int

    @property
    def name(self) -> str:
        """The name of its checkpoint's folder."""
        return f"{self.stages_done}-{self.step:08d}"

    @property
    def stage(self) -> int:
        """The number of the stage that the weights come from; -1 before the first.

        Example:
            >>> Place(1, 500).stage, Place(1, 0).stage
            (1, 0)
        """
        return self.stages_done if self.step else self.stages_done - 1

    @classmethod
    def parse(cls, name: str) -> "Place | None":
        """The place that :attr:`name` tells, or ``None`` for any other name."""
        found = _NAME.fullmatch(name)
        return None if found is None else cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Place":
        """The place of a training state: its ``stages_done`` and ``stage["done"]``.

        Example:
            >>> Place.of({"stages_done": 2, "stage": None})
            Place(stages_done=2, step=0)
        """
        stage = state.get("stage")
        return cls(int(state["stages_done"]), 0 if stage is None else int(stage["done"]))
