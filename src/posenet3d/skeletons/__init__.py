"""Joints by name: skeletons, the layouts of keypoint files, and conversion between them."""

from posenet3d.skeletons.conversion import HEAD_TOP_FROM_FACE, Converted, convert
from posenet3d.skeletons.layouts import LAYOUTS, LIMBS, LSP_14, layout
from posenet3d.skeletons.skeleton import Skeleton

__all__ = [
    "HEAD_TOP_FROM_FACE",
    "LAYOUTS",
    "LIMBS",
    "LSP_14",
    "Converted",
    "Skeleton",
    "convert",
    "layout",
]
