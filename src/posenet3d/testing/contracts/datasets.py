"""What every dataset must do, whatever its files."""

import gc
import hashlib
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from posenet3d.data import AnnotatedSequence
from posenet3d.data.datasets import Dataset, DatasetCard, load_dataset
from posenet3d.errors import ConfigurationError, DataError, PoseNet3DError, StorageError
from posenet3d.keypoints import KeypointSequence
from posenet3d.skeletons import LSP_14, convert, layout

SMALLEST, LARGEST = 0.3, 3.0
"""What a person measures across, in metres, whatever the pose: for datasets in other units."""

MOST_ALIVE = 2
"""Sequences that may be in memory at once: the one that was given, and the next."""

Item = TypeVar("Item")
Plugin = str | Callable[..., Dataset]


def check_dataset(
    plugin: Plugin,
    root: str | Path | None = None,
    *,
    projected: float | None = 1e-6,
    subjects_differ: bool = True,
    **options: Any,
) -> None:
    """Checks a dataset against what :class:`posenet3d.data.datasets.Dataset` promises.

    Its card is complete. Training gives 2D under names of their own, ``"<subject>/…"``, in layouts
    that lead to ``lsp_14``; test gives truth in metres, finite and in front of the camera where it
    counts, all cameras of a clip one after the other. A subject is trained on or tested on, not
    both. Where a frame counts, the 2D is what a pinhole camera sees of the truth, up to focal
    lengths and a centre, which are fitted. Both methods are iterators that hold one sequence at a
    time and give the same each time, and the folder is left as it is. A missing folder, an empty
    one and a misspelt option end in the library's errors, which name what is wrong. A split that
    the card does not name is a ``DataError``.

    Call it on a small folder in the dataset's layout: everything is read several times.

    Args:
        plugin: the plug-in's name, or the class itself.
        root: a folder in the dataset's layout; ``None`` for a dataset that needs none.
        projected: how far the 2D may be from the truth's projection, as a share of the person's
            larger side in the image; ``None`` for 2D that was detected or labelled by hand, or a
            lens that bends straight lines: then only the directions of the axes are looked at.
        subjects_differ: whether no subject is in training and test; false for a dataset whose
            owners split it otherwise.
        **options: the dataset's own.

    Raises:
        AssertionError: The first promise that is not kept, in words.

    Example:
        >>> check_dataset("synthetic", clips=1, seconds=0.5)
    """
    folder = None if root is None else Path(root)
    before = _content(folder)
    dataset = _make(plugin, folder, options)
    _check_card(dataset)
    trained = _check_training(dataset) if "train" in dataset.about.splits else set()
    tested = _check_test(dataset, projected) if "test" in dataset.about.splits else set()
    both = trained & tested
    _expect(
        not (subjects_differ and both),
        f"a subject is in training or in test, got {', '.join(sorted(both))} in both",
    )
    _check_absent_splits(dataset)
    _check_folders(plugin, dataset.about, options)
    _check_options(plugin, folder, options)
    _expect(_content(folder) == before, "the folder is left as it is")


def _expect(kept: object, promise: str) -> None:
    if not kept:
        raise AssertionError(f"Dataset: expected that {promise}; mend the plug-in.")


def _make(plugin: Plugin, root: Path | None, options: dict[str, Any]) -> Dataset:
    if isinstance(plugin, str):
        return load_dataset(plugin, root, **options)
    return plugin(root=root, **options)


