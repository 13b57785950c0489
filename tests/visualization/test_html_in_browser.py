"""The page as a browser shows it: without errors, with pixels, with time that goes on."""

import json
import os
import re
import signal
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from posenet3d.reconstruction import world_motion
from posenet3d.visualization.html_page import html_page
from posenet3d.visualization.page_data import page_data

SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-unsafe-swiftshader", "--enable-logging=stderr", "--v=0", "--window-size=1000,640",
)  # fmt: skip
TROUBLE = re.compile(r"CONSOLE.*(Uncaught|Refused|violates|rror:|Failed)")


def printed(command):
    """What a browser prints; on a busy machine a headless one may hang, and is asked again."""
    for seconds in (25, 50, 100):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            start_new_session=True,
        )  # fmt: skip
        try:
            return process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    pytest.fail("the browser hung three times")


@pytest.fixture
def browse(chromium, tmp_path):
    """Opens an address for some virtual milliseconds; gives what chromium printed."""

    def run(address, *switches, milliseconds=1500):
        budget = f"--virtual-time-budget={milliseconds}"
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        page, log = printed([chromium, *SWITCHES, profile, budget, *switches, address])
        assert not TROUBLE.findall(log), log
        return page

    return run


@pytest.fixture
def address(waving, tmp_path):
    path = tmp_path / "waving.html"
    waving(300).save(path)
    return path.as_uri()


def shown_frame(page):
    return int(re.search(r'<body[^>]*data-frame="(\d+)"', page).group(1))


def frame_after_playback(browse, address):
    """The frame that playback comes to; a busy browser draws little, and is given more time."""
    for milliseconds in (1500, 6000, 24000):
        if frame := shown_frame(browse(address, "--dump-dom", milliseconds=milliseconds)):
            break
    return frame


def test_playback_goes_on_without_errors(browse, address):
    still = browse(f"{address}#frame=7", "--dump-dom")
    assert shown_frame(still) == 7
    assert "0.23 s, frame 7" in still
    assert re.search(r'id="trouble" role="alert" hidden', still)
    assert frame_after_playback(browse, address) > 0


def test_a_gap_keeps_its_time_in_playback(browse, waving, tmp_path):
    path = tmp_path / "gap.html"
    waving(3, fps=100.0, body=False, frame_index=[20, 21, 20000]).save(path)
    assert "199.80 s, frame 20000" in browse(f"{path.as_uri()}#frame=2", "--dump-dom")
    assert frame_after_playback(browse, path.as_uri()) == 1


def colours(picture):
    from PIL import Image

    return np.asarray(Image.open(picture).convert("RGB")).astype(int)


def where(pixels, colour, tolerance=60):
    """Rows and columns of what has about that colour."""
    return np.argwhere(np.abs(pixels - np.array(colour)).max(axis=-1) < tolerance)


def test_the_person_is_drawn_upright_with_the_left_hand_on_the_viewers_right(
    browse, address, tmp_path
):
    pytest.importorskip("PIL")
    picture = tmp_path / "page.png"
    browse(f"{address}#frame=0&show=result,follow&view=front", f"--screenshot={picture}")
    for side, pixels in {
        "2D": colours(picture)[60:480, 18:270],
        "3D": colours(picture)[60:480, 300:],
    }.items():
        blue, orange = where(pixels, (0, 114, 178)), where(pixels, (213, 94, 0))
        assert len(blue) > 100, side
        assert len(orange) > 100, side
        assert blue[:, 1].mean() > orange[:, 1].mean() + 5, side
        dark = where(pixels, (43, 49, 56), 40)
        assert dark[:, 0].min() < blue[:, 0].mean(), side


@pytest.mark.slow
def test_the_body_covers_more_than_the_bones_and_can_be_hidden(browse, address, tmp_path):
    pytest.importorskip("PIL")
    covered = {}
    for shown in ("follow", "mesh,follow"):
        picture = tmp_path / "page.png"
        browse(f"{address}#frame=0&show={shown}&view=front", f"--screenshot={picture}")
        pixels = colours(picture)[60:400, 300:950]
        covered[shown] = int((pixels.sum(axis=-1) < 680).sum())
    assert covered["mesh,follow"] > covered["follow"] + 5000


def test_the_page_poses_the_body_as_the_body_model_does(browse, waving, tmp_path):
    lifted = waving(5)
    data = page_data(lifted)
    program = (files("posenet3d.visualization") / "page" / "motion.js").read_text("utf-8")
    page = tmp_path / "posed.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><pre id="out"></pre>'
        f'<script type="application/json" id="facts">{json.dumps(data.facts)}</script>'
        f'<script type="text/plain" id="arrays">{data.arrays}</script><script>{program}'
        "readMotion().then((motion) => {const body = new SkinnedBody(motion); body.pose(4);"
        "document.getElementById('out').textContent = Array.from(body.vertices).join(' ');})"
        "</script>",
        encoding="utf-8",
    )
    told = re.search(r'<pre id="out">([^<]*)<', browse(page.as_uri(), "--dump-dom")).group(1)
    posed = np.array(told.split(), dtype=float).reshape(-1, 3)
    world = world_motion(lifted, "y")
    expected = lifted.vertices(4, 5)[0] @ world.from_camera.T + world.offset[4]
    apart = np.linalg.norm(posed - expected, axis=-1)
    assert apart.mean() < 1e-3
    assert apart.max() < 8e-3


@pytest.mark.slow
def test_the_page_plays_a_skeleton_alone_and_a_single_frame(browse, waving, tmp_path):
    for frames in (1, 3):
        path = tmp_path / f"{frames}.html"
        path.write_text(html_page(waving(frames, body=False)), encoding="utf-8")
        assert 'data-ready="yes"' in browse(path.as_uri(), "--dump-dom")
