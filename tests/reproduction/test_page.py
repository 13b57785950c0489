"""The page: means, spreads and each seed's ratio, beside the paper's."""

import math

import numpy as np
import pytest

from posenet3d.reproduction import Material, Measurement, Results, plan_table
from posenet3d.reproduction.page import render


def measured(seed, student, mean, run="posenet3d", **more):
    heads = {"flat": {"p_mpjpe": 126.0}, "student": {"p_mpjpe": student}, "mean": {"p_mpjpe": mean}}
    both = {"facts": {}, "figures": heads, "subjects": ("S14",), "clips": 1, "frames": 9}
    return [
        Measurement(run=run, seed=seed, stage=stage, commit="c0ffee" * 7, **both, **more)
        for stage in ("sja", "joint")
    ]


@pytest.fixture
def plan(material):
    return plan_table("table2", material, "tables", seeds=[0, 1], budget=0.5)


def rows(page, title):
    """The table after a heading, by its first cell."""
    lines = page.split(title)[1].split("\n\n")[1].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_ours_stand_beside_the_paper_s_with_mean_and_spread(plan):
    page = render(Results(plan, (*measured(0, 80.0, 40.0), *measured(1, 80.0, 60.0))))
    errors = rows(page, "## Errors")
    assert errors["PoseNet3D"][:2] == ["59.4", "50.0 ± 14.1"]
    assert errors["PoseNet3D-Student"][:2] == ["63.7", "80.0 ± 0.0"]
    assert errors["Flat depth (knows nothing)"][:2] == ["–", "126.0 ± 0.0"]


def test_ratios_are_taken_seed_by_seed(plan):
    page = render(Results(plan, (*measured(0, 80.0, 40.0), *measured(1, 80.0, 80.0))))
    ratios = rows(page, "Ratio to PoseNet3D:")
    assert ratios["PoseNet3D-Student"] == ["1.07", "1.50 ± 0.71"]  # of 2 and 1, not 80 / 60
    assert "PoseNet3D" not in ratios


def test_what_is_not_there_is_a_dash_and_said_to_be_missing(plan):
    page = render(Results(plan, tuple(measured(0, 80.0, math.nan))))
    errors = rows(page, "## Errors")
    assert errors["PoseNet3D"][:2] == ["59.4", "–"]
    assert errors["PoseNet3D-Student"][:2] == ["63.7", "80.0"]
    assert "**Not finished:** 2 of 4 measurements" in page


def test_the_page_says_what_made_it(plan):
    done = (*measured(0, 80.0, 40.0), *measured(1, 80.0, 60.0))
    page = render(Results(plan, done, command="posenet3d reproduce table2"))
    for told in (
        "**Not the paper's data:**",
        "**Not the whole training:** every stage is 0.5 times as long as the preset `quick` has it",
        "Command: `posenet3d reproduce table2`",
        "preset `quick`, lengths × 0.5; seeds 0, 1; commit c0ffeec0ffee",
        "noise model `gentle` without missing joints",
        "measured: subjects S14; protocol cmu14",
        "| posenet3d, seed 1 | detected | teacher 1750 × 256, distillation 1000 × 128",
    ):
        assert told in page


def test_the_page_says_where_another_protocol_measured_than_the_paper_s(tmp_path):
    files = {"exact": tmp_path / "2d.npz", "detected": tmp_path / "2d.npz"}
    np.savez(files["exact"], fps=50, layout="lsp_14", points=np.ones((20, 14, 2)))
    for protocol, told in (("h36m", False), ("h36m-frontal", True)):
        planned = plan_table("table2", Material(files, files, protocol), "tables", seeds=[0])
        page = render(Results(planned, ()))
        line = f"**Not the paper's protocol:** measured by `{protocol}`, in the paper by `h36m`."
        assert (line in page) is told
        assert "**Not the paper's data:**" not in page


def test_json_has_none_for_what_is_not_a_number(plan):
    values = Results(plan, tuple(measured(0, 80.0, math.nan))).to_dict()
    assert values["parts"][0]["rows"][2]["ours"] == [None]
