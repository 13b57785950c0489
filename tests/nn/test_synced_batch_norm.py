"""BatchNorm over the rows of several processes is BatchNorm over all rows."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed, nn

from posenet3d.nn.synced_batch_norm import SyncedBatchNorm, synced_batch_norm


def rows() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 3 + 2 * torch.randn(12, 5, generator=generator, dtype=torch.float64)


def pushed(layer: nn.BatchNorm1d, x: Tensor) -> dict[str, Tensor]:
    """Two training passes, and the gradients of a loss that mixes the features of a row."""
    x = x.clone().requires_grad_()
    for _ in range(2):
        y = layer(x)
    (y.cos() * y.roll(1, -1)).sum().backward()
    assert x.grad is not None
    return {
        "y": y.detach(),
        "x.grad": x.grad,
        **{f"{name}.grad": each.grad for name, each in layer.named_parameters()},
        **dict(layer.named_buffers()),
    }


def on_a_rank(rank: int, folder: Path) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    torch.save(pushed(SyncedBatchNorm(5).double(), rows()[rank::2]), folder / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.skipif(not distributed.is_gloo_available(), reason="torch was built without gloo")
def test_two_processes_are_one(tmp_path: Path) -> None:
    whole = pushed(nn.BatchNorm1d(5).double(), rows())
    torch.multiprocessing.start_processes(on_a_rank, (tmp_path,), nprocs=2, start_method="fork")
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    for name in ("y", "x.grad"):
        for rank, found in enumerate(ranks):
            torch.testing.assert_close(found[name], whole[name][rank::2], rtol=1e-12, atol=1e-12)
    for name in ("weight.grad", "bias.grad"):
        total = ranks[0][name] + ranks[1][name]
        torch.testing.assert_close(total, whole[name], rtol=1e-12, atol=1e-12)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        for found in ranks:
            torch.testing.assert_close(found[name], whole[name], rtol=1e-12, atol=1e-12)


def test_alone_and_in_eval_mode_it_is_batch_norm() -> None:
    x = rows()
    one, other = SyncedBatchNorm(5).double(), nn.BatchNorm1d(5).double()
    assert torch.equal(one(x), other(x))
    assert torch.equal(one.eval()(x), other.eval()(x))


def test_a_network_keeps_its_tensors_and_gets_its_layers_back() -> None:
    network = nn.Sequential(nn.Linear(5, 5), nn.Sequential(nn.BatchNorm1d(5)))
    layer, names = network[1][0], list(network.state_dict())
    with synced_batch_norm(network):
        assert isinstance(network[1][0], SyncedBatchNorm)
        assert network[1][0].weight is layer.weight
        assert list(network.state_dict()) == names
        network(torch.randn(4, 5))
        network.eval()
    assert network[1][0] is layer
    assert layer.num_batches_tracked == 1
    assert not layer.training
