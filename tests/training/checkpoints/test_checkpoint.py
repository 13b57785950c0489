"""A checkpoint gives back the bits it was given, and notices each one that changed."""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posenet3d.errors import RunFolderError
from posenet3d.networks import load_model
from posenet3d.training.checkpoints.checkpoint import (
    read_checkpoint,
    verify_checkpoint,
    write_checkpoint,
)
from posenet3d.training.checkpoints.manifest import DamageError, Manifest, Seal
from posenet3d.training.checkpoints.place import Place
from posenet3d.training.checkpoints.store import CheckpointStore

MakeState = Callable[..., dict[str, Any]]
CPU = torch.device("cpu")
FILES = ("manifest.json", "model.json", "model.safetensors", "state.pt")
DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip


def bits(value: Any) -> Any:
    """A nested value with every tensor as its type, shape and bytes."""
    if isinstance(value, torch.Tensor):
        plain = value.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
        return str(value.dtype), tuple(value.shape), plain.view(torch.uint8).tolist()
    if isinstance(value, Mapping):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bits(item) for item in value]
    return value


def round_trip(weights: Mapping[str, torch.Tensor], folder: Path) -> dict[str, torch.Tensor]:
    write_checkpoint(folder / "0-00000003", {
        "stages_done": 0, "stage": {"done": 3, "same": dict(weights)}, "model": weights,
    })  # fmt: skip
    _, state = read_checkpoint(folder / "0-00000003", Place(0, 3), CPU)
    assert bits(state["stage"]["same"]) == bits(weights)
    found: dict[str, torch.Tensor] = state["model"]
    return found


def test_a_state_comes_back_as_it_was(state: MakeState, tmp_path: Path) -> None:
    given_ = state(3)
    write_checkpoint(tmp_path / "0-00000003", given_, run="a", score=0.5)
    manifest, found = read_checkpoint(tmp_path / "0-00000003", Place(0, 3), CPU)
    assert bits(found) == bits(given_)
    assert list(found["model"]) == list(given_["model"])
    assert (manifest.run, manifest.place, manifest.score) == ("a", Place(0, 3), 0.5)
    assert sorted(path.name for path in (tmp_path / "0-00000003").iterdir()) == list(FILES)


def test_the_state_file_loads_with_weights_only_and_holds_no_weights(
    state: MakeState, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "0-00000003", state(3))
    rest = torch.load(tmp_path / "0-00000003" / "state.pt", weights_only=True)
    assert rest["model"] == ["layer.weight", "layer.bias"]
    assert rest["stage"]["done"] == 3


@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 3), max_size=3),
    content=st.binary(min_size=216, max_size=216),
)
def test_any_tensor_keeps_its_bits_type_and_shape(
    dtype: torch.dtype, shape: list[int], content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if dtype == torch.bool:
        content = bytes(byte & 1 for byte in content)
    count = torch.Size(shape).numel()
    tensor = torch.frombuffer(bytearray(content), dtype=dtype)[:count].reshape(shape)
    found = round_trip({"tensor": tensor}, tmp_path_factory.mktemp("tensor"))
    assert bits(found) == bits({"tensor": tensor})


def hard_tensors() -> dict[str, dict[str, torch.Tensor]]:
    whole = torch.arange(24.0).reshape(4, 6)
    return {
        "of no axes": {"scale": torch.tensor(0.1, dtype=torch.float64)},
        "shared": {"one": whole, "same": whole, "part": whole[1:3]},
        "transposed": {"turned": whole.T},
        "strided": {"every_other": whole[:, ::2]},
        "expanded": {"row": whole[:1].expand(5, 6)},
        "channels last": {"images": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)},
        "empty": {"nothing": torch.empty(0, 3)},
        "odd numbers": {"odd": torch.tensor([-0.0, float("nan"), float("inf"), 1e-45])},
        "parameters": {"learns": torch.nn.Parameter(whole)},
    }


@pytest.mark.parametrize("kind", list(hard_tensors()))
def test_what_lies_oddly_in_memory_keeps_its_values(kind: str, tmp_path: Path) -> None:
    weights = hard_tensors()[kind]
    found = round_trip(weights, tmp_path)
    assert bits(found) == bits(weights)
    assert all(tensor.is_contiguous() for tensor in found.values())
    assert not any(tensor.requires_grad for tensor in found.values())


def test_what_was_shared_is_not_shared_afterwards(tmp_path: Path) -> None:
    whole = torch.zeros(3)
    found = round_trip({"one": whole, "same": whole}, tmp_path)
    found["one"] += 1
    assert found["same"].tolist() == [0, 0, 0]


def test_a_checkpoint_of_a_run_loads_as_a_network(whole_run: Path) -> None:
    folder = whole_run / "checkpoints" / "3-00000003"
    _, state = read_checkpoint(folder, Place(3, 3), CPU)
    assert bits(dict(load_model(folder).state_dict())) == bits(state["model"])
    last = whole_run / "checkpoints" / "4-00000000"
    for name in ("model.safetensors", "model.json"):
        assert (last / name).read_bytes() == (whole_run / name).read_bytes()


