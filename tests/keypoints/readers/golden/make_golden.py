"""Makes the files of this folder: with pandas 3.1.1 and PyTables 3.11.1, as DeepLabCut does, and
with sleap-io 0.9.5. Usage: python make_golden.py"""

import numpy as np

PARTS = ["nose", "LKnee", "right_knee"]
POINTS = np.arange(2 * 4 * 3 * 2, dtype=float).reshape(2, 4, 3, 2) / 3 + 1
"""(individuals, frames, parts, 2); the second individual is not seen in frame 2."""
POINTS[1, 2] = np.nan
LIKELIHOOD = np.linspace(0.5, 1, 24).reshape(2, 4, 3)


def deeplabcut():
    import pandas as pd

    def frame(people, coordinates, index=None):
        values = np.concatenate([POINTS, LIKELIHOOD[..., None]], axis=-1)
        values = values[: len(people), ..., : len(coordinates)]
        levels = [["net"], people, PARTS, coordinates]
        names = ["scorer", "individuals", "bodyparts", "coords"]
        columns = pd.MultiIndex.from_product(levels, names=names)
        if len(people) == 1:
            columns = columns.droplevel("individuals")
        rows = values.transpose(1, 0, 2, 3).reshape(4, -1)
        return pd.DataFrame(rows, columns=columns, index=index)

    xyc = ["x", "y", "likelihood"]
    images = [f"img{number:04}.png" for number in (1, 5, 9, 10)]
    paths = pd.MultiIndex.from_product([["labeled-data"], ["video"], images])
    one, two = frame(["one"], xyc), frame(["ann", "bob"], xyc)
    labels = frame(["one"], ["x", "y"], paths)
    one.to_csv("dlc_one.csv")
    two.to_csv("dlc_two.csv")
    labels.to_csv("dlc_labels.csv")
    two.to_hdf("dlc_two_table.h5", key="df_with_missing", format="table", mode="w")
    two.to_hdf("dlc_two_fixed.h5", key="df_with_missing", mode="w")
    labels.to_hdf("dlc_labels_fixed.h5", key="df_with_missing", mode="w")


def sleap():
    import sleap_io as sio

    skeleton = sio.Skeleton(PARTS)
    tracks = [sio.Track("ann"), sio.Track("bob")]
    video = sio.Video("walk.mp4")
    frames = []
    for number in range(4):
        instances = [
            sio.PredictedInstance.from_numpy(
                POINTS[who, number], skeleton=skeleton, point_scores=LIKELIHOOD[who, number],
                score=0.9, track=track,
            )
            for who, track in enumerate(tracks)
            if np.isfinite(POINTS[who, number]).all()
        ]  # fmt: skip
        frames.append(sio.LabeledFrame(video=video, frame_idx=number, instances=instances))
    labels = sio.Labels(frames)
    for preset in ("matlab", "standard"):
        sio.save_analysis_h5(labels, f"sleap_{preset}.h5", preset=preset)


if __name__ == "__main__":
    deeplabcut()
    sleap()
