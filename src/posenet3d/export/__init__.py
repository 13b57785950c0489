"""Results as files that other programs read; one format a file."""

from posenet3d.export.bvh import write_bvh
from posenet3d.export.c3d import write_c3d
from posenet3d.export.csv import write_csv
from posenet3d.export.glb import write_glb
from posenet3d.export.json import write_json
from posenet3d.export.npz import write_npz
from posenet3d.export.obj import write_obj, write_obj_frames
from posenet3d.export.ply import write_ply_frames
from posenet3d.export.trc import write_trc

__all__ = [
    "write_bvh",
    "write_c3d",
    "write_csv",
    "write_glb",
    "write_json",
    "write_npz",
    "write_obj",
    "write_obj_frames",
    "write_ply_frames",
    "write_trc",
]
