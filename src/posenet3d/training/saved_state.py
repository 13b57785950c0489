"""The state that a run goes on from: written with its checksum, read without trusting the file."""

import hashlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch

_CHECKSUM = "sha256"


class DamagedStateError(ValueError):
    """The bytes are not what :func:`dump_state` wrote."""


def dump_state(state: Mapping[str, Any]) -> bytes:
    """A state as the bytes of a file that loads with ``torch.load(..., weights_only=True)``.

    Args:
        state: nested mappings, lists and tuples of tensors and plain values, with text or integer
            keys.

    Returns:
        The bytes; the mapping they hold has the state's checksum beside it.
    """
    buffer = io.BytesIO()
    torch.save({**state, _CHECKSUM: checksum(state)}, buffer)
    return buffer.getvalue()


def parse_state(written: bytes, device: torch.device) -> dict[str, Any]:
    """The state in what :func:`dump_state` wrote.

    Args:
        written: the bytes.
        device: where the tensors go.

    Raises:
        DamagedStateError: if they are anything else, down to a single bit.

    Example:
        >>> written = dump_state({"step": 3, "model": {"bias": torch.zeros(2)}})
        >>> parse_state(written, torch.device("cpu"))
        {'step': 3, 'model': {'bias': tensor([0., 0.])}}
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged file's pickle protocol
            found = torch.load(io.BytesIO(written), map_location=device, weights_only=True)
        state = dict(found)
        expected = state.pop(_CHECKSUM)
    except Exception as error:  # a damaged file makes torch raise nearly anything
        reason = (str(error).splitlines() or [""])[0]
        raise DamagedStateError(f"{type(error).__name__}: {reason}") from error
    if checksum(state) != expected:
        raise DamagedStateError("its checksum does not fit its contents")
    return state


def checksum(value: Any) -> str:
    """SHA-256 of nested mappings and sequences of tensors and plain values.

    Example:
        >>> checksum({"a": torch.zeros(2)}) == checksum({"a": torch.zeros(3)})
        False
    """
    digest = hashlib.sha256()
    for piece in _pieces(value):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[bytes | memoryview]:
    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu().contiguous()
        yield f"tensor {tensor.dtype} {tuple(tensor.shape)}\n".encode()
        yield tensor.reshape(-1).view(torch.uint8).numpy().data
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}\n".encode()
        for key, item in value.items():
            yield f"{key!r}\n".encode()
            yield from _pieces(item)
    elif isinstance(value, list | tuple):
        yield f"{type(value).__name__} {len(value)}\n".encode()
        for item in value:
            yield from _pieces(item)
    else:
        yield f"{value!r}\n".encode()
