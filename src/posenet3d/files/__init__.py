"""Reading without trust, writing without halves: the only way the library touches the disk."""

from posenet3d.files.atomic import (
    atomic_folder,
    atomic_remove,
    atomic_write,
    make_folder,
    remove_partials,
    sync_folder,
)
from posenet3d.files.capped import read_capped
from posenet3d.files.npz import load_npz, open_npz, parse_npz
from posenet3d.files.npz_writing import write_npz
from posenet3d.files.pickled_arrays import pickled_value
from posenet3d.files.safe_pickle import parse_pickle, read_pickle
from posenet3d.files.strict_json import json_text, parse_json

__all__ = [
    "atomic_folder",
    "atomic_remove",
    "atomic_write",
    "json_text",
    "load_npz",
    "make_folder",
    "open_npz",
    "parse_json",
    "parse_npz",
    "parse_pickle",
    "pickled_value",
    "read_capped",
    "read_pickle",
    "remove_partials",
    "sync_folder",
    "write_npz",
]
