"""What a folder of shards holds: the stretches, their lengths and how they were normalised."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Int
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from posenet3d.data.normalization import ScaleMode
from posenet3d.errors import DataError, StorageError

INDEX_FILE = "index.json"
_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_Positive = Annotated[float, Field(gt=0)]
_Frames = Annotated[int, Field(gt=0, le=2**40)]


class Shard(BaseModel):
    """One file of frames.

    Example:
        >>> Shard(file="00000.npy", frames=120, sha256="0" * 64).frames
        120
    """

    model_config = _STRICT

    file: str = Field(pattern=r"^[0-9]{5,}\.npy$")
    """Its name in the folder: an array (frames, 14, 2) of float32."""

    frames: _Frames
    """How many frames it has; they belong to whole stretches."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the file in hexadecimal."""


class ShardIndex(BaseModel):
    """The file ``index.json`` of a folder of shards.

    A stretch is a sequence, or a part of one without a gap in its frame numbers. The stretches lie
    one after another in the shards, none in two of them; the lists below have an entry for each.

    Example:
        >>> index = ShardIndex(
        ...     mode="sequence",
        ...     distance=10.0,
        ...     sequences=("S1/walk",),
        ...     first_frames=(None,),
        ...     lengths=(120,),
        ...     fps=(50.0,),
        ...     frames=120,
        ...     shards=(Shard(file="00000.npy", frames=120, sha256="0" * 64),),
        ... )
        >>> index.names(), len(index)
        (('S1/walk',), 1)
    """

    model_config = _STRICT

    format: Literal["posenet3d-shards"] = "posenet3d-shards"
    """What this is."""

    version: Literal[1] = 1
    """The version of this format."""

    layout: Literal["lsp_14"] = "lsp_14"
    """The joints' layout."""

    mode: ScaleMode
    """What the scale's mean was taken over; see `posenet3d.data.normalization`."""

    distance: _Positive
    """c, the distance of the person from the camera in head-to-root lengths."""

    length: _Positive | None = None
    """The set's mean head-to-root length, with mode ``"dataset"`` only."""

    sequences: tuple[str, ...] = Field(min_length=1)
    """The name of the sequence that a stretch is of."""

    first_frames: tuple[int | None, ...]
    """The stretch's first frame number, where its sequence has gaps; else ``None``."""

    lengths: tuple[_Frames, ...]
    """The stretch's frames."""

    fps: tuple[_Positive, ...]
    """Frames a second."""

    frames: _Frames
    """All frames."""

    shards: tuple[Shard, ...]
    """The files, in order."""

    @model_validator(mode="after")
    def _fits_together(self) -> "ShardIndex":
        columns = (self.first_frames, self.lengths, self.fps)
        if any(len(column) != len(self.sequences) for column in columns):
            raise ValueError("expected lists of one length for the stretches")
        if (self.mode == "dataset") != (self.length is not None):
            raise ValueError("expected a length with mode 'dataset' and with no other")
        ends = np.cumsum(self.lengths)
        shard_ends = np.cumsum([shard.frames for shard in self.shards], dtype=np.int64)
        if ends[-1] != self.frames or not shard_ends.size or shard_ends[-1] != self.frames:
            raise ValueError("expected stretches and shards to add up to all frames")
        if not np.isin(shard_ends, ends).all():
            raise ValueError("expected whole stretches in each shard")
        return self

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self.sequences)

    def names(self, which: Int[np.ndarray, " some"] | None = None) -> tuple[str, ...]:
        """The names of some stretches, or of all: as `TrainingSet.windows` calls them.

        Args:
            which: the stretches' numbers; all if ``None``.

        Returns:
            The sequence's name, with ``from frame <n>`` where the sequence has gaps.
        """
        return tuple(
            self.sequences[n]
            if self.first_frames[n] is None
            else f"{self.sequences[n]} from frame {self.first_frames[n]}"
            for n in (range(len(self)) if which is None else which.tolist())
        )

    def fingerprint(self, which: Int[np.ndarray, " some"]) -> str:
        """A hash of everything that training sees of some stretches.

        Args:
            which: the stretches' numbers.

        Returns:
            SHA-256, in hexadecimal, of names, lengths, normalisation, the shards' checksums and
            the choice of stretches.
        """
        digest = hashlib.sha256()
        digest.update(self.model_dump_json().encode())
        if len(which) != len(self):
            digest.update(which.astype("<i8").tobytes())
        return digest.hexdigest()


def read_index(folder: str | Path) -> ShardIndex:
    """The index of a folder of shards.

    Args:
        folder: the folder.

    Returns:
        The index, checked for contradictions.

    Raises:
        DataError: there is no index in the folder, or it is damaged or of another version.
        StorageError: it cannot be read.

    Example:
        >>> read_index("no/such/folder")
        Traceback (most recent call last):
            ...
        posenet3d.errors.DataError: no/such/folder: expected a folder of shards, got one without...
    """
    path = Path(folder, INDEX_FILE)
    try:
        return ShardIndex.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(
            folder,
            f"expected a folder of shards, got one without {INDEX_FILE}; write one with "
            "'posenet3d data shard'.",
        ) from None
    except OSError as error:
        raise StorageError(path, f"cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        raise DataError(
            path,
            f"expected an index of shards, version 1, got {_first_fault(error)}; write the shards "
            "anew.",
        ) from None


def _first_fault(error: ValidationError) -> str:
    fault: dict[str, Any] = dict(error.errors(include_url=False, include_input=False)[0])
    where = ".".join(map(str, fault["loc"]))
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])
