"""The field's datasets, each from the files that its owners give out; one file a dataset."""

from posenet3d.data.datasets.card import DatasetCard, Download
from posenet3d.data.datasets.dataset import Dataset, load_dataset, protocols_of, training_set
from posenet3d.data.datasets.repairs import Repairs, RepairTally

__all__ = [
    "Dataset",
    "DatasetCard",
    "Download",
    "RepairTally",
    "Repairs",
    "load_dataset",
    "protocols_of",
    "training_set",
]
