"""A trained network is evaluated with the input that it was trained for."""

from posenet3d.data.synthetic import synthetic_motion
from posenet3d.evaluation import evaluate, evaluate_network
from posenet3d.networks import NetworkConfig, PoseNet3D

SMALL = {"name": "temporal", "options": {"channels": 8}}


def test_window_scale_and_distance_are_the_networks_own():
    config = NetworkConfig(
        backbone=SMALL, discriminator=SMALL, frames=3, distance=7.0, normalization="window"
    )
    model, clips = PoseNet3D(config).eval(), synthetic_motion(clips=1, seconds=0.4)
    found = evaluate_network(model, clips, "cmu14-wild", samples=0, seed=5)
    wanted = evaluate(
        model.lift, clips, "cmu14-wild", frames=3, distance=7.0, normalization="window", samples=0
    )
    assert found["teacher"] == wanted["teacher"]
    assert (found.window, found.normalization, found.seed) == (3, "window", 5)
    assert evaluate(model.lift, clips, frames=3, samples=0)["teacher"] != wanted["teacher"]
