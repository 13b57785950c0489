"""Weights that ship: found by name, read whole, told by a card; tried on what is there."""

import json
import os
from pathlib import Path

import pytest
import torch

from posenet3d import PoseNet3D
from posenet3d.body import load_body_model
from posenet3d.errors import BodyFamilyError, DataError, StorageError, UnknownNameError
from posenet3d.networks import (
    DEFAULT_WEIGHTS,
    ModelCard,
    NetworkConfig,
    model_card,
    pretrained,
    pretrained_folder,
    pretrained_names,
    save_model,
)
from posenet3d.networks.model_files import StoredModel

LARGEST = 40e6


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


@pytest.fixture(scope="module")
def model(mannequin):
    torch.manual_seed(0)
    small = {"name": "temporal", "options": {"channels": 16}}
    student = {"name": "student", "options": {"blocks": 0}}
    config = NetworkConfig(frames=3, backbone=small, discriminator=small, student=student)
    model = PoseNet3D(config, mannequin)
    model.teacher_skeleton(torch.randn(8, 3, 14, 2))  # moves BatchNorm's statistics
    model.metres_per_unit.fill_(0.7)
    return model.eval()


@pytest.fixture
def shipped(model, tmp_path, monkeypatch):
    """A package with two tiny networks, one of them the default."""
    card = ModelCard(
        name=DEFAULT_WEIGHTS,
        summary="A toy.",
        licence="CC0 1.0",
        inputs=("windows",),
        outputs=("skeletons",),
        limits=("It knows nothing.",),
        command="python train.py",
    )
    for name in (DEFAULT_WEIGHTS, "toy"):
        folder = save_model(model, tmp_path / "weights" / name, precision="fp16")
        (folder / "card.json").write_text(card.model_dump_json())
    (tmp_path / "weights" / "no weights").mkdir()
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path / "weights")
    return tmp_path / "weights"


@pytest.mark.usefixtures("shipped")
def test_names_are_those_of_the_folders_with_a_network():
    assert pretrained_names() == (DEFAULT_WEIGHTS, "toy")


def test_without_a_name_the_default_is_loaded_in_fp32_and_in_eval_mode(shipped, model, mannequin):
    network = PoseNet3D.from_pretrained(body=mannequin)
    assert pretrained_folder() == shipped / DEFAULT_WEIGHTS
    assert not any(module.training for module in network.modules())
    assert network.body is mannequin
    kinds = {value.dtype for value in network.state_dict().values() if value.is_floating_point()}
    assert kinds == {torch.float32}
    windows = 0.1 * torch.randn(4, 3, 14, 2)
    for head, skeletons in model.lift(windows).items():
        torch.testing.assert_close(network.lift(windows)[head], skeletons, atol=2e-3, rtol=0)


@pytest.mark.usefixtures("shipped")
def test_a_network_goes_where_it_is_sent():
    network = PoseNet3D.from_pretrained("toy", "meta")  # with a body of its own, which goes along
    assert {value.device.type for value in network.parameters()} == {"meta"}


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_of_one_s_own_is_taken_by_its_path(model, mannequin, tmp_path, kind):
    folder = save_model(model, tmp_path / "runs" / "a")
    network = PoseNet3D.from_pretrained(kind(folder), body=mannequin)
    for name, value in network.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])


def test_a_folder_may_be_named_without_a_slash(model, mannequin, tmp_path, monkeypatch):
    save_model(model, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert PoseNet3D.from_pretrained("mine", body=mannequin).config == model.config


def test_a_shipped_name_goes_before_a_folder_of_that_name_and_a_path_is_a_folder(
    shipped, tmp_path, monkeypatch
):
    (tmp_path / "toy").mkdir()
    monkeypatch.chdir(tmp_path)
    assert pretrained_folder("toy") == shipped / "toy"
    assert pretrained_folder(Path("toy")) == Path("toy")


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("load", [PoseNet3D.from_pretrained, model_card, pretrained_folder])
def test_an_unknown_name_suggests_the_nearest(load):
    with pytest.raises(UnknownNameError, match=f"did you mean {DEFAULT_WEIGHTS!r}") as caught:
        load("best-detectde")
    assert caught.value.known == (DEFAULT_WEIGHTS, "toy")


def test_without_any_weights_the_default_is_unknown_even_beside_a_folder_of_its_name(
    tmp_path, monkeypatch
):
    (tmp_path / DEFAULT_WEIGHTS).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path / "nowhere")
    assert pretrained_names() == ()
    with pytest.raises(UnknownNameError, match="Known: none"):
        PoseNet3D.from_pretrained()


