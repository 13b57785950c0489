"""Names for tensor shapes, spelled once.

Axis names: ``joints`` J, ``frames`` T, ``betas`` shape coefficients, ``vertices`` V; ``*batch``
stands for any leading axes. A test session run with ``--jaxtyping-packages`` checks them all.
"""

from jaxtyping import Float
from torch import Tensor

Scalar = Float[Tensor, ""]
Points2D = Float[Tensor, "*batch joints 2"]
Points3D = Float[Tensor, "*batch joints 3"]
Windows2D = Float[Tensor, "batch frames joints 2"]
Windows3D = Float[Tensor, "batch frames joints 3"]
Rotations = Float[Tensor, "*batch 3 3"]
RotationVectors = Float[Tensor, "*batch 3"]
Quaternions = Float[Tensor, "*batch 4"]
PoseRotations = Float[Tensor, "*batch bones 3 3"]
Betas = Float[Tensor, "*#batch betas"]
BodyRotations = Float[Tensor, "*#batch bones 3 3"]
JointRegression = Float[Tensor, "regressed vertices"]
Vertices = Float[Tensor, "*batch vertices 3"]
Logits = Float[Tensor, " batch"]
RealLogits = Float[Tensor, " real"]
FakeLogits = Float[Tensor, " fake"]
