"""The benchmark of the depth mirror: which way round a run ended, and what it trains twice."""

from argparse import Namespace

import numpy as np
import pytest
import torch

from posenet3d.data import film
from posenet3d.data.synthetic import synthetic_motion

MODULES = ("depth_mirror", "depth_mirror_anatomy", "depth_mirror_page")
CASE = ("cmu14", "learned", "")


@pytest.fixture
def runs(benchmark, monkeypatch):
    """The runs' module with one of two made-up people held out."""
    monkeypatch.setattr(benchmark.depth_mirror, "HELD_OUT", (clips()[0].subject,))
    return benchmark.depth_mirror


def clips():
    return synthetic_motion(clips=2, seconds=0.8)


def small(**changes):
    return Namespace(**{"steps": 60, "channels": 8, "batch": 4, "rate": 1e-3, **changes})


def made(*, guard=False, error=60.0, mirrored=160.0, **changes):
    point = {"step": 60, "running": 0.3, "hinges": 0.3, "trunk": -0.2,
             "p_mpjpe": error, "mirrored": mirrored}  # fmt: skip
    return {
        "rig": "cmu14", "sampler": "learned", "hidden": "", "guard": guard, "trained": True,
        "seed": 0, "p_mpjpe": error, "mirrored": mirrored, "right": 0.9, "pitch": 13.7, "turns": 0,
        "flat": 109.0, "cpu_seconds": 60.0, "commit": "0" * 40, "trace": [point], **changes,
    }  # fmt: skip


def test_a_run_is_what_its_two_errors_say_unless_they_are_near(benchmark):
    state = benchmark.depth_mirror_page.state
    assert state(made(error=60.0, mirrored=160.0)) == "right"
    assert state(made(error=160.0, mirrored=60.0)) == "mirrored"
    assert state(made(error=120.0, mirrored=135.0)) == "undecided"


def test_a_row_counts_each_outcome_and_the_error_of_the_pitch(benchmark):
    runs = [made(guard=True), made(guard=True, error=150.0, mirrored=80.0, pitch=-12.7, turns=2)]
    cells = benchmark.depth_mirror_page.row("`learned`", runs, guard=True).split(" | ")
    assert cells[1:6] == ["on", "2", "1", "0", "1 (2)"]
    assert cells[6:10] == ["105 ± 45", "60", "150", "70"]
    assert cells[-1] == "13.2°, at most 25.4° |"


def test_with_the_guard_a_run_is_trained_again_only_where_it_would_turn(runs, monkeypatch):
    stage = runs.Stage(clips(), "cmu14", "", runs.HELD_OUT)
    told = iter([0.2, -0.2, -0.2])
    trained = []

    def run(arguments, stage, case, seed, *, guard):
        trained.append(guard)
        running = next(told)
        return made(guard=guard, trace=[{"step": 60, "running": running}], turns=int(running < 0))

    monkeypatch.setattr(runs, "run", run)
    off, on = runs.both(small(), stage, CASE, 0)
    assert trained == [False]
    assert (on["guard"], on["trained"], on["p_mpjpe"]) == (True, False, off["p_mpjpe"])
    off, on = runs.both(small(), stage, CASE, 1)
    assert trained == [False, False, True]
    assert (on["trained"], on["turns"]) == (True, 1)


def test_a_run_is_looked_at_where_the_guard_decides_and_is_the_same_with_it(runs):
    stage = runs.Stage(clips(), "cmu14", "", runs.HELD_OUT)
    off, on = (runs.run(small(), stage, CASE, 0, guard=guard) for guard in (False, True))
    assert [point["step"] for point in off["trace"]] == [60]
    assert off["turns"] == 0
    assert abs(off["trace"][0]["running"]) == pytest.approx(abs(on["trace"][0]["running"]))
    assert (off["trace"][0]["running"] < 0) == (on["turns"] == 1)


def test_of_hidden_legs_nothing_is_seen_and_of_the_hips_half(benchmark):
    sequence = next(iter(film(clips(), "cmu14").sequences.values()))
    seen = np.isfinite(benchmark.depth_mirror.without_legs(sequence).points).all(-1)
    assert not seen[:, benchmark.depth_mirror.LEGS].any()
    assert seen[:25, benchmark.depth_mirror.HIPS].all()
    assert not seen[25:40, benchmark.depth_mirror.HIPS].any()
    others = sorted(set(range(14)) - {*benchmark.depth_mirror.LEGS, *benchmark.depth_mirror.HIPS})
    assert seen[:, others].all()


def test_a_run_without_legs_is_judged_by_the_joints_that_are_seen(runs):
    stage = runs.Stage(clips(), "cmu14", "legs", runs.HELD_OUT)
    assert len(stage.joints) == 10
    run = runs.run(small(steps=20), stage, ("cmu14", "learned", "legs"), 0, guard=False)
    assert np.isfinite([run["p_mpjpe"], run["mirrored"], run["flat"], run["hinges"]]).all()


def test_the_page_says_what_was_not_run_and_what_was(benchmark, tmp_path):
    page = benchmark.depth_mirror_page
    record = {"facts": {"command": "python", "sizes": {"channels": 8, "batch": 4, "steps": 60,
              "rate": 1e-3}, "held_out": ["S02"], "asked": 4, "versions": {"torch": "2"}},
              "anatomy": benchmark.depth_mirror_anatomy.measure(clips()), "runs": []}  # fmt: skip
    assert "No run is done yet." in page.render(record)
    record["runs"] = [made(), made(guard=True), made(sampler="uniform", pitch=None)]
    text = page.render(record)
    assert "3 of 4 runs are done" in text
    assert "| `learned` | off | 1 | 0 | 0 |" in text
    assert "| seen | 60 | 2 | 2 (100 %) | 0 (0 %) | 2 (100 %) |" in text
    page.draw(record, tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 1000


def test_all_is_said_of_all_only(benchmark):
    share = benchmark.depth_mirror_page.share
    assert [share(value) for value in (1.0, 0.99999, 0.5)] == ["100 %", "99.9 %", "50.0 %"]


def test_the_trunk_s_evidence_fails_where_the_hinges_do_not(benchmark):
    """A person bent over by 120 degrees with knees a little bent."""
    from posenet3d.skeletons import LSP_14

    anatomy = benchmark.depth_mirror_anatomy
    heights = {
        "hip": 0.0,
        "knee": 0.45,
        "ankle": 0.9,
        "shoulder": 0.25,
        "elbow": 0.5,
        "wrist": 0.75,
    }
    depths = {"knee": -0.1, "shoulder": -0.43, "elbow": -0.43, "wrist": -0.43}
    body = torch.zeros(14, 3, dtype=torch.float64)
    for side, x in (("right", -0.1), ("left", 0.1)):
        for name, y in heights.items():
            place = torch.tensor([x, y, depths.get(name, 0.0)], dtype=torch.float64)
            body[LSP_14.index(f"{side}_{name}")] = place
    body[LSP_14.index("neck")] = torch.tensor([0.0, 0.27, -0.47], dtype=torch.float64)
    assert float(anatomy.tilt(body)) == pytest.approx(119.9, abs=0.5)
    assert float(anatomy.KINDS["knees, trunk"](body)) < 0
    assert float(anatomy.KINDS["knees, hinges"](body)) > 0.1
