"""Ray Data: two workers lift a corpus, and skip what is finished."""

import importlib.util
import warnings

import numpy as np
import pytest

from posenet3d.errors import ConfigurationError, MissingExtraError
from posenet3d.inference.batch import Plan
from posenet3d.integrations.ray import predict_with_ray

HAS_RAY = importlib.util.find_spec("ray") is not None


def corpus(folder):
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        points = np.random.default_rng(0).random((20, 17, 2))
        np.savez(folder / f"{name}.npz", fps=50, layout="coco_17", points=points)
    (folder / "e.npz").write_bytes(b"PK no zip")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: pip install 'posenet3d[ray]'")
@pytest.mark.filterwarnings("ignore")
def test_two_workers_lift_a_corpus_and_skip_what_is_finished(tmp_path):
    import ray

    folder = corpus(tmp_path / "in")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
    try:
        plan = Plan(("npz",))
        report = predict_with_ray(folder, tmp_path / "out", plan, workers=2, inputs_a_batch=1)
        assert [each.status for each in report.outcomes] == ["done"] * 4 + ["failed"]
        assert "e.npz" in report.outcomes[4].error
        assert report.exit_code == 2
        for name in "abcd":
            with np.load(tmp_path / "out" / f"{name}.npz") as lifted:
                assert lifted["joints3d"].shape == (20, 14, 3)
        again = predict_with_ray(folder, tmp_path / "out", plan, workers=2, inputs_a_batch=1)
        assert [each.status for each in again.outcomes] == ["skipped"] * 4 + ["failed"]
    finally:
        ray.shutdown()


def test_without_ray_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    (tmp_path / "a.npz").touch()
    with pytest.raises(MissingExtraError, match=r"posenet3d\[ray\]"):
        predict_with_ray([tmp_path / "a.npz"], tmp_path / "out", Plan(("npz",)))
    assert not (tmp_path / "out").exists()


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="workers"):
        predict_with_ray([tmp_path / "a.npz"], tmp_path / "out", workers=0)
