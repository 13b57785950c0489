"""Which recordings the open protocols train on and test with.

The recordings of ``cmu_train.npz`` and ``cmu_test.npz``, which this library's figures are measured
on: eight subjects to train on, three others to test with.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

_TRAIN = {
    "01": "1 8",
    "02": "1-10",
    "05": "1-4 7-20",
    "06": "1-12 14-15",
    "07": "1-11",
    "13": "1 7-11 13-16 19 26 29-42",
    "60": "1-7 9-15",
    "61": "1-7 9-15",
}
_TEST = {"08": "1-11", "14": "4-5 7-8 12 14 17-22 27-37", "35": "1"}


def _recordings(subjects: Mapping[str, str]) -> Iterator[str]:
    for subject, ranges in subjects.items():
        for span in ranges.split():
            first, _, last = span.partition("-")
            for number in range(int(first), int(last or first) + 1):
                yield f"{subject}_{number:02}"


OPEN_SPLIT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"train": tuple(_recordings(_TRAIN)), "test": tuple(_recordings(_TEST))}
)
"""The recordings' names by split: ``"01_01"``, ``"01_08"`` …"""

OPEN_SUBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"train": tuple(_TRAIN), "test": tuple(_TEST)}
)
"""The subjects' numbers by split."""
