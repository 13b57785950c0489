"""Linear layers made faster on the CPU: weights laid out once as oneDNN's products want them."""

from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Part = TypeVar("Part", bound=nn.Module)

_ROWS = 512  # frames or windows that inference computes at a time; others are right too
_WORTHWHILE = 1_000_000  # multiply-adds; with fewer the call itself takes longer


class PackedLinear(nn.Linear):
    """A linear layer for inference on the CPU that reads its weights in oneDNN's own order.

    :class:`torch.nn.Linear` has its weights laid out anew, or not at all, in every call; torch's
    compiler does it once, as this does. With 256 to 1024 features the product is a sixth to a
    quarter faster (``benchmarks/results/inference.md``). It keeps the plain weights beside them,
    for whoever reads ``weight``; a change of these is not seen. Copies and pickles pack anew.

    Args:
        linear: the layer, float32 on the CPU; its weights are shared, not copied.

    Example:
        >>> layer = nn.Linear(8, 4)
        >>> x = torch.randn(5, 8)
        >>> with torch.no_grad():
        ...     bool(torch.allclose(PackedLinear(layer)(x), layer(x), atol=1e-6))
        True
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self._packed: Tensor | None = None

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Features (..., outputs) of features (..., inputs); no gradient flows through it."""
        if x.numel() * self.out_features < _WORTHWHILE:
            return functional.linear(x, self.weight, self.bias)
        if self._packed is None:
            weight = self.weight.detach()
            self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
        answer: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._packed, self.bias, "none", [], ""
        )
        return answer

    def __getstate__(self) -> dict[str, object]:
        """What is copied and pickled: all but the packed weights, which have no storage."""
        return {**self.__dict__, "_packed": None}


@torch.no_grad()
def pack_linears(part: Part) -> Part:
    """Have a network's linear layers packed, in place; for inference alone.

    Left as they are: layers that are not on the CPU or not float32, subclasses, those with hooks
    or a reparametrised weight, and all of them where torch has no oneDNN or the processor no AVX.

    Args:
        part: any module, such as :func:`~posenet3d.nn.fold_norms` gives. It gives the same
            answers as before within rounding, but no gradients.

    Returns:
        The module itself.

    Example:
        >>> from posenet3d.nn import ResidualBlock, fold_norms
        >>> block = ResidualBlock(8).eval()
        >>> packed = pack_linears(fold_norms(block))
        >>> x = torch.randn(5, 8)
        >>> with torch.no_grad():
        ...     bool(torch.allclose(packed(x), block(x), atol=1e-6))
        True
    """
    if not _has_onednn():
        return part
    for parent in part.modules():
        for name, layer in parent.named_children():
            if type(layer) is nn.Linear and _is_plain(layer):
                setattr(parent, name, PackedLinear(layer))
    return part


def _is_plain(layer: nn.Linear) -> bool:
    """Whether a layer does no more than multiply and add, in float32 on the CPU."""
    weight = layer.weight
    hooked = layer._forward_hooks or layer._forward_pre_hooks
    plain = isinstance(weight, nn.Parameter) and not hooked  # else computed anew at each call
    return plain and weight.device.type == "cpu" and weight.dtype == torch.float32


def _has_onednn() -> bool:
    """Whether torch has oneDNN's products, on a processor for which they are the fastest."""
    vectors = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    return vectors and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