@pytest.mark.parametrize("missing", ["runs/b", Path("b")])
def test_a_folder_that_is_not_there_is_told_with_what_to_do(missing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match="finished run"):
        PoseNet3D.from_pretrained(missing)


def test_a_changed_byte_is_found(shipped, mannequin):
    path = shipped / "toy" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="SHA-256"):
        PoseNet3D.from_pretrained("toy", body=mannequin)


def test_a_body_of_another_family_is_refused(shipped, mannequin):
    path = shipped / "toy" / "model.json"
    description = json.loads(path.read_text())
    description["body"]["family"] = "smpl"
    path.write_text(json.dumps(description))
    with pytest.raises(BodyFamilyError):
        PoseNet3D.from_pretrained("toy", body=mannequin)


def test_the_card_is_read_by_the_same_names(shipped):
    assert model_card() == model_card("toy") == model_card(shipped / "toy")
    assert model_card().summary == "A toy."


def test_a_run_has_no_card(model, tmp_path):
    with pytest.raises(StorageError, match=r"card\.json: expected the card of shipped weights"):
        model_card(save_model(model, tmp_path))


@pytest.mark.parametrize("content", ["", "[]", '{"name": "toy"}', "{"])
def test_a_damaged_card_is_told(shipped, content):
    (shipped / "toy" / "card.json").write_text(content)
    with pytest.raises(DataError, match="expected a model card"):
        model_card("toy")


def test_the_default_weights_ship():
    assert DEFAULT_WEIGHTS in pretrained_names()


def test_whatever_ships_is_small_loads_and_has_the_card_of_its_own_file():
    for name in pretrained_names():
        folder, card = pretrained_folder(name), model_card(name)
        assert sorted(os.listdir(folder)) == [
            "card.json",
            "model.json",
            "model.safetensors",
            "model_card.md",
        ], name
        assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST, name
        assert card.name == name
        assert StoredModel.read(folder).fps == 50.0
        assert card.weights_sha256 == StoredModel.read(folder).weights_sha256
        assert card.weights_bytes == (folder / "model.safetensors").stat().st_size
        assert (folder / "model_card.md").read_text() == card.to_markdown()
        assert len(card.seeds) > 1
        assert card.measured, name
        network = PoseNet3D.from_pretrained(name)
        assert card.parameters == sum(value.numel() for value in network.state_dict().values())
        assert all(value.isfinite().all() for value in network.state_dict().values())


def test_whatever_ships_lifts_a_person_whose_knees_bend_forwards():
    from posenet3d.data import corrupt, film, normalize
    from posenet3d.data.synthetic import synthetic_motion
    from posenet3d.evaluation import evaluate_network

    clips = synthetic_motion(clips=1, seconds=0.6, seed=3)
    for name in pretrained_names():
        network = PoseNet3D.from_pretrained(name)
        config = network.config
        report = evaluate_network(network, clips, "cmu14-wild", samples=0)
        for head in ("teacher", "student", "mean"):
            assert report[head].right_way_round is True, (name, head)
            assert report.ratio_to_flat(head) < 0.8, (name, head)
        if config.missing_joints:
            seen = corrupt(next(iter(film(clips, "cmu14-wild").sequences.values())), "openpose")
            points = normalize(seen.points, config.normalization, config.distance, gaps=True).points
            window = torch.as_tensor(points[: config.frames]).float()[None]
            assert all(value.isfinite().all() for value in network.lift(window).values())
