"""The moving picture of README.md: made-up keypoints, lifted with the weights that ship.

Somebody who does not exist walks past a virtual camera. ``python tools/readme_picture.py`` writes
``docs/_static/walk.gif``: the 2D that goes in, and the body that comes out from front and side.
"""

from pathlib import Path

from posenet3d import Estimator, KeypointSequence
from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion

TARGET = Path(__file__).parents[1] / "docs" / "_static" / "walk.gif"
VIEW = 1
"""Of the eight cameras."""


def main() -> None:
    """Lift a made-up walk and draw it."""
    clips = synthetic_motion(clips=1, seconds=1.2, seed=4, fps=50.0, activities=["walk"])
    seen = list(film(clips, "cmu14-wild").sequences.values())[VIEW]
    named = KeypointSequence(seen.points, layout="lsp_14", fps=50.0, unit=seen.unit, source="walk")
    Estimator.from_pretrained(device="cpu").predict(named).save(TARGET, height=320, stop=1.08)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
