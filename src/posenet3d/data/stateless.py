"""Random numbers that are functions of a text and of places, and of nothing else.

SplitMix64 (Steele et al. 2014), computed in integers on the device of the places: no generator
has a state that a resumed run or another number of processes would have to restore.
"""

import hashlib

import torch
from jaxtyping import Float, Int
from torch import Tensor

from posenet3d.errors import ShapeError

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed number
_MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
_MIX_2 = -7723592293110705685  # 0x94D049BB133111EB
_HALF = (1 << 32) - 1


def places_of(
    batch_size: int, rank: int = 0, world_size: int = 1, device: torch.device | str = "cpu"
) -> Int[Tensor, " places"]:
    """The places in a batch that fall to one of several workers: every ``world_size``-th.

    Args:
        batch_size: places in the whole batch.
        rank: the worker's number.
        world_size: how many workers there are.
        device: where the numbers go.

    Returns:
        (batch_size / world_size,) int64.

    Raises:
        ShapeError: the batch does not divide among the workers, or rank is out of range.

    Example:
        >>> places_of(6, rank=1, world_size=2)
        tensor([1, 3, 5])
    """
    if batch_size < 1 or not 0 <= rank < world_size or batch_size % world_size:
        raise ShapeError(
            "batch_size",
            expected="a positive multiple of world_size, and 0 <= rank < world_size",
            got=f"batch_size={batch_size}, rank={rank}, world_size={world_size}",
        )
    return torch.arange(rank, batch_size, world_size, device=device)


def random_bits(text: str, places: Int[Tensor, "*places"]) -> Int[Tensor, "*places"]:
    """64 random bits a place: SplitMix64 seeded by the first 8 bytes of SHA-256 of the text.

    Args:
        text: names the stream of numbers.
        places: whole numbers, from 0.

    Returns:
        int64 of the same shape and on the same device; the same on every machine.

    Example:
        >>> random_bits("0/teacher/5", torch.arange(2)).tolist()
        [-3999277802351100470, 6891362171158484264]
    """
    key = hashlib.sha256(text.encode()).digest()[:8]
    state = (places.to(torch.int64) + 1) * _GOLDEN + int.from_bytes(key, "big", signed=True)
    state = (state ^ _shifted(state, 30)) * _MIX_1
    state = (state ^ _shifted(state, 27)) * _MIX_2
    return state ^ _shifted(state, 31)


def uniform_numbers(
    text: str, places: Int[Tensor, "*places"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*places"]:
    """Numbers from U(0, 1), one a place.

    Example:
        >>> uniform_numbers("noise", torch.arange(3)).shape
        torch.Size([3])
    """
    return _fraction(_shifted(random_bits(text, places), 32), dtype)


def normal_pairs(
    text: str, places: Int[Tensor, "*places"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*places 2"]:
    """Two independent numbers from N(0, 1) a place (Box and Muller 1958).

    Example:
        >>> normal_pairs("noise", torch.arange(3)).shape
        torch.Size([3, 2])
    """
    bits = random_bits(text, places)
    radius = (-2 * _fraction(_shifted(bits, 32), dtype).log()).sqrt()
    angle = 2 * torch.pi * _fraction(bits & _HALF, dtype)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1)


def _fraction(bits: Int[Tensor, "*places"], dtype: torch.dtype) -> Float[Tensor, "*places"]:
    """32 bits as a number above 0 and at most 1."""
    return (bits.to(dtype) + 0.5) * 2.0**-32


def _shifted(bits: Int[Tensor, "*places"], by: int) -> Int[Tensor, "*places"]:
    """A logical shift to the right, which torch lacks for signed numbers."""
    return (bits >> by) & ((1 << (64 - by)) - 1)
