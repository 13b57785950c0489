"""Nested mappings of tensors and plain values as bytes, read without trusting them."""

import hashlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch


class DamagedStateError(ValueError):
    """The bytes are not what :func:`dump_state` wrote."""


def dump_state(state: Mapping[str, Any]) -> bytes:
    """A state as the bytes of a file that loads with ``torch.load(..., weights_only=True)``.

    Args:
        state: nested mappings, lists and tuples of tensors and plain values, with text or integer
            keys.

    Returns:
        The bytes.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def parse_state(written: bytes, device: torch.device) -> dict[str, Any]:
    """The state in what :func:`dump_state` wrote; nothing in it is executed.

    Args:
        written: the bytes.
        device: where the tensors go.

    Raises:
        DamagedStateError: if they cannot be read, or would run code.

    Example:
        >>> written = dump_state({"step": 3, "model": {"bias": torch.zeros(2)}})
        >>> parse_state(written, torch.device("cpu"))
        {'step': 3, 'model': {'bias': tensor([0., 0.])}}
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged file's pickle protocol
            return dict(torch.load(io.BytesIO(written), map_location=device, weights_only=True))
    except Exception as error:  # a damaged file makes torch raise nearly anything
        reason = (str(error).splitlines() or [""])[0]
        raise DamagedStateError(f"{type(error).__name__}: {reason}") from error


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
