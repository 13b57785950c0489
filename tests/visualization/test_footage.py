import struct

import numpy as np
import pytest
from PIL import Image

from posenet3d.errors import DataError, MissingExtraError, StorageError
from posenet3d.visualization.animation import write_mp4
from posenet3d.visualization.footage import open_footage


def paint(path, red):
    Image.new("RGB", (8, 6), (red, 0, 0)).save(path)


def test_images_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 2, 1):
        paint(tmp_path / f"cam01.frame{number}.png", number)
    (tmp_path / "notes.txt").write_text("no image")
    footage = open_footage(tmp_path)
    assert [int(footage.frame(number)[0, 0, 0]) for number in (0, 1, 2, 0)] == [1, 2, 10, 1]
    assert footage.frame(3) is None


def test_one_image_stands_behind_every_frame(tmp_path):
    paint(tmp_path / "still.png", 7)
    assert open_footage(tmp_path / "still.png").frame(99)[0, 0, 0] == 7


def test_a_video_gives_its_frames_also_backwards(tmp_path, waving):
    pytest.importorskip("av")
    lifted = waving(8, body=False)
    write_mp4(tmp_path / "film.mp4", lifted, height=96, panels=("front",))
    footage = open_footage(tmp_path / "film.mp4")
    first, last = footage.frame(0), footage.frame(7)
    assert not np.array_equal(first, last)
    np.testing.assert_array_equal(footage.frame(0), first)
    assert footage.frame(8) is None
    assert footage.frame(9) is None


def test_what_is_no_footage_is_refused(tmp_path):
    with pytest.raises(StorageError, match="nothing there"):
        open_footage(tmp_path / "gone.mp4")
    with pytest.raises(DataError, match="expected images"):
        open_footage(tmp_path)
    (tmp_path / "fake.png").write_text("text")
    with pytest.raises(DataError, match="expected an image"):
        open_footage(tmp_path / "fake.png")


@pytest.mark.parametrize("content", [b"", b"text", b"\x00\x00\x00\x18ftypmp42" + bytes(40)])
def test_a_file_that_is_no_video_is_refused(tmp_path, content):
    pytest.importorskip("av")
    (tmp_path / "fake.mp4").write_bytes(content)
    with pytest.raises(DataError, match="expected a video"):
        open_footage(tmp_path / "fake.mp4").frame(0)


def test_without_pyav_a_video_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match=r"posenet3d\[video\]"):
        open_footage(tmp_path / "film.mp4")


def test_what_a_phone_filmed_sideways_is_shown_upright(tmp_path):
    av = pytest.importorskip("av")
    upright = np.zeros((64, 96, 3), np.uint8)
    upright[:, :48] = 200  # light on the left
    stored = np.ascontiguousarray(np.rot90(upright, 1))
    video = tmp_path / "phone.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 96, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        container.mux(stream.encode())
    content = bytearray(video.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    turned = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 96 << 16, 0, 1 << 30)
    content[matrix : matrix + 36] = turned
    video.write_bytes(content)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise
    Image.fromarray(stored).save(tmp_path / "phone.png", exif=exif)
    for name in ("phone.mp4", "phone.png"):
        shown = open_footage(tmp_path / name).frame(0)
        assert shown is not None
        assert shown.shape == (64, 96, 3)
        assert shown[:, 8:40].min() > 150 > 50 > shown[:, 56:88].max()
