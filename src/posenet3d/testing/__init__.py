"""What plug-in authors test their own blocks with.

:mod:`posenet3d.testing.strategies` draws rotations, skeletons and depths through Hypothesis.
:mod:`posenet3d.testing.bodies` draws bodies with their shapes and poses. :func:`check_body_model`
checks a body model against all that the library expects of one, :func:`check_logger` a logger,
:func:`check_keypoint_reader` a reader of keypoint files, and :func:`check_malformed` what it makes
of damaged ones, :func:`check_exporter` a writer of files, :func:`check_dataset` a dataset;
they need no Hypothesis.
"""

from posenet3d.testing.contracts import (
    check_body_model,
    check_dataset,
    check_exporter,
    check_keypoint_reader,
    check_logger,
    check_malformed,
)

__all__ = [
    "check_body_model",
    "check_dataset",
    "check_exporter",
    "check_keypoint_reader",
    "check_logger",
    "check_malformed",
]
