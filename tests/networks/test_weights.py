"""Networks on disk: back bit by bit, and never silently another network."""

import hashlib
import json
import os

import pytest
import safetensors.torch
import torch

from posenet3d import __version__
from posenet3d.body import load_body_model
from posenet3d.errors import (
    BodyFamilyError,
    ConfigurationError,
    DataError,
    StorageError,
    UnknownPluginError,
)
from posenet3d.networks import NetworkConfig, PoseNet3D, load_model, save_model
from posenet3d.networks.model_files import halved

SMALL = {"name": "temporal", "options": {"channels": 16}}


@pytest.fixture(scope="module")
def mannequin():
    return load_body_model("mannequin")


@pytest.fixture(scope="module")
def model(mannequin):
    torch.manual_seed(0)
    config = NetworkConfig(
        frames=3, distance=8.0, backbone=SMALL, discriminator=SMALL, views="learned"
    )
    model = PoseNet3D(config, mannequin)
    windows = torch.randn(8, 3, 14, 2)
    model.teacher_skeleton(windows)  # moves BatchNorm's statistics
    model.metres_per_unit.fill_(0.7)
    with torch.no_grad():
        model.views.scaled_pitch.fill_(0.04)
    return model


@pytest.fixture
def folder(model, tmp_path):
    return save_model(model, tmp_path / "runs" / "a")


def edit(folder, change):
    """Change the JSON description in place."""
    path = folder / "model.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))


def replace_weights(folder, content):
    """Other weights, with a description that vouches for them."""
    (folder / "model.safetensors").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    edit(folder, lambda description: description.update(weights_sha256=digest))


def test_a_network_comes_back_bit_by_bit(model, mannequin, folder):
    again = load_model(folder, mannequin)
    state = model.state_dict()
    assert again.state_dict().keys() == state.keys()
    assert all(torch.equal(state[name], value) for name, value in again.state_dict().items())
    assert again.config == model.config
    windows = 0.1 * torch.randn(4, 3, 14, 2)
    expected = model.lift(windows)
    assert sorted(expected) == ["mean", "student", "teacher"]
    for head, skeletons in again.lift(windows).items():
        assert torch.equal(skeletons, expected[head])


def test_a_loaded_network_is_in_eval_mode_and_brings_its_body(folder):
    again = load_model(str(folder))
    assert not any(module.training for module in again.modules())
    assert again.body.family == "makehuman-cc0"


def test_saving_twice_gives_the_same_bytes_and_overwrites(model, folder):
    names = ("model.json", "model.safetensors")
    before = [(folder / name).read_bytes() for name in names]
    save_model(model, folder)
    assert [(folder / name).read_bytes() for name in names] == before
    assert sorted(os.listdir(folder)) == list(names)


def test_half_precision_halves_the_matrices_and_keeps_everything_else(model, mannequin, tmp_path):
    whole = save_model(model, tmp_path / "whole")
    half = save_model(model, tmp_path / "half", precision="fp16")
    stored = safetensors.torch.load_file(half / "model.safetensors")
    for name, value in safetensors.torch.load_file(whole / "model.safetensors").items():
        if value.ndim > 1 and not name.startswith("joint_regressor"):
            assert stored[name].dtype == torch.float16, name
        else:
            assert torch.equal(stored[name], value), name
    again = load_model(half, mannequin).state_dict()
    for name, value in model.state_dict().items():
        assert again[name].dtype == value.dtype, name
        assert ((again[name] - value).abs() <= 2**-11 * value.abs() + 2**-25).all(), name
    assert json.loads((half / "model.json").read_text())["weights_precision"] == "fp16"


def test_rounding_twice_changes_nothing(model, mannequin, tmp_path):
    once = load_model(save_model(model, tmp_path / "a", precision="fp16"), mannequin)
    twice = load_model(save_model(once, tmp_path / "b", precision="fp16"), mannequin)
    assert all(map(torch.equal, once.state_dict().values(), twice.state_dict().values()))


def test_a_matrix_with_a_number_that_fp16_cannot_hold_stays_whole():
    weights = {"large": torch.full((1, 2), 7e4), "small": torch.full((1, 2), 6e4)}
    kinds = {name: value.dtype for name, value in halved(weights).items()}
    assert kinds == {"large": torch.float32, "small": torch.float16}


def test_the_description_can_be_read_by_people(model, folder):
    description = json.loads((folder / "model.json").read_text())
    assert description["posenet3d"] == __version__
    assert description["body"] == {"family": "makehuman-cc0", "sha256": model.body.sha256}
    assert description["metres_per_unit"] == pytest.approx(0.7)
    assert description["camera_pitch_degrees"] == pytest.approx(11.459, abs=1e-3)
    assert description["network"]["frames"] == 3


def test_the_frame_rate_comes_back_and_an_older_file_without_one_loads(model, mannequin, folder):
    assert load_model(folder, mannequin).fps is None
    edit(folder, lambda description: description.update(fps=50))
    network = load_model(folder, mannequin)
    assert network.fps == 50.0
    assert load_model(save_model(network, folder), mannequin).fps == 50.0
    edit(folder, lambda description: description.pop("fps"))
    assert load_model(folder, mannequin).fps is None


@pytest.mark.parametrize("rate", [0, -50.0, True, "50", [50.0]])
def test_a_frame_rate_that_is_none_is_an_error(mannequin, folder, rate):
    edit(folder, lambda description: description.update(fps=rate))
    with pytest.raises(DataError, match="fps: expected a positive number or null"):
        load_model(folder, mannequin)


