"""The contract of datasets is kept by one that keeps its promises, and each breach is named."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from posenet3d.data import AnnotatedSequence
from posenet3d.data.datasets import DatasetCard
from posenet3d.data.datasets.synthetic import SyntheticDataset
from posenet3d.errors import DataError
from posenet3d.keypoints import KeypointSequence
from posenet3d.testing import check_dataset

Named = tuple[str, KeypointSequence]
PEOPLE = SyntheticDataset(clips=2, seconds=0.2)
TRAINING, TEST = tuple(PEOPLE.training()), tuple(PEOPLE.test())
ABOUT = replace(SyntheticDataset.about, files={"people.txt": "nothing"})


class Good:
    """A stranger's dataset, of a folder with one file."""

    about: ClassVar[DatasetCard] = ABOUT

    def __init__(self, root: Path | None = None) -> None:
        self.root = self.about.check_folder(root)

    def training(self) -> Iterator[Named]:
        for name, sequence in TRAINING:
            yield name, replace(sequence)

    def test(self) -> Iterator[AnnotatedSequence]:
        for each in TEST:
            yield altered(each)


def altered(sequence: AnnotatedSequence, **changes: object) -> AnnotatedSequence:
    fields = ("key", "camera", "joints", "joints_layout", "counted")
    same = {name: getattr(sequence, name) for name in fields}
    return AnnotatedSequence(**same | {"keypoints": replace(sequence.keypoints)} | changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "people.txt").touch()
    return tmp_path


def test_the_synthetic_people_keep_it() -> None:
    check_dataset("synthetic", clips=1, seconds=0.2)


def test_a_strangers_class_keeps_it(root: Path) -> None:
    check_dataset(Good, root)


def breach_in_training(change: Callable[[list[Named]], Iterable[Named]]) -> type[Good]:
    class Breach(Good):
        def training(self) -> Iterator[Named]:
            changed = list(change(list(super().training())))
            while changed:
                yield changed.pop(0)

    return Breach


def breach_in_test(change: Callable[[AnnotatedSequence], AnnotatedSequence]) -> type[Good]:
    class Breach(Good):
        def test(self) -> Iterator[AnnotatedSequence]:
            yield from map(change, super().test())

    return Breach


class NoLicence(Good):
    about = replace(ABOUT, licence="")


class OddSplit(Good):
    about = replace(ABOUT, splits=("train", "validation"))


class GivesTestUnasked(Good):
    about = replace(ABOUT, splits=("train",))


class AList(Good):
    def training(self) -> Iterator[Named]:
        return list(TRAINING)  # type: ignore[return-value]


class Hoards(Good):
    def training(self) -> Iterator[Named]:
        self.kept = []
        for name, sequence in TRAINING:
            self.kept.append(replace(sequence))
            yield name, self.kept[-1]


class Forgets(Good):
    times = 0

    def training(self) -> Iterator[Named]:
        self.times += 1
        yield from super().training() if self.times == 1 else ()


class TakesAnyFolder(Good):
    def __init__(self, root: Path | None = None) -> None:
        self.root = root


class NamesNothing(Good):
    def __init__(self, root: Path | None = None) -> None:
        if root is None or not (root / "people.txt").exists():
            raise DataError("dataset", "expected the files, got none.")
        self.root = root


class Writes(Good):
    def training(self) -> Iterator[Named]:
        (self.root / "cache.txt").touch()
        yield from super().training()


def without_heads(given: list[Named]) -> list[Named]:
    points = [np.where(np.arange(14)[:, None] == 13, np.nan, each.points) for _, each in given]
    return [
        (name, replace(each, points=seen)) for (name, each), seen in zip(given, points, strict=True)
    ]


@pytest.mark.parametrize(
    ("breach", "told"),
    [
        (NoLicence, "its card tells its licence"),
        (OddSplit, "splits are train, test or both"),
        (GivesTestUnasked, "is a DataError"),
        (AList, "give iterators"),
        (Hoards, "keeps one sequence at a time"),
        (Forgets, "the same a second time"),
        (TakesAnyFolder, "a missing folder is refused"),
        (NamesNothing, "the error for a missing folder names it"),
        (Writes, "the folder is left as it is"),
        (breach_in_training(lambda given: ()), "at least one sequence"),
        (breach_in_training(lambda given: [given[0], given[0]]), "have one name"),
        (breach_in_training(lambda given: [("/walk", given[0][1])]), "begins with the subject"),
        (breach_in_training(lambda given: [name for name, _ in given]), "pairs of a name"),
        (breach_in_training(without_heads), "got no ['head_top']"),
        (
            breach_in_training(lambda given: [("synthetic2147483648_0000/a", given[0][1])]),
            "synthetic2147483648_0000 in both",
        ),
        (breach_in_test(lambda each: altered(each, key="one")), "have one key and camera"),
        (breach_in_test(lambda each: altered(each, joints=each.joints * 20)), "in metres"),
        (
            breach_in_test(lambda each: altered(each, joints=each.joints * (1, 1, -1))),
            "in front of the camera",
        ),
        (
            breach_in_test(lambda each: altered(each, joints=each.joints * (1, -1, 1))),
            "y of 2D and of the truth grow the same way",
        ),
        (
            breach_in_test(lambda each: altered(each, joints=each.joints[::-1])),
            "the truth's projection within 1e-06",
        ),
    ],
)
def test_each_breach_is_named(root: Path, breach: type[Good], told: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_dataset(breach, root)
    assert told in str(caught.value)
    assert "mend the plug-in" in str(caught.value)


def test_cameras_of_a_clip_that_do_not_follow_each_other_are_named(root: Path) -> None:
    class Mixed(Good):
        def test(self) -> Iterator[AnnotatedSequence]:
            yield from (TEST[0], TEST[4], TEST[1])

    with pytest.raises(AssertionError, match="follow each other"):
        check_dataset(Mixed, root)


def test_detected_2d_need_not_be_the_projection(root: Path) -> None:
    noisy = breach_in_test(
        lambda each: altered(
            each,
            keypoints=replace(each.keypoints, points=np.round(each.keypoints.points, 2)),
        )
    )
    with pytest.raises(AssertionError, match="projection"):
        check_dataset(noisy, root)
    check_dataset(noisy, root, projected=None)
    check_dataset(noisy, root, projected=0.1)
