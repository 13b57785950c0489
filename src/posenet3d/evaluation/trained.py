"""`evaluate` for a trained network, which knows how its input is made."""

from typing import Any

from posenet3d.evaluation.clips import TestData
from posenet3d.evaluation.evaluating import evaluate
from posenet3d.evaluation.lifting import StitchingNetwork
from posenet3d.evaluation.protocols import Protocol
from posenet3d.evaluation.report import EvaluationReport
from posenet3d.inference.windows import lifting_scale
from posenet3d.networks import PoseNet3D


def evaluate_network(
    model: PoseNet3D,
    clips: TestData,
    protocol: Protocol | str | None = None,
    *,
    stitch: str = "centre",
    **options: Any,
) -> EvaluationReport:
    """The errors of a trained network's branches under a protocol.

    `evaluate` with the window, the scale of the input and the camera's distance that the network
    was trained with, on the device where it is.

    With ``stitch="average"`` the skeletons are those of `Estimator.predict`, up to their unit: the
    2D's scale is ``"limbs"`` where it was ``"sequence"`` in training, and the student is one body
    of one shape for the whole sequence, posed as `posenet3d.inference.STITCHES` tells. `evaluate`
    with ``model.lift`` knows windows alone, and would average the student's skeletons, each of a
    shape of its own.

    Args:
        model: the network.
        clips: as for `evaluate`.
        protocol: as for `evaluate`.
        stitch: what is compared of a frame, see `evaluate`.
        **options: further ones of `evaluate`: ``detector``, ``batch_size``, ``samples`` …

    Returns:
        The report, with the heads ``teacher``, ``student`` and ``mean`` that there are.

    Raises:
        ConfigurationError, DataError, StorageError, UnknownNameError: as `evaluate`.

    Example:
        >>> from posenet3d.data.synthetic import synthetic_motion
        >>> people = synthetic_motion(clips=1, seconds=0.5)
        >>> list(evaluate_network(PoseNet3D.from_pretrained(), people).heads)
        ['flat', 'teacher', 'student', 'mean']
    """
    average = stitch == "average"
    return evaluate(
        StitchingNetwork(model) if average else model.lift,
        clips,
        protocol,
        frames=model.receptive_field,
        distance=model.config.distance,
        normalization=lifting_scale(model) if average else model.config.normalization,
        length=float(model.input_length) or None,
        device=model.metres_per_unit.device,
        stitch=stitch,
        **options,
    )
