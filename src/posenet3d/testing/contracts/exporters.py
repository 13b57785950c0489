"""What every exporter must do, whatever its format."""

import copy
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from posenet3d.errors import ConfigurationError, PoseNet3DError, StorageError
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import GROUPS, PluginSpec
from posenet3d.reconstruction import AssumedCamera, BodyMotion, Reconstruction

Export = Callable[[Path, Reconstruction], object]


def check_exporter(
    exporter: str | Callable[..., object],
    *,
    suffix: str | None = None,
    needs_body: bool = False,
    says: Sequence[str] = (),
    same_bytes: bool = True,
    **options: Any,
) -> None:
    """Checks an exporter: a callable of ``path``, ``reconstruction`` and its own options.

    It writes at the path, or at the one it returns; replaces what was there; gives the same bytes
    again; takes one frame, gaps in the frames and unknown 2D; and leaves the reconstruction as it
    was. A missing folder, a full disk, numbers that are not finite, a skeleton where it needs a
    body and unknown options end in the library's errors, and then nothing is left behind and an
    earlier file is as it was.

    Args:
        exporter: the plug-in's name, or the callable itself.
        suffix: the file's, with its dot; the plug-in's name if ``None``.
        needs_body: whether it refuses a skeleton without a body.
        says: texts that the written bytes must hold, such as the unit and the up axis.
        same_bytes: whether the same motion must give the same bytes; false for formats that hold
            a time or are packed by another program.
        **options: the exporter's own.

    Raises:
        AssertionError: The first promise that is not kept, in words.

    Example:
        >>> check_exporter("csv", says=["x to the camera's right, y up"])
    """
    name = exporter if isinstance(exporter, str) else getattr(exporter, "__name__", "exporter")
    ending = f".{name}" if suffix is None else suffix
    export = _caller(exporter, options)
    _check_writing(export, ending, says, same_bytes)
    _check_inputs(export, ending, needs_body)
    _check_refusals(export, ending, needs_body)
    _check_full_disk(export, ending)
    if isinstance(exporter, str):
        _check_options(exporter, ending)


def moving_body(frames: int = 6, *, finite: bool = True) -> Reconstruction:
    """A mannequin that sways, as exporters get it, with a gap in its frames and unknown 2D.

    Args:
        frames: how many.
        finite: false for one frame of NaN in every array.

    Example:
        >>> moving_body().keypoints.frame_index.tolist()
        [3, 4, 5, 8, 9, 10]
    """
    draw = np.random.default_rng(0)
    turn = 0.3 * np.sin(np.arange(frames) / 2)[:, None] * draw.uniform(-1, 1, 24)
    rotations = np.broadcast_to(np.eye(3), (frames, 24, 3, 3)).copy()
    rotations[..., 0, 0] = rotations[..., 1, 1] = np.cos(turn)
    rotations[..., 0, 1], rotations[..., 1, 0] = -np.sin(turn), np.sin(turn)
    joints = draw.normal(scale=0.3, size=(frames, 14, 3))
    root = np.array([0.2, 0.1, 4.0]) + np.linspace(0, 0.5, frames)[:, None]
    points = draw.uniform(0, 500, (frames, 14, 2))
    points[0, 3] = np.nan
    if not finite:
        joints[-1] = root[-1] = rotations[-1] = np.nan
    index = np.arange(frames) + 3 + 2 * (np.arange(frames) >= 3)
    seen = KeypointSequence(
        points, layout="lsp_14", fps=25.0, frame_index=index, image_size=(640, 480)
    )
    body = BodyMotion(
        draw.normal(scale=0.3, size=10), rotations, root + 0.1, PluginSpec(name="mannequin")
    )
    return Reconstruction(
        joints,
        root,
        seen,
        body,
        branches={"teacher": joints, "student": joints},
        camera=AssumedCamera(600.0, (320.0, 240.0)),
        up=np.array([0.1, -0.9, -0.3]) / np.sqrt(0.91),
        up_from="estimated",
        provenance={"weights": "made up\nfor the contract"},
    )


def _expect(kept: object, promise: str) -> None:
    if not kept:
        raise AssertionError(f"Exporter: expected that {promise}; mend the plug-in.")


def _caller(exporter: str | Callable[..., object], options: dict[str, Any]) -> Export:
    def export(path: Path, lifted: Reconstruction) -> object:
        if isinstance(exporter, str):
            spec = PluginSpec(name=exporter, options=options)
            return GROUPS["exporters"].build(spec, path=path, reconstruction=lifted)
        return exporter(path=path, reconstruction=lifted, **options)

    return export


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _write(export: Export, path: Path, lifted: Reconstruction) -> Path:
    made = export(path, lifted)
    place = Path(made) if isinstance(made, str | Path) else path
    _expect(place.exists(), f"it writes at the path, or at the one it returns ({place.name})")
    left = {each.name for each in path.parent.iterdir()} - {place.name}
    _expect(not left, f"it leaves nothing else behind, got {sorted(left)}")
    return place