def flipped(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ (1 << bit % 8)]))


def flips(folder: Path, each: int) -> Iterator[tuple[str, int]]:
    """So many bits of each file, spread over the whole of it."""
    for name in FILES:
        size = 8 * (folder / name).stat().st_size
        assert size > each
        for number in range(each):
            yield name, number * size // each + (number * 7) % (size // each)


@pytest.fixture
def two(whole_run: Path, tmp_path: Path) -> CheckpointStore:
    """A store with two checkpoints, made of a real run's; the newer one is ``3-00000003``."""
    _, real = read_checkpoint(whole_run / "checkpoints" / "3-00000003", Place(3, 3), CPU)
    store = CheckpointStore(tmp_path / "checkpoints")
    store.save({**real, "stage": {**real["stage"], "done": 2}})
    store.save(real)
    return store


def test_of_two_thousand_flipped_bits_none_goes_unnoticed(two: CheckpointStore) -> None:
    folder, place = two.folder / "3-00000003", Place(3, 3)
    tried = 0
    for name, bit in flips(folder, 500):
        flipped(folder / name, bit)
        with pytest.raises(DamageError) as caught:
            verify_checkpoint(folder, place)
        assert caught.value.file == name
        flipped(folder / name, bit)
        tried += 1
    assert tried == 2000
    assert verify_checkpoint(folder, place).place == place


def test_a_flipped_bit_makes_loading_use_the_one_before_and_tell(two: CheckpointStore) -> None:
    folder = two.folder / "3-00000003"
    for name, bit in flips(folder, 10):
        flipped(folder / name, bit)
        with pytest.warns(UserWarning, match=rf"3-00000003: {name}: expected") as told:
            found = two.load(CPU, set_aside=False)
        assert len(told) == 1
        assert found is not None
        assert found["stage"]["done"] == 2
        flipped(folder / name, bit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = two.load(CPU)
    assert found is not None
    assert found["stage"]["done"] == 3


def test_each_single_bit_of_a_manifest_counts() -> None:
    files = {"state.pt": Seal.of(b"abc"), "model.safetensors": Seal.of(b"de")}
    manifest = Manifest("5c", Place(1, 500), 1e-07, files)  # 1E-07 is the same number
    content = manifest.to_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamageError, match=r"manifest\.json: expected the manifest as it was"):
            Manifest.parse(bytes(changed))


@settings(max_examples=50)
@given(content=st.binary(max_size=60) | st.just(b"[" * 100_000) | st.just(b'{"sha256": 1}'))
def test_what_is_no_manifest_is_told(content: bytes) -> None:
    with pytest.raises(DamageError, match="a changed one"):
        Manifest.parse(content)


@given(
    run=st.text(max_size=5),
    place=st.builds(Place, st.integers(0, 30), st.integers(0, 10**10)),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    files=st.dictionaries(st.text(max_size=5), st.binary(max_size=5).map(Seal.of), max_size=3),
)
def test_any_manifest_is_read_as_it_was_written(
    run: str, place: Place, score: float | None, files: dict[str, Seal]
) -> None:
    manifest = Manifest(run, place, score, files)
    assert Manifest.parse(manifest.to_bytes()) == manifest


def test_a_format_that_is_not_known_is_no_damage(state: MakeState, tmp_path: Path) -> None:
    folder = tmp_path / "0-00000003"
    write_checkpoint(folder, state(3))
    document = json.loads((folder / "manifest.json").read_bytes())
    del document["sha256"]
    document |= {"format": 2, "posenet3d": "9.1"}
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    document["sha256"] = Seal.of(text.encode()).sha256
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text)
    with pytest.raises(RunFolderError, match=r"format 1, got one of format 2; .* posenet3d 9\.1"):
        CheckpointStore(tmp_path).load(CPU)
    assert folder.is_dir()


def test_a_state_that_would_run_code_is_refused(tmp_path: Path) -> None:
    evil = {"stages_done": 0, "stage": {"done": 3}, "model": {}, "path": Path("x")}
    write_checkpoint(tmp_path / "0-00000003", evil)
    verify_checkpoint(tmp_path / "0-00000003", Place(0, 3))
    with pytest.raises(DamageError, match=r"state\.pt: expected a file that can be read"):
        read_checkpoint(tmp_path / "0-00000003", Place(0, 3), CPU)


@given(place=st.builds(Place, st.integers(0, 30), st.integers(0, 10**10)))
def test_a_place_is_read_from_its_name(place: Place) -> None:
    assert Place.parse(place.name) == place


@pytest.mark.parametrize(
    "name",
    ["", "1", "1-5", "01-00000500", "1-000000500", "-1-00000500", "1-00000500.damaged",
     "1-00000500 (copy)", "1-0000050x", "1-0000050²", ".1-00000500", "1-00000500\n"],
)  # fmt: skip
def test_any_other_name_is_no_place(name: str) -> None:
    assert Place.parse(name) is None
