"""Bodies over the 2D that they were lifted from."""

from dataclasses import replace

import numpy as np
import pytest

import posenet3d
from posenet3d.data.rigs import camera_rig, observe
from posenet3d.data.synthetic import synthetic_motion
from posenet3d.errors import ConfigurationError, PoseNet3DError, ShapeError
from posenet3d.keypoints import KeypointSequence
from posenet3d.visualization import MeshExample, mesh_sheet
from posenet3d.visualization.mesh_sheet import _Body


@pytest.fixture(scope="module")
def lifted():
    clip = synthetic_motion(clips=1, seconds=0.4)[0]
    camera = camera_rig("cmu14", "test").cameras(clip)[0]
    seen = observe(clip, camera)
    pixels = KeypointSequence(
        500 + 500 * seen.points, layout=seen.layout, fps=seen.fps, image_size=(1000, 1000)
    )
    return posenet3d.Estimator.from_pretrained().predict(pixels)


def test_a_body_over_its_input_lies_where_the_input_is(lifted):
    body = _Body(lifted, 5)
    seen = lifted.keypoints.points[5]
    tall = np.ptp(seen[:, 1])
    assert np.linalg.norm(body.joints - seen, axis=-1).mean() < 0.08 * tall
    low, high = body.across.min(0), body.across.max(0)
    assert (seen > low - 0.1 * tall).all()
    assert (seen < high + 0.1 * tall).all()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_sheet_holds_every_column_and_row(lifted, tmp_path, ending):
    pictures = []
    for titles in (["student"], ["no SJA", "SJA"]):
        path = tmp_path / f"{len(titles)}.{ending}"
        rows = [MeshExample(dict.fromkeys(titles, lifted), frame, "walk") for frame in (0, 9)]
        mesh_sheet(rows, path, skeletons=True)
        pictures.append(path.stat().st_size)
    assert 5_000 < pictures[0] < pictures[1]


def test_an_image_is_drawn_below_the_bodies(lifted, tmp_path):
    from matplotlib.image import imsave

    photo = tmp_path / "photo.png"
    imsave(photo, np.random.default_rng(0).random((200, 200, 3)))
    mesh_sheet([MeshExample({"a": lifted}, 0)], tmp_path / "without.png")
    mesh_sheet([MeshExample({"a": lifted}, 0, footage=photo)], tmp_path / "with.png")
    without, with_photo = ((tmp_path / name).stat().st_size for name in ("without.png", "with.png"))
    assert with_photo > 1.5 * without


def test_what_cannot_be_drawn_is_told(lifted, tmp_path):
    path = tmp_path / "sheet.png"
    with pytest.raises(ShapeError, match="at least one"):
        mesh_sheet([], path)
    with pytest.raises(ShapeError, match="expected"):
        mesh_sheet([MeshExample({"a": lifted}, 0), MeshExample({"b": lifted}, 0)], path)
    with pytest.raises(ConfigurationError, match="expected a frame from 0 to 19, got 20"):
        mesh_sheet([MeshExample({"a": lifted}, 20)], path)
    with pytest.raises(ConfigurationError, match="image_size is known"):
        mesh_sheet([MeshExample({"a": replace(lifted, camera=None)}, 0)], path)
    with pytest.raises(PoseNet3DError, match="body"):
        mesh_sheet([MeshExample({"a": replace(lifted, body=None)}, 0)], path)
    assert not path.exists()
