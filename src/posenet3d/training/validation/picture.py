"""Some windows' skeletons at a validation point, to look at."""

from pathlib import Path

from posenet3d.networks import PoseNet3D
from posenet3d.typing import Windows2D

SHOWN = 4
"""How many windows a picture shows."""


def draw_skeletons(model: PoseNet3D, windows: Windows2D, path: Path, title: str = "") -> None:
    """A picture with a row for each window: the 2D input and the branches' skeletons.

    The middle frame of each window, in head-to-root units, from the front and from the side.

    Args:
        model: the network.
        windows: 2D windows (batch, T, 14, 2), normalised; the first four are shown.
        path: the picture; its folder is made.
        title: a line above the columns.

    Raises:
        MissingExtraError: matplotlib is not installed.
        StorageError: the file cannot be written.
    """
    from posenet3d.visualization import skeleton_sheet

    shown = windows[:SHOWN]
    middle = shown.shape[1] // 2
    heads = {
        name.capitalize(): skeletons[:, middle].double().cpu().numpy()
        for name, skeletons in model.lift(shown).items()
        if name != "mean"
    }
    input2d = shown[:, middle].double().cpu().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    skeleton_sheet(None, heads, input2d, path, title=title)