def _content(root: Path | None) -> dict[str, str]:
    """The checksum of each file."""
    if root is None:
        return {}
    files = [root] if root.is_file() else sorted(each for each in root.rglob("*") if each.is_file())
    return {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def _check_card(dataset: Dataset) -> None:
    _expect(isinstance(dataset, Dataset), "it has about, training() and test()")
    card = getattr(type(dataset), "about", None)
    _expect(isinstance(card, DatasetCard), "its class has a DatasetCard, `about`")
    if not isinstance(card, DatasetCard):  # pragma: no cover (for the type checker)
        return
    for field in ("title", "homepage", "licence", "citation", "steps", "splits"):
        _expect(getattr(card, field), f"its card tells its {field}")
    _expect(set(card.splits) <= {"train", "test"}, "its card's splits are train, test or both")
    _expect(set(card.optional) <= set(card.files), "what its card calls optional is in its files")


def _check_training(dataset: Dataset) -> set[str]:
    names: list[str] = []
    known = np.zeros(len(LSP_14), dtype=np.bool_)
    for name, sequence in _one_at_a_time(dataset.training, _points_of_named):
        _expect(name.partition("/")[0], f"a name begins with the subject, got {name!r}")
        known |= np.isfinite(sequence.to_layout(LSP_14.name).points[..., 0]).any(axis=0)
        names.append(name)
    _expect(names, "training gives at least one sequence")
    _expect(len(set(names)) == len(names), "no two training sequences have one name")
    lost = [joint for joint, there in zip(LSP_14.joint_names, known, strict=True) if not there]
    _expect(not lost, f"each joint of lsp_14 is seen somewhere in training, got no {lost}")
    again = [name for name, _ in dataset.training()]
    _expect(again == names, "training gives the same a second time")
    return {name.partition("/")[0] for name in names}


def _points_of_named(item: Any) -> np.ndarray:
    pair = isinstance(item, tuple) and len(item) == 2
    fits = pair and isinstance(item[0], str) and isinstance(item[1], KeypointSequence)
    _expect(fits, "training gives pairs of a name and a KeypointSequence")
    points: np.ndarray = item[1].points
    return points


def _points_of_annotated(item: Any) -> np.ndarray:
    _expect(isinstance(item, AnnotatedSequence), "test gives AnnotatedSequences")
    points: np.ndarray = item.keypoints.points
    return points


def _check_test(dataset: Dataset, projected: float | None) -> set[str]:
    names, keys = [], []
    for sequence in _one_at_a_time(dataset.test, _points_of_annotated):
        names.append(sequence.name)
        keys.append(sequence.key)
        if sequence.counted.any():
            _check_truth(sequence)
            _check_projection(sequence, projected)
    _expect(names, "test gives at least one sequence")
    _expect(len(set(names)) == len(names), "no two test sequences have one key and camera")
    turns = [key for key, before in zip(keys, [None, *keys], strict=False) if key != before]
    _expect(len(set(turns)) == len(turns), "the cameras of a clip follow each other in test")
    again = [sequence.name for sequence in dataset.test()]
    _expect(again == names, "test gives the same a second time")
    return {key.partition("/")[0] for key in keys}


def _check_truth(sequence: AnnotatedSequence) -> None:
    truth = sequence.joints[sequence.counted]
    nearest = float(truth[..., 2].min())
    _expect(nearest > 0, f"{sequence.name}: the person is in front of the camera, got z {nearest}")
    size = float(np.median(np.ptp(truth, axis=1).max(axis=1)))
    _expect(
        SMALLEST < size < LARGEST,
        f"{sequence.name}: the truth is in metres, got a person {size:.3g} across",
    )
    made = convert(truth, sequence.joints_layout, LSP_14.name).points
    _expect(np.isfinite(made).all(), f"{sequence.name}: the truth has every joint of lsp_14")


def _check_projection(sequence: AnnotatedSequence, projected: float | None) -> None:
    """The 2D against x/z and y/z, each by a straight line: the focal length and the centre."""
    seen, truth = _same_joints(sequence)
    rays = truth[:, :2] / truth[:, 2:]
    size = float(np.ptp(seen, axis=0).max())
    for axis, name in enumerate("xy"):
        lines = np.column_stack([rays[:, axis], np.ones(len(rays))])
        (focal, centre), *_ = np.linalg.lstsq(lines, seen[:, axis], rcond=None)
        _expect(focal > 0, f"{sequence.name}: {name} of 2D and of the truth grow the same way")
        off = float(np.abs(lines @ (focal, centre) - seen[:, axis]).max()) / size
        _expect(
            projected is None or off <= projected,
            f"{sequence.name}: the 2D is the truth's projection within {projected} of the "
            f"person's size in the image, got {off:.2g} along {name}",
        )


def _same_joints(
    sequence: AnnotatedSequence,
) -> tuple[Float[np.ndarray, "places 2"], Float[np.ndarray, "places 3"]]:
    """The 2D and 3D of the joints that both layouts have, where they are known and count."""
    there, wanted = layout(sequence.keypoints.layout), layout(sequence.joints_layout)
    names = [name for name in there.joint_names if name in wanted.joint_names]
    seen = sequence.keypoints.points[sequence.counted][:, there.indices(*names)].reshape(-1, 2)
    truth = sequence.joints[sequence.counted][:, wanted.indices(*names)].reshape(-1, 3)
    known = np.isfinite(seen).all(axis=1)
    _expect(known.sum() > 2, f"{sequence.name}: some joint is both seen and true")
    return seen[known], truth[known]


def _one_at_a_time(
    give: Callable[[], Iterator[Item]], array: Callable[[Item], np.ndarray]
) -> Iterator[Item]:
    """What an iterator gives, seeing that it lets go of what it gave before."""
    items = give()
    _expect(isinstance(items, Iterator), "training and test give iterators, such as generators")
    given: list[weakref.ref[np.ndarray]] = []
    while (item := next(items, None)) is not None:
        given.append(weakref.ref(array(item)))
        yield item
        del item
        if _alive(given) > MOST_ALIVE + 1:  # some may be waiting in reference cycles
            gc.collect()
            alive = _alive(given)
            _expect(alive <= MOST_ALIVE + 1, f"it keeps one sequence at a time, got {alive}")


def _alive(given: list[weakref.ref[np.ndarray]]) -> int:
    return sum(each() is not None for each in given)


def _check_absent_splits(dataset: Dataset) -> None:
    for split, method in (("train", dataset.training), ("test", dataset.test)):
        if split not in dataset.about.splits:
            try:
                next(iter(method()), None)
            except DataError:
                continue
            _expect(False, f"what it does not have, {split!r}, is a DataError")


def _check_folders(plugin: Plugin, card: DatasetCard, options: dict[str, Any]) -> None:
    if not card.files:
        return
    with tempfile.TemporaryDirectory() as name:
        _refused(plugin, Path(name, "no_such_folder"), options, "a missing folder")
        empty = Path(name, "empty_folder")
        empty.mkdir()
        _refused(plugin, empty, options, "an empty folder")


def _refused(plugin: Plugin, root: Path, options: dict[str, Any], what: str) -> None:
    try:
        _make(plugin, root, options)
    except (DataError, StorageError) as error:
        named = root.name in str(error)
        _expect(named, f"the error for {what} names it, got {str(error)!r}")
        return
    except PoseNet3DError as error:
        _expect(False, f"{what} is a DataError or a StorageError, got {error!r}")
    _expect(False, f"{what} is refused when the dataset is made")


def _check_options(plugin: Plugin, root: Path | None, options: dict[str, Any]) -> None:
    if not isinstance(plugin, str):
        return
    try:
        load_dataset(plugin, root, **{**options, "no_such_option": 1})
    except ConfigurationError:
        return
    _expect(False, "an unknown option is a ConfigurationError; give it a Config that forbids extra")
