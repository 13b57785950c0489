"""One checkpoint: a folder whose every bit is accounted for.

model.safetensors   the network's weights and buffers
model.json          how to build it: ``load_model`` reads a checkpoint as it is
state.pt            everything else (loads with ``weights_only=True``)
manifest.json       length and SHA-256 of the others, the run, the place, the score
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from posenet3d.files import atomic_folder
from posenet3d.networks.model_files import model_files
from posenet3d.training.checkpoints.manifest import MANIFEST_FILE, DamageError, Manifest, Seal
from posenet3d.training.checkpoints.place import Place
from posenet3d.training.checkpoints.saved_state import DamagedStateError, dump_state, parse_state

STATE_FILE = "state.pt"
_WEIGHTS_FILE, _DESCRIPTION_FILE = "model.safetensors", "model.json"


def write_checkpoint(
    target: Path, state: Mapping[str, Any], *, run: str = "", score: float | None = None
) -> Manifest:
    """Write a training state as a folder that is there whole or not at all.

    Args:
        target: the folder; it must not exist, its parent must.
        state: nested mappings and sequences of tensors and plain values. ``model`` holds the
            network's weights and ``description``, where given, what ``describe_model`` says.
        run: the identity of the run.
        score: of these weights; lower is better.

    Returns:
        Its manifest.

    Raises:
        StorageError: if it cannot be written; nothing is left of it.
    """
    contents = _contents(state)
    seals = {name: Seal.of(content) for name, content in contents.items()}
    manifest = Manifest(run, Place.of(state), score, seals)
    with atomic_folder(target) as folder:
        for name, content in {**contents, MANIFEST_FILE: manifest.to_bytes()}.items():
            (folder / name).write_bytes(content)
    return manifest


def read_manifest(folder: Path, place: Place) -> Manifest:
    """The manifest of the checkpoint of a place.

    Raises:
        DamageError: if it is missing, damaged, or of another place.
        RunFolderError: if it is of a format that this version does not know.
    """
    manifest = Manifest.parse(_read(folder / MANIFEST_FILE), folder)
    if manifest.place != place:
        raise DamageError(
            MANIFEST_FILE, f"a checkpoint of {place.name}", f"that of {manifest.place.name}"
        )
    return manifest


def verify_checkpoint(folder: Path, place: Place) -> Manifest:
    """Read every byte of the checkpoint of a place, and keep none.

    Raises:
        DamageError: if one is not what was written.
        RunFolderError: if it is of a format that this version does not know.
    """
    manifest = read_manifest(folder, place)
    for name, seal in manifest.files.items():
        try:
            with (folder / name).open("rb") as file:
                found = Seal.of_file(file)
        except OSError as error:
            raise _unreadable(name, error) from error
        seal.check(name, found)
    return manifest


def read_checkpoint(
    folder: Path, place: Place, device: torch.device
) -> tuple[Manifest, dict[str, Any]]:
    """The manifest and the training state of the checkpoint of a place.

    Args:
        folder: the checkpoint.
        place: where in the run it should lie.
        device: where the tensors go.

    Raises:
        DamageError: if a byte of it is not what was written.
        RunFolderError: if it is of a format that this version does not know.
    """
    manifest = read_manifest(folder, place)
    contents = {name: _read(folder / name) for name in manifest.files}
    for name, content in contents.items():
        manifest.files[name].check(name, Seal.of(content))
    return manifest, _state(contents, device)


def _contents(state: Mapping[str, Any]) -> dict[str, bytes]:
    """The files' contents; ``state.pt`` holds the weights' names in their order."""
    rest = {name: value for name, value in state.items() if name != "description"}
    weights: Mapping[str, torch.Tensor] = state["model"]
    files = model_files(weights, state.get("description") or {})
    if "description" not in state:
        del files[_DESCRIPTION_FILE]
    return {**files, STATE_FILE: dump_state({**rest, "model": list(weights)})}


def _state(contents: Mapping[str, bytes], device: torch.device) -> dict[str, Any]:
    file = STATE_FILE
    try:
        state = parse_state(contents[STATE_FILE], device)
        file = _WEIGHTS_FILE
        weights = safetensors.torch.load(contents[_WEIGHTS_FILE])
        state["model"] = {name: weights[name].to(device) for name in state["model"]}
    except (KeyError, DamagedStateError, SafetensorError) as error:
        raise DamageError(file, "a file that can be read", str(error)) from error
    if _DESCRIPTION_FILE in contents:
        state["description"] = json.loads(contents[_DESCRIPTION_FILE])
        del state["description"]["weights_sha256"]
    return state


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path.name, error) from error


def _unreadable(name: str, error: OSError) -> DamageError:
    return DamageError(name, "a file that can be read", repr(error.strerror))
