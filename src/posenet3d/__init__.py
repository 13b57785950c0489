"""PoseNet3D: 3D human pose and shape learnt from 2D keypoints alone.

`load_keypoints` reads what a 2D detector wrote, `Estimator` lifts it to a `Reconstruction` (joints
in metres, rotations, a mesh), `Trainer` trains from 2D, and `evaluate` measures against true 3D.
Units, axes and joint orders are told on the page "Conventions" of the documentation.

The names resolve on first use (PEP 562), so ``import posenet3d`` stays light and imports no torch
until a name needs it.

Example:
    >>> import numpy as np
    >>> import posenet3d as p3d
    >>> walk = p3d.KeypointSequence(np.random.rand(20, 14, 2), layout="lsp_14", fps=50.0)
    >>> p3d.Estimator.from_pretrained().predict(walk).joints3d.shape
    (20, 14, 3)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posenet3d import body, evaluation, export, geometry, losses, nn, testing
    from posenet3d.body import BodyModel, ConvexJointRegressor, load_body_model
    from posenet3d.errors import PoseNet3DError
    from posenet3d.evaluation import evaluate
    from posenet3d.inference import Estimator
    from posenet3d.keypoints import KeypointSequence, load_keypoints, load_people
    from posenet3d.networks import Lifter, PoseNet3D, Student, TemporalDiscriminator
    from posenet3d.plugins import list_plugins
    from posenet3d.reconstruction import Reconstruction
    from posenet3d.skeletons import Skeleton, layout
    from posenet3d.training import StageConfig, Trainer, TrainerConfig

__version__ = "0.1.0"

__all__ = [
    "BodyModel",
    "ConvexJointRegressor",
    "Estimator",
    "KeypointSequence",
    "Lifter",
    "PoseNet3D",
    "PoseNet3DError",
    "Reconstruction",
    "Skeleton",
    "StageConfig",
    "Student",
    "TemporalDiscriminator",
    "Trainer",
    "TrainerConfig",
    "__version__",
    "body",
    "evaluate",
    "evaluation",
    "export",
    "geometry",
    "layout",
    "list_plugins",
    "load_body_model",
    "load_keypoints",
    "load_people",
    "losses",
    "nn",
    "testing",
]

_HOMES = {
    "BodyModel": "body",
    "ConvexJointRegressor": "body",
    "Estimator": "inference",
    "KeypointSequence": "keypoints",
    "Lifter": "networks",
    "PoseNet3D": "networks",
    "PoseNet3DError": "errors",
    "Reconstruction": "reconstruction",
    "Skeleton": "skeletons",
    "StageConfig": "training",
    "Student": "networks",
    "TemporalDiscriminator": "networks",
    "Trainer": "training",
    "TrainerConfig": "training",
    "evaluate": "evaluation",
    "layout": "skeletons",
    "list_plugins": "plugins",
    "load_body_model": "body",
    "load_keypoints": "keypoints",
    "load_people": "keypoints",
}
"""The module that defines each lazy name; the other names are sub-packages."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'posenet3d' has no attribute {name!r}")
    if name not in _HOMES:
        return import_module(f"posenet3d.{name}")
    value = getattr(import_module(f"posenet3d.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
