"""One check a kind of plug-in: call it on your block in your tests; it raises on a breach."""

from posenet3d.testing.contracts.body_models import check_body_model
from posenet3d.testing.contracts.datasets import check_dataset
from posenet3d.testing.contracts.exporters import check_exporter
from posenet3d.testing.contracts.keypoint_readers import check_keypoint_reader, check_malformed
from posenet3d.testing.contracts.loggers import check_logger

__all__ = [
    "check_body_model",
    "check_dataset",
    "check_exporter",
    "check_keypoint_reader",
    "check_logger",
    "check_malformed",
]
