"""Products made faster on the CPU by oneDNN, and linear layers laid out once as it wants them."""

from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from posenet3d.nn.folding import FOLDABLE
from posenet3d.nn.residual import LinearBlock
from posenet3d.nn.temporal import TemporalConvBlock

Part = TypeVar("Part", bound=nn.Module)

_ROWS = 1024  # frames or windows that inference computes at a time; others are right too
_WORTHWHILE = 1_000_000  # multiply-adds; with fewer the call itself takes longer
_SLOPE = 1e-30  # next to 0, at which oneDNN takes the larger of two numbers, and 0 for NaN


class PackedLinear(nn.Linear):
    """A linear layer for inference on the CPU that reads its weights in oneDNN's own order.

    :class:`torch.nn.Linear` has its weights laid out anew, or not at all, in every call; torch's
    compiler does it once, as this does. A large product is a quarter faster, or more than twice
    as fast: it hangs on the processor (``benchmarks/results/inference.md``). The plain weights stay
    beside them, for whoever reads ``weight``; a change of these is not seen. Copies and pickles
    pack anew.

    Args:
        linear: the layer, float32 on the CPU; its weights are shared, not copied.
        relu: whether a ReLU follows, within the product. What is no number stays none: oneDNN's own
            would make it 0, so this one has a slope of 1e-30 below zero.

    Example:
        >>> layer = nn.Linear(8, 4)
        >>> x = torch.randn(5, 8)
        >>> with torch.no_grad():
        ...     bool(torch.allclose(PackedLinear(layer)(x), layer(x), atol=1e-6))
        True
    """

    def __init__(self, linear: nn.Linear, *, relu: bool = False) -> None:
        nn.Module.__init__(self)
        self.relu = relu
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self._packed: Tensor | None = None

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Features (..., outputs) of features (..., inputs); no gradient flows through it."""
        if x.numel() * self.out_features < _WORTHWHILE:
            answer = functional.linear(x, self.weight, self.bias)
            return answer.relu_() if self.relu else answer
        if self._packed is None:
            weight = self.weight.detach()
            self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
        after = ("leaky_relu", [_SLOPE]) if self.relu else ("none", [])
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self.bias, *after, "")
        return found

    def __getstate__(self) -> dict[str, object]:
        """What is copied and pickled: all but the packed weights, which have no storage."""
        return {**self.__dict__, "_packed": None}


def product(
    first: Float[Tensor, "rows inner"], second: Float[Tensor, "inner columns"]
) -> Float[Tensor, "rows columns"]:
    """The matrix product by oneDNN: for inference, often twice as fast as :func:`torch.mm`.

    By torch's own where gradients are on or a compiler looks on, for small factors, and for such as
    are not in float32 on the CPU. Factors may lie in memory as they like, transposed ones too.

    Args:
        first: (rows, inner).
        second: (inner, columns).

    Returns:
        (rows, columns).

    Example:
        >>> product(torch.ones(2, 3), torch.ones(3, 4)).unique()
        tensor([3.])
    """
    if torch.is_grad_enabled() or torch.compiler.is_compiling():
        return first @ second
    worthwhile = first.numel() * second.shape[1] >= _WORTHWHILE
    if not worthwhile or not all(map(_is_common, (first, second))) or not _has_onednn():
        return first @ second
    first, columns = _dense(first), _dense(second.T)
    answer: Tensor = torch.ops.mkldnn._linear_pointwise(first, columns, None, "none", [], "")
    return answer


def linear_in_rows(
    layer: nn.Linear, features: Float[Tensor, "batch inputs"]
) -> Float[Tensor, "outputs batch"]:
    """A linear layer's answer with a row in memory for each of its numbers, see :func:`product`.

    Args:
        layer: the layer.
        features: what it is given (batch, inputs).

    Returns:
        (outputs, batch).

    Example:
        >>> linear_in_rows(nn.Linear(8, 4), torch.ones(5, 8)).shape
        torch.Size([4, 5])
    """
    return product(layer.weight, features.T).add_(layer.bias[:, None])


@torch.no_grad()
def pack_linears(part: Part) -> Part:
    """Have a network's linear layers packed, in place; for inference alone.

    A ReLU that follows in a :class:`LinearBlock` or :class:`TemporalConvBlock` whose BatchNorm is
    folded is computed with the product.

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
                relu = isinstance(parent, FOLDABLE) and _goes_before_relu(parent)
                setattr(parent, name, PackedLinear(layer, relu=relu))
                if relu:
                    parent.activation = nn.Identity()
    return part


def _goes_before_relu(block: LinearBlock | TemporalConvBlock) -> bool:
    """Whether nothing but a ReLU, that nobody looks at, is done to what a block's layer gives."""
    known = type(block) in FOLDABLE  # a subclass may differ
    relu = type(block.activation) is nn.ReLU and not _is_hooked(block.activation)
    return known and type(block.norm) is nn.Identity and relu


def _is_plain(layer: nn.Linear) -> bool:
    """Whether a layer does no more than multiply and add, in float32 on the CPU."""
    own = isinstance(layer.weight, nn.Parameter)  # else computed anew at each call
    return own and not _is_hooked(layer) and _is_common(layer.weight)


def _is_hooked(module: nn.Module) -> bool:
    """Whether something is called before or after a module."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _is_common(factor: Tensor) -> bool:
    """Whether it is of the kind that the packed products take: float32 on the CPU."""
    return factor.device.type == "cpu" and factor.dtype == torch.float32


def _dense(factor: Tensor) -> Tensor:
    """The matrix without gaps in memory: oneDNN is a thousand times slower with some of those."""
    return factor if factor.is_contiguous() or factor.T.is_contiguous() else factor.contiguous()


def _has_onednn() -> bool:
    """Whether torch has oneDNN's products, on a processor for which they are the fastest."""
    vectors = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    return vectors and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
