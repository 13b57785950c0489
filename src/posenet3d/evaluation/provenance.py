"""Where a figure comes from: versions and the commit, for the record in a report."""

import platform
import subprocess
from pathlib import Path

import numpy as np
import torch

from posenet3d import __version__


def library_versions() -> dict[str, str]:
    """The versions that a figure may depend on.

    Returns:
        Version by name: python, posenet3d, torch, numpy.

    Example:
        >>> sorted(library_versions())
        ['numpy', 'posenet3d', 'python', 'torch']
    """
    return {
        "python": platform.python_version(),
        "posenet3d": __version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def source_commit() -> str | None:
    """The commit of the library's own source tree, with ``+changes`` if files differ from it.

    Returns:
        The commit, or ``None`` where the library was installed from a wheel, or git is absent.

    Example:
        >>> commit = source_commit()
        >>> commit is None or len(commit) >= 40
        True
    """
    package = Path(__file__).resolve().parents[1]
    # A wheel may sit in a virtual environment inside somebody else's repository.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changed = _git(package, "status", "--porcelain", "--untracked-files=no", ".")
    return f"{commit}+changes" if commit and changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
