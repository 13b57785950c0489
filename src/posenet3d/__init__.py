"""PoseNet3D: 3D human pose and shape learnt from 2D keypoints alone.

The names below resolve on first use (PEP 562), so ``import posenet3d`` stays light and imports no
torch until a name needs it.

Example:
    >>> import posenet3d
    >>> issubclass(posenet3d.PoseNet3DError, Exception)
    True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posenet3d.errors import PoseNet3DError as PoseNet3DError

__version__ = "0.1.0"

_HOMES = {
    "PoseNet3DError": "posenet3d.errors",
}
"""The module that defines each lazy name."""

_SUBPACKAGES: tuple[str, ...] = ()
"""The sub-packages that ``posenet3d.<name>`` imports on first use."""

__all__ = ["__version__", *_HOMES, *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_module(f"posenet3d.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'posenet3d' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
