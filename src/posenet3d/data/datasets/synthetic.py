"""People who were never filmed: `posenet3d.data.synthetic` as a dataset, for trying things out."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from posenet3d.data.datasets.card import DatasetCard
from posenet3d.data.datasets.filming import FilmedDataset
from posenet3d.data.motion import MotionClip
from posenet3d.data.synthetic import synthetic_motion

_TEST_SEED = 2**31


class SyntheticDataset(FilmedDataset):
    """Synthetic motion of the mannequin, filmed by a protocol's cameras.

    Args:
        root: not needed.
        clips: how many clips, each of a person of its own.
        seconds: how long each is.
        seed: any non-negative integer; the test people have a seed of their own.
        fps: frames a second.
        protocol: the camera rig, ``"cmu14"`` or ``"cmu14-wild"``.

    Raises:
        ConfigurationError: an option is out of its range.
        UnknownNameError: no such protocol.

    Example:
        >>> people = SyntheticDataset(clips=1, seconds=0.5)
        >>> len(list(people.training())), next(people.test()).camera
        (4, 'view0')
    """

    class Config(BaseModel):
        """The options of the plug-in."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        clips: int = Field(default=60, ge=1)
        """Clips, each of a person of its own."""
        seconds: float = Field(default=4.0, gt=0)
        """How long each is."""
        seed: int = Field(default=0, ge=0, lt=_TEST_SEED)
        """Any whole number; the test people have a seed of their own."""
        fps: float = Field(default=50.0, gt=0)
        """Frames a second."""
        protocol: str = "cmu14"
        """The camera rig: cmu14 or cmu14-wild."""

    about: ClassVar[DatasetCard] = DatasetCard(
        title="Synthetic people of posenet3d",
        homepage="the documentation, Data, Synthetic motion",
        licence="Apache-2.0, as the library",
        citation="none",
        steps=("Nothing to do: they are made when they are asked for.",),
        protocols=("cmu14", "cmu14-wild"),
    )

    def __init__(
        self,
        root: Path | None = None,
        *,
        clips: int = 60,
        seconds: float = 4.0,
        seed: int = 0,
        fps: float = 50.0,
        protocol: str = "cmu14",
    ) -> None:
        del root
        super().__init__(protocol)
        self._clips, self._seconds, self._seed, self._fps = clips, seconds, seed, fps

    def motion(self, split: str) -> tuple[MotionClip, ...]:
        """The clips in 3D, before they are filmed.

        Args:
            split: ``"train"`` or ``"test"``.

        Returns:
            The clips in layout ``lsp_14``.
        """
        seed = self._seed + {"train": 0, "test": _TEST_SEED}[split]
        return synthetic_motion(clips=self._clips, seconds=self._seconds, seed=seed, fps=self._fps)
