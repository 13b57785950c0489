"""Human3.6M, from VideoPose3D's files or from the release's own.

``recordings`` knows who did what before which cameras, ``joints`` which of 32 joints count;
``archives`` and ``cdf_files`` with ``release`` read the two kinds of files; ``cameras``,
``camera_files`` and ``camera_fitting`` lead from the world to the camera, ``truth`` to the true
joints; ``dataset`` is the plug-in.
"""

from posenet3d.data.datasets.human36m.dataset import Human36mDataset

__all__ = ["Human36mDataset"]
