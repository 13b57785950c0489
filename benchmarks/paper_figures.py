"""The paper's Fig. 7 and 8 from the runs of its Table 4: bodies with and without SJA and a teacher.

    posenet3d reproduce table4 --data cmu_train.npz --hold-out S02 S06 --out table4
    python benchmarks/paper_figures.py table4 --data $POSENET3D_DATA

One camera's view of clips whose people the runs have not seen, in the pixels of a made-up image,
lifted by the student of each run. Writes `benchmarks/results/paper_figure_{7,8}.png` and tells, in
`paper_figures.md`, the runs and the commit.
"""

from pathlib import Path

import numpy as np
from command_line import parsed
from held_out import clips_of, parser_of
from origin import command, commit

from posenet3d import Estimator
from posenet3d.data.motion import MotionClip
from posenet3d.data.rigs import camera_rig, observe
from posenet3d.keypoints import KeypointSequence
from posenet3d.reconstruction import Reconstruction
from posenet3d.visualization import MeshExample, mesh_sheet

FIGURES = {
    7: {"no SJA": ("no-sja", "sja"), "SJA": ("posenet3d", "sja")},
    8: {
        "reprojection only": ("baseline-1", "student"),
        "and SJA": ("baseline-2", "sja"),
        "distilled": ("posenet3d", "sja"),
    },
}
"""Columns of each figure: run and stage."""
CLIPS = 3
HALF_WIDTH = 500.0
"""Half the made-up image's width, pixels."""


def main() -> None:
    """Draw both."""
    parser = parser_of(__doc__)
    parser.add_argument("tables", type=Path, help="the folder that reproduce wrote")
    parser.add_argument("--seed", type=int, default=0)
    given = parsed(parser)
    clips = clips_of(given)
    chosen = [clips[place] for place in np.linspace(0, len(clips) - 1, CLIPS).astype(int)]
    seen = [in_pixels(clip) for clip in chosen]
    for number, columns in FIGURES.items():
        lifters = {
            title: Estimator.from_pretrained(
                given.tables / "runs" / f"{run}-{given.seed}" / "stages" / stage
            )
            for title, (run, stage) in columns.items()
        }
        rows = [example(lifters, clip) for clip in seen]
        picture = given.results / f"paper_figure_{number}.png"
        mesh_sheet(rows, picture, skeletons=number == 7)
    page = given.results / "paper_figures.md"
    page.write_text(render([clip.source for clip in seen]))
    print(page.read_text())


def in_pixels(clip: MotionClip) -> KeypointSequence:
    """What the first camera of CMU-14 sees of a clip."""
    seen = observe(clip, camera_rig("cmu14", "test").cameras(clip)[0])
    size = (int(2 * HALF_WIDTH), int(2 * HALF_WIDTH))
    points = HALF_WIDTH * (1 + seen.points)
    return KeypointSequence(
        points, layout=seen.layout, fps=seen.fps, image_size=size, source=clip.key
    )


def example(lifters: dict[str, Estimator], clip: KeypointSequence) -> MeshExample:
    """The middle frame of a clip, lifted by each."""
    lifted: dict[str, Reconstruction] = {
        title: each.predict(clip, fusion="student") for title, each in lifters.items()
    }
    return MeshExample(lifted, frame=len(clip) // 2, title=clip.source)


def render(names: list[str]) -> str:
    """The page."""
    return f"""# The paper's Fig. 7 and 8 on CMU-14

Command: `{command()}`; commit {commit()}. The runs are those of
[reproduce_table4.md](reproduce_table4.md), which tells preset, seed, length and commit of each:
trainings too short to look well.
The middle frames of {", ".join(f"`{name}`" for name in names)}, people whom no run has seen.

Without and with SJA (after stage 3), the body's joints over it, rings are the input:

![Fig. 7](paper_figure_7.png)

Students that no teacher taught, beside one that was:

![Fig. 8](paper_figure_8.png)
"""


if __name__ == "__main__":
    main()
