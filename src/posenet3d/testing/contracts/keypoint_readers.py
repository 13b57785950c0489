"""What every keypoint reader must do, whatever its format."""

import os
import random
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from jaxtyping import config

from posenet3d.errors import KeypointFormatError, StorageError, UnknownNameError
from posenet3d.keypoints import KeypointReader, KeypointSequence, KeypointSource, Told
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.skeletons import LAYOUTS
from posenet3d.testing.malformed import damaged

ALLOWED = (KeypointFormatError, UnknownNameError, StorageError)
"""All that a reader may raise."""

SECONDS = 5.0
"""The most time that one small file may take."""

MEGABYTES = 512
"""The most memory that small files may take."""


def check_keypoint_reader(
    reader: object,
    sample: str | Path,
    *,
    sniffed: bool = True,
    by_name: bool = False,
    **told: Any,
) -> None:
    """Checks a reader against what :class:`posenet3d.keypoints.KeypointReader` promises.

    It recognises the sample, and neither an empty file, nor an empty folder, nor a stranger's
    JSON, nor what is not there; it gives sequences, the same each time, of different tracks; what
    the caller tells goes before what the file says; a wrong or unknown layout and a missing file
    are told by the library's errors; and the sample is left as it is.

    Args:
        reader: the plug-in's name, or the reader itself.
        sample: a good file or folder of the format.
        sniffed: whether the format is recognised; false for one that the caller must name.
        by_name: whether joints are placed by their names, so that any layout will do.
        **told: fields of :class:`posenet3d.keypoints.Told` that the sample needs.

    Raises:
        AssertionError: The first promise that is not kept, in words.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "walk.npz")
        >>> np.savez(path, fps=50, layout="coco_17", points=np.ones((9, 17, 2)))
        >>> check_keypoint_reader("npz", path)
    """
    source, sample = _reader(reader), Path(sample)
    before = _content(sample)
    _expect(source.sniff(KeypointSource(sample)) is sniffed, f"sniff of its sample is {sniffed}")
    _check_strangers(source, sample)
    _check_reading(source, sample, told)
    _check_told(source, sample, told)
    if not by_name:
        _check_other_layout(source, sample, told)
    _expect(_content(sample) == before, "the file is left as it is")


def check_malformed(
    reader: object,
    sample: str | Path,
    folder: str | Path,
    count: int = 2000,
    seed: int = 0,
    *,
    damage: Callable[[bytes, int, int], Iterator[bytes]] = damaged,
    **told: Any,
) -> None:
    """Checks that damaged files end in the library's errors, or are read, quickly and in bounds.

    Args:
        reader: the plug-in's name, or the reader itself.
        sample: a good file of the format, or a folder, of which one file after the other is
            damaged, taken away and renamed. Some kilobytes: a large one makes it slow.
        folder: where damaged copies may be written; the one that shows a breach stays there.
        count: how many damaged copies.
        seed: the same seed gives the same copies.
        damage: makes damaged copies of a file's content, given the content, their number and the
            seed; for formats with a structure of their own.
        **told: fields of :class:`posenet3d.keypoints.Told` that the sample needs.

    Raises:
        AssertionError: A copy raised another error or a warning, gave something else than
            sequences, took more than 5 s or more than 512 MB (measured on Linux).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.savez(folder / "walk.npz", fps=50, layout="coco_17", points=np.ones((9, 17, 2)))
        >>> check_malformed("npz", folder / "walk.npz", folder, count=50)
    """
    source, sample = _reader(reader), Path(sample)
    copies = _damaged_folders if sample.is_dir() else _damaged_files
    with _as_users_run_it(), _bounded_memory():
        for number, path in enumerate(copies(sample, Path(folder), count, seed, damage)):
            place = f"damaged copy {number} of seed {seed} ({path})"
            with _in_time(place):
                _check_damaged(source, path, Told(**told), place)


def _expect(kept: object, promise: str) -> None:
    if not kept:
        raise AssertionError(f"Keypoint reader: expected that {promise}; mend the plug-in.")


def _reader(reader: object) -> KeypointReader:
    if isinstance(reader, str):
        reader = GROUPS["keypoint_readers"].build(PluginSpec(name=reader))
    if isinstance(reader, KeypointReader):
        return reader
    raise AssertionError(
        f"Keypoint reader: expected the methods sniff and read, got {type(reader).__name__}; mend "
        "the plug-in."
    )


