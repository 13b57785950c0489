"""The benchmark of the learned pitch: what a rig's cameras tell, what is run, and the page."""

from argparse import Namespace

import pytest

from posenet3d.data.synthetic import synthetic_motion

MODULES = ("pitch", "pitch_rig", "pitch_page", "depth_mirror")


def clips():
    return synthetic_motion(clips=2, seconds=0.8)


@pytest.fixture
def rig(benchmark):
    return benchmark.pitch_rig.Rig.of(clips())


def made(case="steps-2000", **changes):
    return {
        "case": case, "seed": 0, "pitch": 14.2, "camera_pitch": 12.9, "p_mpjpe": 52.0,
        "mirrored": 160.0, "right": 1.0, "turns": 0, "path": [[20, 3.0], [40, 16.5]],
        "cpu_seconds": 60.0, "commit": "0" * 40, **changes,
    }  # fmt: skip


def test_rays_and_hips_tell_the_cameras_pitch(rig):
    measured = rig.measured()
    assert measured["rays"] != pytest.approx(measured["camera"], abs=0.3)
    assert measured["camera_from_rays"] == pytest.approx(measured["camera"], abs=0.1)


def test_bodies_with_true_depths_look_real_at_the_pitch_of_the_rays(benchmark, rig, monkeypatch):
    module = benchmark.pitch_rig
    for name, value in (("POSES", 60), ("DIRECTIONS", 32), ("STEPS", 60)):
        monkeypatch.setattr(module, name, value)
    found = module.optimum(rig, module.DISTANCE, bent=False)
    assert found["pitch"] == pytest.approx(rig.measured()["rays"], abs=4.0)
    assert (found["scale"], found["shear"]) == (1.0, 0.0)


def test_what_is_done_is_not_run_again(benchmark):
    arguments = Namespace(only=["steps-1000", "steps-300"])
    cases = {case.name: case.seeds for case in benchmark.pitch.CASES}
    done = [made("steps-1000", seed=seed) for seed in range(cases["steps-1000"])]
    left = [(case.name, seed) for case, seed in benchmark.pitch.todo(arguments, done)]
    assert left == [("steps-300", seed) for seed in range(cases["steps-300"])]


def test_a_run_tells_the_pitch_found_and_the_cameras(benchmark, rig):
    stage = benchmark.depth_mirror.Stage(clips(), "cmu14", "", held_out=[clips()[0].subject])
    sizes = {"channels": 8, "batch": 4, "rate": 1e-3}
    case = benchmark.pitch.Case("tiny", "so small", 20, 1, sizes=sizes)
    run = benchmark.pitch.run(stage, rig, case, 0)
    assert run["path"] == [[20, pytest.approx(run["pitch"], abs=1e-3)]]
    assert run["pitch"] - run["camera_pitch"] == pytest.approx(
        rig.measured()["rays"] - rig.measured()["camera"], abs=0.2
    )


def test_on_the_test_subjects_the_ten_seeds_alone_are_told_and_nothing_is_chosen(benchmark, rig):
    facts = benchmark.pitch.facts(["S14", "S16"], on_test=True)
    assert [case["name"] for case in facts["cases"]] == ["steps-2000"]
    record = {"facts": facts, "rig": rig.measured(), "optima": [], "runs": [made()]}
    text = benchmark.pitch_page.render(record)
    assert "trained on all training subjects, judged on the 2 test subjects." in text
    assert "What was tried" not in text


def test_the_page_says_how_far_off_the_seeds_are(benchmark, rig, tmp_path):
    record = {
        "facts": benchmark.pitch.facts(["S02", "S06"], on_test=False),
        "rig": {**rig.measured(), "rays": 14.0},
        "optima": [
            {"distance": distance, "bent": bent, "pitch": 13.9}
            for distance in (10.0, 7.1)
            for bent in (False, True)
        ],
        "runs": [made(), made(seed=1, pitch=13.0, camera_pitch=11.7), made("given-16", pitch=16.0)],
    }
    text = benchmark.pitch_page.render(record)
    assert "Off by at most 1.0° from the rays' pitch" in text
    assert "by at most 1.0° from 12.7°" in text
    assert "off from the camera's 12.7° by at most 1.5°" in text
    assert "| `steps-2000` | 2,000 steps | 2,000 | 2 | 13.6 ± 0.8° | 16.5° |" in text
    assert "| 16.0° | – | – | – | 52.0 |" in text
    benchmark.pitch_page.draw(record, tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 1000
