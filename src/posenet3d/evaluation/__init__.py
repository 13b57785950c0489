"""How good a lifter is: metrics, protocols, and the report that holds the figures."""

from posenet3d.evaluation.evaluating import evaluate
from posenet3d.evaluation.metrics import (
    auc,
    flat_depth,
    mblstd,
    mpjpe,
    mpjve_paper,
    mpjve_videopose3d,
    n_mpjpe,
    p_mpjpe,
    pck,
)
from posenet3d.evaluation.protocols import (
    AIST,
    CMU_14,
    CMU_14_WILD,
    H36M,
    H36M_FRONTAL,
    H36M_HMR,
    MPI_INF_3DHP,
    PROTOCOLS,
    PW3D,
    Protocol,
    find_protocol,
)
from posenet3d.evaluation.report import EvaluationReport
from posenet3d.evaluation.samples import PoseSample
from posenet3d.evaluation.scores import HeadScores, Scores, Tally
from posenet3d.evaluation.trained import evaluate_network

__all__ = [
    "AIST",
    "CMU_14",
    "CMU_14_WILD",
    "H36M",
    "H36M_FRONTAL",
    "H36M_HMR",
    "MPI_INF_3DHP",
    "PROTOCOLS",
    "PW3D",
    "EvaluationReport",
    "HeadScores",
    "PoseSample",
    "Protocol",
    "Scores",
    "Tally",
    "auc",
    "evaluate",
    "evaluate_network",
    "find_protocol",
    "flat_depth",
    "mblstd",
    "mpjpe",
    "mpjve_paper",
    "mpjve_videopose3d",
    "n_mpjpe",
    "p_mpjpe",
    "pck",
]
