import sys

import numpy as np
import pytest
from PIL import Image

from posenet3d.errors import ConfigurationError, DataError, MissingExtraError
from posenet3d.visualization.animation import motion_pictures, write_gif, write_mp4


def durations(path):
    with Image.open(path) as picture:
        found = []
        for frame in range(picture.n_frames):
            picture.seek(frame)
            found.append(picture.info["duration"])
        return found


@pytest.mark.parametrize(("frames", "fps"), [(24, 60.0), (10, 25.0), (6, 10.0)])
def test_a_gif_plays_at_the_motions_own_speed(tmp_path, waving, frames, fps):
    write_gif(tmp_path / "motion.gif", waving(frames, fps=fps, body=False), height=64)
    told = durations(tmp_path / "motion.gif")
    assert sum(told) / 1000 == pytest.approx(frames / fps, abs=0.05)
    assert min(told) >= 40


def test_a_gif_can_be_of_a_part(tmp_path, waving):
    lifted = waving(30, fps=25.0, body=False)
    lifted.save(tmp_path / "part.gif", start=0.2, stop=0.6, panels=["front"], height=64)
    assert len(durations(tmp_path / "part.gif")) == 10


def test_a_gap_keeps_its_time_in_a_gif(tmp_path, waving):
    lifted = waving(4, fps=10.0, body=False, frame_index=[20, 21, 28, 29])
    lifted.save(tmp_path / "gap.gif", panels=["front"], height=64)
    assert sum(durations(tmp_path / "gap.gif")) == 1000


def test_a_gif_of_many_minutes_is_refused_before_it_is_drawn(tmp_path, waving):
    with pytest.raises(ConfigurationError, match=r"at most 600 pictures, got 2250; say start="):
        write_gif(tmp_path / "long.gif", waving(2250, fps=25.0, body=False))
    with pytest.raises(ConfigurationError, match=r"before stop and the end \(1 s\), got 5"):
        write_gif(tmp_path / "none.gif", waving(25, fps=25.0, body=False), start=5)
    assert not list(tmp_path.iterdir())


def test_an_mp4_has_the_motions_length(tmp_path, waving):
    av = pytest.importorskip("av")
    waving(20, fps=60.0, body=False).save(tmp_path / "motion.mp4", height=99, panels=["side"])
    with av.open(str(tmp_path / "motion.mp4")) as film:
        stream = film.streams.video[0]
        assert float(stream.average_rate) == 30.0
        assert sum(1 for _ in film.decode(video=0)) == 10


def test_without_pyav_an_mp4_names_the_extra(tmp_path, waving, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"posenet3d\[video\]"):
        write_mp4(tmp_path / "motion.mp4", waving())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["PIL", "matplotlib.figure"])
def test_without_pillow_or_matplotlib_a_gif_names_the_extra(tmp_path, waving, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r"posenet3d\[viz\]"):
        waving().save(tmp_path / "motion.gif")
    assert not list(tmp_path.iterdir())


def mean_place(picture, colour):
    near = np.abs(picture.astype(int) - np.array(colour)).max(axis=-1) < 50
    return np.argwhere(near).mean(axis=0)


@pytest.mark.parametrize("panel", ["input", "front"])
def test_a_person_who_faces_the_camera_has_the_left_on_the_viewers_right(waving, panel):
    (picture,) = motion_pictures(waving(1, body=False), [0], [panel], height=240)
    assert mean_place(picture, (0, 114, 178))[1] > mean_place(picture, (213, 94, 0))[1] + 10


def test_footage_lies_under_the_keypoints_and_fits_the_image(tmp_path, waving):
    Image.new("RGB", (450, 600), (0, 200, 0)).save(tmp_path / "still.png")
    lifted = waving(1, body=False)
    with_film, without = (
        next(motion_pictures(lifted, [0], ["input"], footage, height=200))
        for footage in (tmp_path / "still.png", None)
    )
    green = (np.abs(with_film.astype(int) - [0, 200, 0]).max(axis=-1) < 20).mean()
    assert green > 0.4
    places = [mean_place(each, (0, 114, 178)) for each in (with_film, without)]
    np.testing.assert_allclose(*places, atol=3)


def test_footage_that_is_none_leaves_no_file(tmp_path, waving):
    (tmp_path / "film.mp4").write_text("no film")
    with pytest.raises(DataError, match="expected a video"):
        write_gif(tmp_path / "motion.gif", waving(2), footage=tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
