"""The files that a user names, as what a table is made from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from posenet3d.data import MotionClip, load_motion
from posenet3d.data.annotated_npz import AnnotatedFile, holds_annotated
from posenet3d.data.sequence_files import belongs
from posenet3d.errors import DataError, UnknownNameError
from posenet3d.evaluation.clips import check_protocol
from posenet3d.evaluation.protocols import CMU_14, find_protocol
from posenet3d.files.npz import open_npz
from posenet3d.keypoints.clips_npz import holds_keypoints
from posenet3d.reproduction.material import GENTLE, Material
from posenet3d.reproduction.runs import DETECTED, EXACT
from posenet3d.reproduction.tables import PaperTable, find_table


def open_material(
    table: PaperTable | str,
    *,
    data: str | Path | None = None,
    detected: str | Path | None = None,
    test_data: str | Path | None = None,
    test_detected: str | Path | None = None,
    hold_out: Sequence[str] = (),
    protocol: str | None = None,
    rig: str | None = None,
    noise: str | None = None,
) -> Material:
    """What a table is made from, out of files.

    Args:
        table: the table or its name.
        data: what to train on: 3D motion, or exact 2D keypoints; or a folder with ``train.npz`` and
            ``test.npz``, as ``posenet3d data convert`` writes it, for both.
        detected: the same people's detected 2D keypoints, or such a folder.
        test_data: what to measure: 3D motion, or annotated sequences with exact 2D.
        test_detected: annotated sequences with detected 2D.
        hold_out: subjects of a motion file to measure instead of a file of their own.
        protocol: the protocol that measures; by default the paper's for annotated sequences, or
            the one that their file names instead, and for motion the open one that stands in for
            it.
        rig: the cameras that film motion to train on; by default those of the protocol, but for
            Table 3 and protocols without any ``cmu14``.
        noise: the model that makes detected 2D where no file holds it; ``gentle`` where motion is
            to be trained on.

    Returns:
        The material, checked against what the table's runs need.

    Raises:
        DataError: a file is missing, is not of the kind that it is named as, or is for other
            protocols.
        StorageError: a file cannot be read.
        UnknownNameError: no such table, protocol, rig, noise or subject.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> path = Path(tempfile.mkdtemp(), "motion.npz")
        >>> still = np.random.default_rng(0).normal(size=(20, 14, 3))
        >>> np.savez(path, fps=50.0, layout="lsp_14", **{"S1/a": still, "S2/a": still})
        >>> material = open_material("table3", data=path, hold_out=["S2"])
        >>> material.rig, material.protocol, material.facts("detected")["test"]["name"]
        ('cmu14', 'cmu14-wild', '1 clip of S2')
    """
    wanted = find_table(table) if isinstance(table, str) else table
    data, beside = _unfolded(data)
    detected, detected_beside = _unfolded(detected)
    training, held = _training(data, detected, tuple(hold_out))
    test = _test(test_data or beside, test_detected or detected_beside, held)
    motion = not isinstance(training.get(EXACT, Path()), Path)
    test_motion = any(not isinstance(each, Path) for each in test.values())
    chosen = protocol or (wanted.filmed_protocol if test_motion else _own(test, wanted))
    cameras = None
    if motion:
        cameras = rig or wanted.filmed_training or find_protocol(chosen).rig or CMU_14.name
    elif rig is not None:
        raise DataError(data, "expected 3D motion for a rig to film, got 2D keypoints.")
    if motion and noise is None:
        noise = GENTLE
    for each in test.values():
        check_protocol(each, find_protocol(chosen))
    material = Material(training, test, chosen, cameras, noise)
    for seen in wanted.seen:
        material.check(seen)
    return material


def _own(test: Mapping[str, Any], table: PaperTable) -> str:
    """The paper's protocol for annotated sequences, or what their file names instead."""
    named = [name for path in test.values() for name in AnnotatedFile(path).protocols]
    return named[0] if named and table.annotated_protocol not in named else table.annotated_protocol


def _unfolded(given: str | Path | None) -> tuple[str | Path | None, Path | None]:
    """What to train on and what to measure in a folder of ``posenet3d data convert``."""
    folder = None if given is None else Path(given)
    if folder is None or not (folder / "test.npz").is_file():
        return given, None
    trains = [folder / name for name in ("train.npz", "train") if (folder / name).exists()]
    return (trains[0] if trains else None), folder / "test.npz"


def _training(
    data: str | Path | None, detected: str | Path | None, hold_out: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[MotionClip, ...]]:
    """What to train on by the kind of 2D, and the clips that are held out of it."""
    training: dict[str, Any] = {}
    held: tuple[MotionClip, ...] = ()
    if data is not None:
        path = Path(data)
        kind = _kind(path)
        if kind == "annotated":
            raise DataError(
                path, "expected 2D keypoints or 3D motion to train on, got annotated sequences."
            )
        if kind == "motion":
            training[EXACT], held = _parted(load_motion(path), hold_out, path)
        else:
            training[EXACT] = path
    if hold_out and not held:
        raise DataError("--hold-out", "expected 3D motion as --data to hold subjects out of.")
    if detected is not None:
        if _kind(Path(detected)) != "keypoints":
            raise DataError(detected, "expected 2D keypoints as detected, got something else.")
        training[DETECTED] = Path(detected)
    return training, held


def _parted(
    clips: tuple[MotionClip, ...], hold_out: tuple[str, ...], path: Path
) -> tuple[tuple[MotionClip, ...], tuple[MotionClip, ...]]:
    """Clips to train on, and clips of the subjects that are held out."""
    for subject in hold_out:
        if not any(belongs(clip.key, subject) for clip in clips):
            raise UnknownNameError("subject", subject, {clip.subject for clip in clips})
    held = tuple(clip for clip in clips if any(belongs(clip.key, subject) for subject in hold_out))
    keys = {clip.key for clip in held}
    rest = tuple(clip for clip in clips if clip.key not in keys)
    if not rest:
        raise DataError(path, "expected a subject to train on, got none; hold out fewer.")
    return rest, held


def _test(
    exact: str | Path | None, detected: str | Path | None, held: tuple[MotionClip, ...]
) -> Mapping[str, Any]:
    """What to measure by the kind of 2D."""
    if held and (exact is not None or detected is not None):
        raise DataError("--hold-out", "expected held-out subjects or a file to measure, got both.")
    test: dict[str, Any] = {EXACT: held} if held else {}
    for seen, given in ((EXACT, exact), (DETECTED, detected)):
        if given is None:
            continue
        path = Path(given)
        kind = _kind(path)
        if kind == "keypoints":
            raise DataError(
                path,
                "expected annotated sequences or 3D motion to measure, got 2D keypoints, which "
                "know no truth.",
            )
        test[seen] = load_motion(path) if kind == "motion" else path
    if not test:
        raise DataError(
            "data",
            "expected something to measure, got none; name a file by --test-data, or subjects of "
            "a motion file by --hold-out.",
        )
    return test


def _kind(path: Path) -> str:
    """``motion``, ``annotated`` or ``keypoints``: what a file holds, by its keys."""
    if path.is_dir():
        return "keypoints"  # shards
    with open_npz(path) as arrays:
        if holds_annotated(arrays):
            return "annotated"
        return "keypoints" if holds_keypoints(arrays) else "motion"