def test_the_body_is_not_stored(folder):
    """6890 vertices with 207 pose directions would be 17 MB; SJA's own weights stay."""
    names = safetensors.torch.load_file(folder / "model.safetensors").keys()
    assert not [name for name in names if name.startswith("body")]


def test_tensors_that_share_memory_are_saved_all_the_same(mannequin, tmp_path):
    model = PoseNet3D(NetworkConfig(backbone=SMALL, discriminator=SMALL), mannequin)
    model.student.blocks[1] = model.student.blocks[0]
    again = load_model(save_model(model, tmp_path), mannequin)
    weight = again.student.blocks[1].first.linear.weight
    assert torch.equal(weight, model.student.blocks[0].first.linear.weight)


def test_a_body_of_another_family_is_refused(mannequin, folder):
    edit(folder, lambda description: description["body"].update(family="smpl"))
    with pytest.raises(BodyFamilyError, match="'smpl', got 'makehuman-cc0'") as caught:
        load_model(folder, mannequin)
    assert (caught.value.expected, caught.value.got) == ("smpl", "makehuman-cc0")
    with pytest.raises(BodyFamilyError):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_missing_file_is_an_error_that_says_what_to_do(folder, name):
    (folder / name).unlink()
    with pytest.raises(StorageError, match=rf"{name}: expected a file of a trained network") as it:
        load_model(folder)
    assert it.value.path == str(folder / name)


def test_a_folder_that_is_not_there_or_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(StorageError, match="give the folder of a finished run"):
            load_model(place)


def test_a_folder_that_cannot_be_made_is_an_error(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        save_model(model, tmp_path / "file" / "run")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_truncated_weights_are_an_error(mannequin, folder, share):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="copy both files anew"):
        load_model(folder, mannequin)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_weights_are_an_error_without_a_checksum_too(mannequin, folder, share):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: int(share * len(content))])
    edit(folder, lambda description: description.pop("weights_sha256"))
    with pytest.raises(DataError, match="copy both files anew"):
        load_model(folder, mannequin)


def test_a_single_flipped_bit_in_the_weights_is_an_error(mannequin, folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-100] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="SHA-256"):
        load_model(folder, mannequin)


def test_weights_of_another_save_are_an_error(mannequin, folder, tmp_path):
    torch.manual_seed(1)
    config = load_model(folder, mannequin).config
    other = save_model(PoseNet3D(config, mannequin), tmp_path / "other")
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(DataError, match=r"expected the weights that model\.json was written with"):
        load_model(folder, mannequin)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 a zip", b"\x80\x04\x95 a pickle", b"\xff" * 64, b"{}"],
    ids=["empty", "zip", "pickle", "noise", "json"],
)
def test_a_foreign_file_instead_of_the_weights_is_an_error(mannequin, folder, content):
    replace_weights(folder, content)
    with pytest.raises(DataError, match=r"expected weights that fit model\.json"):
        load_model(folder, mannequin)


@pytest.mark.parametrize(
    "tensors",
    [{}, {"weight": torch.zeros(3)}],
    ids=["nothing", "another network's"],
)
def test_foreign_tensors_are_an_error(mannequin, folder, tensors):
    replace_weights(folder, safetensors.torch.save(tensors))
    with pytest.raises(DataError, match=r"expected weights that fit model\.json"):
        load_model(folder, mannequin)


def test_weights_of_another_size_are_an_error(mannequin, folder):
    wider = {"name": "temporal", "options": {"channels": 8}}
    edit(folder, lambda description: description["network"].update(backbone=wider))
    with pytest.raises(DataError, match=r"expected weights that fit model\.json"):
        load_model(folder, mannequin)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"network": '],
    ids=["empty", "cut", "not text", "too deep", "cut later"],
)
def test_a_description_that_is_no_json_is_an_error(mannequin, folder, content):
    (folder / "model.json").write_bytes(content)
    with pytest.raises(DataError, match="expected JSON"):
        load_model(folder, mannequin)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"model"'])
def test_a_description_that_is_no_object_is_an_error(mannequin, folder, content):
    (folder / "model.json").write_text(content)
    with pytest.raises(DataError, match="expected a JSON object"):
        load_model(folder, mannequin)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.clear(),
        lambda it: it.pop("body"),
        lambda it: it.update(body="makehuman-cc0"),
        lambda it: it["network"].update(frames=8),
        lambda it: it["network"].update(unheard_of=1),
        lambda it: it.update(network=[]),
    ],
    ids=["empty", "no body", "body is text", "8 frames", "unknown field", "network is a list"],
)
def test_a_description_of_no_network_is_an_error(mannequin, folder, change):
    edit(folder, change)
    with pytest.raises(DataError, match="expected a network's configuration"):
        load_model(folder, mannequin)


def test_a_part_that_is_not_installed_is_an_error_that_names_it(mannequin, folder):
    edit(folder, lambda it: it["network"].update(student="nobody"))
    with pytest.raises(UnknownPluginError, match="student 'nobody'"):
        load_model(folder, mannequin)


def test_an_import_path_cannot_be_smuggled_in_as_a_part(mannequin, folder):
    edit(folder, lambda it: it["network"].update(student="os:system"))
    with pytest.raises(UnknownPluginError):
        load_model(folder, mannequin)


def test_bad_options_in_the_description_are_a_configuration_error(mannequin, folder):
    backbone = {"name": "temporal", "options": {"channels": -1}}
    edit(folder, lambda it: it["network"].update(backbone=backbone))
    with pytest.raises(ConfigurationError, match="channels"):
        load_model(folder, mannequin)
