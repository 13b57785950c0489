"""Pictures of what goes in and what comes out. Needs the extra ``viz``."""

from posenet3d.visualization.bodies import joints_over_mesh, regressor_weights
from posenet3d.visualization.curves import training_curves
from posenet3d.visualization.mesh_sheet import MeshExample, mesh_sheet
from posenet3d.visualization.sheet import skeleton_sheet

__all__ = [
    "MeshExample",
    "joints_over_mesh",
    "mesh_sheet",
    "regressor_weights",
    "skeleton_sheet",
    "training_curves",
]