def _content(path: Path) -> bytes:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return b"".join(each.read_bytes() for each in files if each.is_file())


def _check_writing(export: Export, suffix: str, says: Sequence[str], same: bool) -> None:
    lifted = moving_body()
    before = copy.deepcopy(lifted)
    with _folder() as folder:
        path = folder / f"walk{suffix}"
        place = _write(export, path, lifted)
        first = _content(place)
        _expect(first, "what it writes is not empty")
        for text in says:
            _expect(text.encode() in first, f"what it writes says {text!r}")
        again = _content(_write(export, path, lifted))
        _expect(again == first or not same, "the same motion gives the same bytes, in its place")
        shorter = _write(export, path, lifted.cut(0, 4))
        _expect(_content(shorter) != again, "an earlier file is replaced by another motion")
    for name in ("joints3d", "root", "up"):
        kept = np.array_equal(getattr(lifted, name), getattr(before, name))
        _expect(kept, f"it leaves the reconstruction's {name} as it is")
    if lifted.body is not None and before.body is not None:
        kept = np.array_equal(lifted.body.rotations, before.body.rotations)
        _expect(kept, "it leaves the body's rotations as they are")


def _check_inputs(export: Export, suffix: str, needs_body: bool) -> None:
    lifted = moving_body()
    inputs = {"one frame": lifted.cut(0, 1), "a height": replace(lifted, height_m=1.7)}
    inputs["no known camera"] = replace(lifted, camera=None, branches={})
    if not needs_body:
        inputs["a skeleton without a body"] = replace(lifted, body=None)
    for what, given in inputs.items():
        with _folder() as folder:
            try:
                _write(export, folder / f"walk{suffix}", given)
            except PoseNet3DError as error:
                raise AssertionError(f"Exporter: expected that it takes {what}: {error}") from error


def _check_refusals(export: Export, suffix: str, needs_body: bool) -> None:
    _refused(export, suffix, moving_body(finite=False), "numbers that are not finite")
    if needs_body:
        _refused(export, suffix, replace(moving_body(), body=None), "a skeleton without a body")
    with _folder() as folder:
        try:
            export(folder / "absent" / f"walk{suffix}", moving_body())
        except StorageError:
            pass
        except Exception as error:
            _expect(False, f"a missing folder is a StorageError (got {error!r})")
        else:
            _expect((folder / "absent").is_dir(), "a missing folder is a StorageError, or is made")


def _refused(export: Export, suffix: str, lifted: Reconstruction, what: str) -> None:
    """Nothing, if it is refused, an earlier file is kept, and nothing is left beside it."""
    for earlier in (False, True):
        with _folder() as folder:
            path = folder / f"walk{suffix}"
            if earlier:
                path.write_bytes(b"earlier")
            _expect(_fails(export, path, lifted), f"{what} are refused by a PoseNet3DError")
            _check_untouched(path, earlier, what)


def _fails(export: Export, path: Path, lifted: Reconstruction) -> bool:
    try:
        export(path, lifted)
    except PoseNet3DError:
        return True
    except Exception as error:
        raise AssertionError(
            f"Exporter: expected a PoseNet3DError, got {error!r}; mend the plug-in."
        ) from error
    return False


def _check_untouched(path: Path, earlier: bool, what: str) -> None:
    left = sorted(each.name for each in path.parent.iterdir())
    wanted = [path.name] if earlier else []
    _expect(left == wanted, f"nothing is left behind after {what}, got {left}")
    kept = not earlier or path.read_bytes() == b"earlier"
    _expect(kept, f"an earlier file is as it was after {what}")


def _check_full_disk(export: Export, suffix: str) -> None:
    """Half-way through the file the system takes no more, as a full disk does."""
    try:
        import resource
    except ImportError:  # pragma: no cover (Windows has no such limit)
        return
    lifted = moving_body()
    with _folder() as folder:
        place = _write(export, folder / f"walk{suffix}", lifted)
        files = [each for each in place.rglob("*") if each.is_file()] or [place]
        half = max(each.stat().st_size for each in files) // 2
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with _folder() as folder:
        path = folder / f"walk{suffix}"
        resource.setrlimit(resource.RLIMIT_FSIZE, (half, hard))
        try:
            failed = _fails(export, path, lifted)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        _expect(failed, "a full disk ends in a StorageError")
        _check_untouched(path, False, "a full disk")


def _check_options(name: str, suffix: str) -> None:
    spec = PluginSpec(name=name, options={"no_such_option": 1})
    with _folder() as folder:
        path = folder / f"walk{suffix}"
        try:
            GROUPS["exporters"].build(spec, path=path, reconstruction=moving_body())
        except ConfigurationError:
            _check_untouched(path, False, "an unknown option")
            return
    _expect(False, "an unknown option is a ConfigurationError; give it a Config by configured_by")
