"""Reading without trust, writing without halves: the only way the library touches the disk."""

from posenet3d.files.atomic import atomic_folder, atomic_write, remove_partials
from posenet3d.files.npz import load_npz

__all__ = ["atomic_folder", "atomic_write", "load_npz", "remove_partials"]
