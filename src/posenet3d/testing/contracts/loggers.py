"""What every logger must do, wherever it writes."""

import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from posenet3d.training import Record
from posenet3d.training.loggers import LoggedRun, Logger

Drawn = tuple[str, int, str, float | int]
"""Stage, step in the stage, name and value of one figure that a logger wrote."""

STAGES = {"teacher": 4, "joint": 3}
MEMBERS = ("start_at", "log", "picture", "close")


def check_logger(
    make: Callable[[LoggedRun], object],
    read: Callable[[LoggedRun], Iterable[Drawn]] | None = None,
) -> None:
    """Checks a logger against what :class:`posenet3d.training.loggers.Logger` promises.

    A made-up run of two stages is logged, interrupted, and taken up again from an earlier place,
    as a trainer does. The logger must have every member; take records with any figures, infinite
    ones too; leave records, pictures and the random states of torch and numpy as they are; write
    nothing beside the run folder; and bear being closed without having begun, and twice.

    Args:
        make: gives a new logger of the run, as the plug-in does.
        read: reads back what the logger wrote: stage, step in the stage, name and value of each
            figure that a user is shown. With it every figure must come back exactly once, with
            its value in float32, those after the interruption as they were last logged.

    Raises:
        AssertionError: The first promise that is not kept, in words.

    Example:
        >>> from posenet3d.training.loggers import CsvLogger
        >>> check_logger(lambda run: CsvLogger(run=run))
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = LoggedRun(folder / "run", STAGES, ("bone_length",), {"seed": 3})
        run.folder.mkdir()
        picture = run.folder / "skeletons.png"
        picture.write_bytes(small_png())
        _check_members(make(run))
        _check_closing(make(run))
        _check_a_run(make, run, picture)
        _expect([each.name for each in folder.iterdir()] == ["run"], "it writes in the run folder")
        if read is not None:
            _check_what_is_read(sorted(read(run)))


def _expect(kept: object, promise: str) -> None:
    if not kept:
        raise AssertionError(f"Logger: expected that {promise}; mend the plug-in.")


def _check_members(logger: object) -> None:
    missing = [name for name in MEMBERS if not callable(getattr(logger, name, None))]
    _expect(not missing, f"it has the methods {', '.join(MEMBERS)}; missing: {', '.join(missing)}")


def _check_closing(logger: object) -> None:
    assert isinstance(logger, Logger)
    try:
        logger.close()
        logger.close()
    except Exception as error:
        _expect(False, f"it can be closed before it began, and twice (got {error!r})")


def records(stage: str, steps: Sequence[int]) -> list[Record]:
    """Records of a stage: two figures of training, and one of a validation point."""
    made = []
    for step in steps:
        made.append(Record(stage, step, {"bone_length": step / 3, "seconds": step + 0.5}))
        made.append(Record(stage, step, {"validation/score": 1 / step}))
    return made


def _check_a_run(make: Callable[[LoggedRun], object], run: LoggedRun, picture: Path) -> None:
    """A run that is stopped in its second stage and goes on from the end of the first."""
    first = [*records("teacher", [2, 4]), *records("joint", [1, 2])]
    again = records("joint", [1, 2, 3])
    for place, sitting in (((0, 0), first), ((1, 0), again)):
        logger = make(run)
        assert isinstance(logger, Logger)
        before = _random_states()
        logger.start_at(*place)
        for record in sitting:
            values = dict(record.values)
            logger.log(record)
            _expect(record.values == values, "a record is left as it is")
        logger.picture("skeletons", "joint", sitting[-1].step, picture)
        logger.log(Record("joint", sitting[-1].step, {"unheard_of": float("inf")}))
        logger.close()
        _expect(before == _random_states(), "the random states are left as they are")
        there = picture.exists() and picture.read_bytes() == small_png()
        _expect(there, "a picture is left where and as it is")


def _random_states() -> tuple[object, ...]:
    return str(np.random.get_state()), tuple(torch.get_rng_state().tolist())


def _check_what_is_read(drawn: list[Drawn]) -> None:
    wanted = {
        (record.stage, record.step, name): value
        for record in [*records("teacher", [2, 4]), *records("joint", [1, 2, 3])]
        for name, value in record.values.items()
    }
    places = Counter((stage, step, name) for stage, step, name, _ in drawn if name != "unheard_of")
    missing = sorted(set(wanted) - set(places))
    _expect(not missing, f"every figure is shown, missing: {missing[:3]}")
    twice = sorted(place for place, times in places.items() if times > 1)
    _expect(not twice, f"nothing is shown twice after a stop, got {twice[:3]}")
    for stage, step, name, value in drawn:
        right = wanted.get((stage, step, name), value)
        _expect(np.float32(right) == np.float32(value), f"{name} of step {step} is {right}")


def small_png() -> bytes:
    """A picture of one white point."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