def _content(path: Path) -> dict[str, bytes]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def _check_strangers(reader: KeypointReader, sample: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty").mkdir()
        for content in (b"", b"{}", b"[]", b'{"a": [1, {"b": null}]}', b"a,b\n1,2\n", b"PK\3\4"):
            path = folder / f"stranger{sample.suffix or '.json'}"
            path.write_bytes(content)
            _expect(reader.sniff(KeypointSource(path)) is False, f"{content!r} is not recognised")
        for path in (folder / "empty", folder / "nothing.json", folder):
            _expect(reader.sniff(KeypointSource(path)) is False, f"{path.name} is not recognised")
        missing = folder / f"missing{sample.suffix}"
        _raises(StorageError, reader, missing, Told(), "a missing file raises StorageError")


def _raises(
    kinds: type[Exception] | tuple[type[Exception], ...],
    reader: KeypointReader,
    path: Path,
    told: Told,
    promise: str,
) -> None:
    try:
        reader.read(KeypointSource(path), told)
    except kinds:
        return
    except Exception as error:
        raise AssertionError(f"Keypoint reader: expected that {promise}, got {error!r}.") from error
    _expect(False, promise)


def _check_reading(reader: KeypointReader, sample: Path, told: dict[str, Any]) -> None:
    state = str(np.random.get_state())
    first, second = (_read(reader, sample, told) for _ in range(2))
    _expect(state == str(np.random.get_state()), "NumPy's random state is left")
    _check_sequences(first)
    _expect(first, "the sample has at least one person")
    same = len(first) == len(second) and all(map(_equal, first, second))
    _expect(same, "reading twice gives the same")


def _read(reader: KeypointReader, path: Path, told: dict[str, Any]) -> Any:
    return reader.read(KeypointSource(path), Told(**told))


def _equal(first: KeypointSequence, second: KeypointSequence) -> bool:
    return all(
        np.array_equal(first.__dict__[name], value, equal_nan=isinstance(value, np.ndarray)
                       and value.dtype.kind == "f")
        for name, value in second.__dict__.items()
    )  # fmt: skip


def _check_sequences(read: object) -> None:
    good = isinstance(read, tuple) and all(isinstance(each, KeypointSequence) for each in read)
    _expect(good, "read gives a tuple of KeypointSequence")
    assert isinstance(read, tuple)
    tracks = [each.track_id for each in read if each.track_id is not None]
    _expect(len(tracks) == len(set(tracks)), "each person has a track of their own")


def _check_told(reader: KeypointReader, sample: Path, told: dict[str, Any]) -> None:
    for name, value in (("fps", 12.5), ("image_size", (4096, 2160))):
        for person in _read(reader, sample, {**told, name: value}):
            _expect(getattr(person, name) == value, f"{name} is as told")
    _raises(
        UnknownNameError, reader, sample, Told(**{**told, "layout": "no_such_layout"}),
        "an unknown layout raises UnknownNameError",
    )  # fmt: skip


def _check_other_layout(reader: KeypointReader, sample: Path, told: dict[str, Any]) -> None:
    own = len(LAYOUTS[_read(reader, sample, told)[0].layout])
    other = next(name for name, each in LAYOUTS.items() if len(each) != own)
    _raises(
        KeypointFormatError, reader, sample, Told(**{**told, "layout": other}),
        "a layout of another number of joints raises KeypointFormatError",
    )  # fmt: skip


def _check_damaged(reader: KeypointReader, path: Path, told: Told, place: str) -> None:
    for what, call in (
        ("sniff", lambda: reader.sniff(KeypointSource(path))),
        ("read", lambda: reader.read(KeypointSource(path), told)),
    ):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                given = call()
        except ALLOWED as error:
            _expect(what == "read", f"sniff raises nothing, got {error!r} from {place}")
        except Exception as error:
            raise AssertionError(
                f"Keypoint reader: expected KeypointFormatError of {what}, got {error!r} from "
                f"{place}; mend the plug-in."
            ) from error
        else:
            _expect(what == "read" or isinstance(given, bool), f"sniff says yes or no of {place}")
            if what == "read":
                _check_sequences(given)


Copies = Callable[[bytes, int, int], Iterator[bytes]]


def _damaged_files(
    sample: Path, folder: Path, count: int, seed: int, damage: Copies
) -> Iterator[Path]:
    path = folder / f"damaged{sample.suffix}"
    for content in islice(damage(sample.read_bytes(), count, seed), count):
        path.write_bytes(content)
        yield path
    path.unlink(missing_ok=True)


def _damaged_folders(
    sample: Path, folder: Path, count: int, seed: int, damage: Copies
) -> Iterator[Path]:
    """One file after the other is damaged; every tenth copy lacks one, or has it elsewhere."""
    copy = folder / "damaged"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(sample, copy)
    members = sorted(path for path in copy.rglob("*") if path.is_file())
    each = -(-count // len(members))
    contents = [damage(path.read_bytes(), each, seed + place) for place, path in enumerate(members)]
    for number in range(count):
        path = members[number % len(members)]
        good, bad = path.read_bytes(), next(contents[number % len(members)], b"")
        draw = random.Random(f"{seed}/{number}")
        other = path
        if number % 10 == 9:
            path.unlink()
            names = (f"9999999999{path.name}", f"a{path.suffix}", f"-1{path.suffix}", path.stem)
            other = path.with_name(draw.choice(names))
            bad = good
        if number % 20 != 19:
            other.write_bytes(bad)
        yield copy
        other.unlink(missing_ok=True)
        path.write_bytes(good)
    shutil.rmtree(copy)


class _TooSlow(BaseException):
    """Raised by the clock; nothing that a reader catches."""


def _ring(number: int, frame: FrameType | None) -> None:
    raise _TooSlow


@contextmanager
def _in_time(place: str) -> Iterator[None]:
    """At most so much computing; what hangs is stopped where the platform has a clock for it."""
    clock = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, _ring) if clock else None
    started = time.process_time()
    try:
        if clock:
            signal.setitimer(signal.ITIMER_REAL, 12 * SECONDS)
        yield
    except _TooSlow:
        raise AssertionError(f"Keypoint reader: expected an end, got none of {place}.") from None
    finally:
        if clock:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    _expect(time.process_time() - started < SECONDS, f"it takes under {SECONDS} s for {place}")


@contextmanager
def _as_users_run_it() -> Iterator[None]:
    """Without the shape checks at each call that tests may have turned on: they take ten times."""
    before = bool(config.jaxtyping_disable)
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """No more than so much new memory, where the platform tells how much there is: Linux."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * os.sysconf("SC_PAGE_SIZE") + MEGABYTES * 2**20
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
