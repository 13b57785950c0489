"""The checks at the entry points say what was wrong and what to do."""

import numpy as np
import pytest
import torch

from posenet3d import geometry as geo
from posenet3d.errors import ShapeError
from posenet3d.geometry.shapes import at_least_float32, require_axes


def test_fixed_and_named_axes_pass_after_any_leading_axes() -> None:
    for shape in [(14, 3), (2, 14, 3), (0, 1, 14, 3)]:
        require_axes("points", torch.zeros(shape), "joints", 3)
    require_axes("angle", torch.zeros(()))


@pytest.mark.parametrize("shape", [(), (3,), (14, 2), (3, 14)])
def test_other_trailing_axes_are_refused_with_both_shapes(shape) -> None:
    with pytest.raises(ShapeError) as caught:
        require_axes("points", torch.zeros(shape), "joints", 3)
    assert caught.value.what == "points"
    assert caught.value.expected == "shape (..., joints, 3)"
    assert caught.value.got == f"shape {shape}"


def test_an_array_is_refused_with_advice() -> None:
    with pytest.raises(ShapeError, match=r"numpy.ndarray; wrap it in torch.as_tensor"):
        require_axes("points", np.zeros((14, 3)), "joints", 3)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_numbers_without_a_fraction_are_refused_with_advice(dtype) -> None:
    with pytest.raises(ShapeError, match=r"floating-point numbers, got torch\.\w+; call .float()"):
        require_axes("points", torch.zeros(14, 3, dtype=dtype), "joints", 3)


def test_half_precision_is_raised_and_nothing_else_is_touched() -> None:
    assert at_least_float32(torch.ones(2, dtype=torch.float16)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64):
        tensor = torch.ones(2, dtype=dtype)
        assert at_least_float32(tensor) is tensor


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # dynamo
@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (geo.rotvec_to_rotmat, (3,)),
        (geo.rotmat_to_rotvec, (3, 3)),
        (geo.gram_schmidt, (3, 3)),
        (geo.svd_orthonormalize, (3, 3)),
        (geo.project, (14, 3)),
    ],
)
def test_the_functions_trace_into_one_graph(function, shape, pytestconfig) -> None:
    """No data-dependent branch breaks ``torch.compile``."""
    if pytestconfig.getoption("--jaxtyping-packages", default=None):
        pytest.skip("torch.compile cannot trace the run-time shape checks")
    tensor = torch.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)
    compiled = torch.compile(function, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(tensor), function(tensor))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_geometry_on_a_gpu_agrees_with_that_on_the_processor() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(5, 3, 3, generator=generator, dtype=torch.float64)
    source, target = matrix @ matrix, matrix @ matrix.mT
    for function in (geo.gram_schmidt, geo.svd_orthonormalize):
        torch.testing.assert_close(function(matrix.cuda()).cpu(), function(matrix))
    rotvec = geo.rotmat_to_rotvec(geo.gram_schmidt(matrix.cuda()))
    torch.testing.assert_close(rotvec.cpu(), geo.rotmat_to_rotvec(geo.gram_schmidt(matrix)))
    found = geo.procrustes(source.cuda(), target.cuda()).apply(source.cuda())
    torch.testing.assert_close(found.cpu(), geo.procrustes(source, target).apply(source))
