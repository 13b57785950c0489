"""The page holds what the reconstruction holds, asks no network, and runs its program only."""

import base64
import gzip
import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posenet3d.body import LinearBlendBody, mannequin_data, write_body_file
from posenet3d.errors import ConfigurationError, PoseNet3DError
from posenet3d.keypoints import KeypointSequence
from posenet3d.plugins import PluginSpec
from posenet3d.reconstruction import Reconstruction, world_motion
from posenet3d.skeletons import LSP_14
from posenet3d.visualization.html_page import html_page
from posenet3d.visualization.page_data import page_data


class Page(HTMLParser):
    """Tags with their attributes, and the text of scripts by their ids."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self._open = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id", "program") if tag == "script" else None

    def handle_data(self, data):
        if self._open:
            self.scripts[self._open] = self.scripts.get(self._open, "") + data

    def handle_endtag(self, tag):
        self._open = None


def arrays_of(page):
    facts = json.loads(Page(page).scripts["facts"])
    packed = gzip.decompress(base64.b64decode(Page(page).scripts["arrays"]))
    found = {}
    for name, fact in facts["arrays"].items():
        count = int(np.prod(fact["shape"]))
        raw = np.frombuffer(packed, fact["type"], count, fact["at"]).reshape(fact["shape"])
        if "scale" in fact:
            raw = np.where(raw == -32768, np.nan, raw * fact["scale"] + fact["offset"])
        found[name] = raw
    return facts, found


def toggles(page):
    return [facts["data-toggle"] for _, facts in Page(page).tags if "data-toggle" in facts]


def test_the_page_holds_the_upright_skeletons_within_a_tenth_of_a_millimetre(waving):
    lifted = waving()
    _, arrays = arrays_of(html_page(lifted))
    world = world_motion(lifted, "y")
    np.testing.assert_allclose(arrays["result"], world.joints, atol=1e-4)
    turn = world.from_camera
    difference = (lifted.branches["teacher"] - lifted.joints3d) @ turn.T
    np.testing.assert_allclose(arrays["teacher"] - arrays["result"], difference, atol=2e-4)
    assert (arrays["result"][:, LSP_14.index("head_top"), 1] > 1.4).all()  # upright
    np.testing.assert_allclose(arrays["keypoints"], lifted.keypoints.points, atol=0.05)
    np.testing.assert_allclose(arrays["reprojected"], lifted.keypoints.points, atol=0.05)


def test_unknown_keypoints_stay_unknown(waving):
    lifted = waving()
    points = lifted.keypoints.points.copy()
    points[3, LSP_14.index("left_wrist")] = np.nan
    seen = replace(lifted.keypoints, points=points, confidence=None)
    _, arrays = arrays_of(html_page(replace(lifted, keypoints=seen)))
    assert np.argwhere(np.isnan(arrays["keypoints"][..., 0])).tolist() == [
        [3, LSP_14.index("left_wrist")]
    ]


@pytest.mark.parametrize("frames", [1, 2, 25])
def test_a_longer_motion_than_asked_for_keeps_every_second_or_third_frame(waving, frames):
    lifted = waving(frames)
    facts, arrays = arrays_of(html_page(lifted, most_frames=10))
    stride = {1: 1, 2: 1, 25: 3}[frames]
    assert (facts["stride"], facts["fps"]) == (stride, lifted.fps / stride)
    joints = world_motion(lifted, "y").joints[::stride]
    assert facts["frames"] == len(joints)
    np.testing.assert_allclose(arrays["result"], joints, atol=1e-4)


def test_the_page_knows_when_each_frame_is_where_there_is_a_gap(waving):
    facts, _ = arrays_of(html_page(waving(3, fps=10.0, frame_index=[20, 21, 29])))
    assert (facts["first_frame"], facts["numbers"]) == (20, [0, 1, 9])
    whole, _ = arrays_of(html_page(waving(3, fps=10.0)))
    assert whole["numbers"] is None


def test_the_page_loads_nothing_and_runs_its_own_program_only(waving):
    text = html_page(waving())
    page = Page(text)
    assert not [tag for tag, facts in page.tags if {"src", "href", "srcset"} & facts.keys()]
    assert not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|import\(", text)
    policy = next(facts["content"] for _, facts in page.tags if "http-equiv" in facts)
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy


NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)> {{data}} \"'&\u2028"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example(NASTY)
def test_no_name_in_the_data_becomes_markup_or_program(name):
    seen = KeypointSequence(np.ones((2, 14, 2)), layout="lsp_14", fps=25.0, source=name)
    lifted = Reconstruction(
        np.zeros((2, 14, 3)),
        np.ones((2, 3)),
        seen,
        branches={name: np.ones((2, 14, 3))},
        provenance={name: name},
        up_from=name,
    )
    page = Page(html_page(lifted))
    plain = Page(
        html_page(replace(lifted, branches={"x": np.ones((2, 14, 3))}, provenance={"x": "x"}))
    )
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.scripts["program"] == plain.scripts["program"]
    assert name in json.loads(page.scripts["facts"])["skeletons"]


def test_the_same_motion_gives_the_same_page(waving):
    assert html_page(waving()) == html_page(waving())


def test_a_minute_of_motion_stays_small(waving):
    second = len(html_page(waving(60, fps=60.0)))
    minute = len(html_page(waving(3600, fps=60.0)))
    assert second < 0.7e6
    assert minute - second < 3600 * 700


def test_a_skeleton_without_a_body_has_no_mesh(waving):
    lifted = waving(body=False)
    assert not page_data(lifted).has_mesh
    assert "mesh" not in toggles(html_page(lifted))
    assert "mesh" in toggles(html_page(waving()))
    with pytest.raises(PoseNet3DError, match="skeleton alone"):
        html_page(lifted, mesh=True)


def test_a_body_that_not_everyone_may_share_is_left_out_unless_asked_for(waving, tmp_path):
    path = tmp_path / "body.npz"
    write_body_file(path, replace(mannequin_data(), license="For research only"))
    spec = PluginSpec(name="linear_blend", options={"path": str(path)})
    lifted = waving(spec=spec)
    assert not page_data(lifted).has_mesh
    assert "For research only" not in html_page(lifted)
    assert page_data(lifted, mesh=True).about["Licence of the body"] == "For research only"


def test_a_body_too_large_for_sixteen_bits_is_refused(waving, monkeypatch):
    lifted = waving()
    monkeypatch.setattr(LinearBlendBody, "num_vertices", 70_000, raising=False)
    monkeypatch.setattr(lifted.body_model, "num_vertices", 70_000)
    assert not page_data(lifted).has_mesh
    with pytest.raises(PoseNet3DError, match="at most 65536 vertices"):
        page_data(lifted, mesh=True)


def test_the_page_says_units_axes_up_and_scale(waving):
    about = page_data(waving(height_m=1.8, up_from="estimated")).about
    assert about["Units"] == "metres, by the given height of 1.8 m"
    assert about["Frame"].startswith("y up")
    assert about["Up"] == "estimated from the motion"
    assert about["Body"] == "mannequin, family makehuman-cc0"
    assert about["Licence of the body"].startswith("CC0")
    assert "does not tell a person's size" in page_data(waving()).about["Units"]


def test_a_reconstruction_saves_itself_as_html_and_knows_the_options(waving, tmp_path):
    waving().save(tmp_path / "motion.html", mesh=False)
    assert "mesh" not in toggles((tmp_path / "motion.html").read_text(encoding="utf-8"))
    with pytest.raises(ConfigurationError, match="most_frames"):
        waving().save(tmp_path / "other.html", most_frame=10)
    assert not (tmp_path / "other.html").exists()


def test_a_notebook_gets_the_page_in_a_frame_without_rights(waving):
    lifted = waving(source='"><b>')
    shown = lifted._repr_html_()
    (tag, facts), *further = Page(shown).tags
    assert (tag, facts["sandbox"], further) == ("iframe", "allow-scripts", [])
    assert facts["srcdoc"] == html_page(lifted, most_frames=1500)
    assert unescape(facts["title"]) == repr(lifted)


def test_a_notebook_of_a_body_that_is_gone_gets_a_line_of_text(waving, tmp_path):
    spec = PluginSpec(name="linear_blend", options={"path": str(tmp_path / "gone<b>.npz")})
    shown = waving(spec=spec)._repr_html_()
    assert shown.startswith("<pre>Reconstruction(")
    assert "<b>" not in shown
