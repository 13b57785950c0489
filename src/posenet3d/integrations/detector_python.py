"""Which Python runs the 2D detector, and how to install one that does."""

import importlib.util
import os
import shutil
import sys

from posenet3d.errors import DetectorError

VERSION = "0.10.14"
"""The version of MediaPipe: its wheel brings the weights, and this is the one that was tried."""

VARIABLE = "POSENET3D_DETECTOR_PYTHON"
"""The environment variable that names the Python that has MediaPipe."""

_FOLDER = "detector"


def detector_python(named: str | os.PathLike[str] | None = None) -> str:
    """The Python that runs the detector.

    Args:
        named: its path, or the name of a command; else the environment variable
            ``POSENET3D_DETECTOR_PYTHON`` tells it; else it is this one, if it has MediaPipe.

    Raises:
        DetectorError: there is none; the message says which commands install one.

    Example:
        >>> import sys
        >>> detector_python(sys.executable) == sys.executable
        True
    """
    told = os.fspath(named) if named is not None else os.environ.get(VARIABLE, "").strip()
    if not told:
        if importlib.util.find_spec("mediapipe") is None:
            raise DetectorError(sys.executable, f"has no mediapipe; {how_to_install()}")
        return sys.executable
    # Not resolved: a virtual environment is known by the link's own place.
    found = shutil.which(os.path.expanduser(told))
    if found is None:
        where = "--detector-python" if named is not None else VARIABLE
        raise DetectorError(
            told, f"{where}: expected a Python that can be run, got none there; {how_to_install()}"
        )
    return os.path.abspath(found)


def how_to_install() -> str:
    """The commands that install the detector in an environment of its own.

    Example:
        >>> "mediapipe==0.10.14" in how_to_install()
        True
    """
    inside = os.path.join(_FOLDER, "Scripts" if os.name == "nt" else "bin", "python")
    return (
        "install the detector with Python 3.9 to 3.12, in an environment of its own:\n"
        f"  python3.11 -m venv {_FOLDER}\n"
        f"  {inside} -m pip install mediapipe=={VERSION}\n"
        f"and name it: --detector-python {inside} (or {VARIABLE}={inside}). Before Python 3.13 it\n"
        "may also stand beside this library: pip install 'posenet3d[detect]'"
    )
