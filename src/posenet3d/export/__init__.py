"""Results as files that other programs read; one format a file."""

from posenet3d.export.bvh import write_bvh
from posenet3d.export.glb import write_glb
from posenet3d.export.obj import write_obj

__all__ = ["write_bvh", "write_glb", "write_obj"]
