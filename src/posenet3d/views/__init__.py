"""View samplers: where from the discriminator looks at a lifted skeleton (Q of Eq. 1)."""

from posenet3d.views.gravity import GravityViews, LearnedViews, turn_about_gravity
from posenet3d.views.rays import camera_pitch, hips_pitch
from posenet3d.views.spread import LearnedSpreadViews
from posenet3d.views.uniform import UniformViews
from posenet3d.views.view_sampler import ViewSampler

__all__ = [
    "GravityViews",
    "LearnedSpreadViews",
    "LearnedViews",
    "UniformViews",
    "ViewSampler",
    "camera_pitch",
    "hips_pitch",
    "turn_about_gravity",
]
