"""How fast lifting could be at the most: its matrix products alone, against the machine's ceiling.

    OMP_NUM_THREADS=1 python benchmarks/inference_products.py --videopose3d CHECKOUT

The products that `Estimator.predict` computes are noted and computed again without anything else:
no activation, no rotation, no copy. In turns with them, in one process: VideoPose3D's model of nine
frames, and the product of large square matrices that is the ceiling of `inference.py`. Seconds are
those that the process computed, medians over the rounds; printed are operations a second, their
share of the ceiling, and against VideoPose3D's.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from inference_cases import CPU, SIDE, batch, counted, videopose3d
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from training_cases import seconds_of

from posenet3d.nn import PackedLinear

PRODUCTS = {"mm": 0, "addmm": 1, "bmm": 0, "baddbmm": 1, "_linear_pointwise": 0}
"""By the operation's name, where its two factors begin among the arguments."""


class Products(TorchDispatchMode):
    """Notes matrix products: the first of each size, and how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self.products: dict[tuple[torch.Size, ...], Callable[[], object]] = {}
        self.counts: Counter[tuple[torch.Size, ...]] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = function.overloadpacket.__name__
        if name in PRODUCTS:
            one, two = args[PRODUCTS[name] : PRODUCTS[name] + 2]
            size = one.shape, two.shape
            self.counts[size] += 1
            product = partial(torch.matmul, one.clone(), two.clone())
            if name == "_linear_pointwise":
                product = partial(function, one.clone(), two, *args[2:])
            self.products.setdefault(size, product)
        return function(*args, **(kwargs or {}))


def main() -> None:
    """Measure and print."""
    arguments = parse()
    torch.set_num_threads(1)
    square, packed = torch.randn(SIDE, SIDE), PackedLinear(nn.Linear(SIDE, SIDE))
    peer = {"network": "videopose3d-9", "videopose3d": arguments.videopose3d}
    runs: dict[str, Callable[[], object]] = {
        "ceiling": lambda: packed(square),
        "its product by torch.mm": lambda: torch.mm(square, square),
        "VideoPose3D": videopose3d(peer, 1000),
    }
    for network, frames in (("best-wild", 10_000), ("paper", 1000)):
        for part in ("teacher", "both"):
            lift = batch({"network": network, "part": part, "mesh": False}, frames)
            runs[f"{network}, {part}"] = lift
            runs[f"{network}, {part}: products alone"] = products_of(lift)
    rates = measured(runs, arguments.rounds)
    for name, rate in rates.items():
        share, against = rate / rates["ceiling"], rate / rates["VideoPose3D"]
        print(f"{name:36}{rate / 1e9:7.1f} GFLOP/s {share:6.2f} {against:6.2f}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videopose3d", type=Path, required=True, help="a checkout of VideoPose3D")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def products_of(run: Callable[[], object]) -> Callable[[], object]:
    """The matrix products of a run, size by size, on factors that are ready."""
    with torch.no_grad(), Products() as noted:
        run()
    return lambda: [
        noted.products[size]() for size, count in noted.counts.items() for _ in range(count)
    ]


@torch.no_grad()
def measured(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Operations a second of each run, measured in turns."""
    operations = {name: counted(run) for name, run in runs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(seconds_of(run, 1, CPU))
    return {name: operations[name] / statistics.median(seconds[name]) for name in runs}


if __name__ == "__main__":
    main()
