"""VideoPose3D's published training step, from a checkout of its repository.

Nothing of it is kept here: its `common/` is imported from the folder that is named. Model, loss,
optimiser, batch generator with flips and the order of the calls are those of its `run.py` for
supervised training with `--architecture 3,3` (nine frames) and 1024 channels. The data are random:
17 joints, in sequences of as many frames as the library's.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

JOINTS, CHANNELS, WIDTHS = 17, 1024, [3, 3]
LEFT, RIGHT = [4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]


def train(
    folder: Path, lengths: list[int], batch_size: int, device: torch.device, seed: int
) -> Iterator[float]:
    """Train epoch after epoch, as `run.py` does; each step's loss, as a number.

    Args:
        folder: the checkout.
        lengths: frames of each sequence.
        batch_size: windows a step.
        device: where it trains.
        seed: of the data.
    """
    sys.path.insert(0, str(folder))
    from common.generators import ChunkedGenerator
    from common.loss import mpjpe
    from common.model import TemporalModelOptimized1f

    random = np.random.default_rng(seed)
    poses_2d = [random.normal(size=(n, JOINTS, 2)).astype("float32") for n in lengths]
    poses_3d = [random.normal(size=(n, JOINTS, 3)).astype("float32") for n in lengths]
    model = TemporalModelOptimized1f(JOINTS, 2, JOINTS, filter_widths=WIDTHS, channels=CHANNELS)
    model = model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, amsgrad=True)
    generator = ChunkedGenerator(
        batch_size, None, poses_3d, poses_2d, 1, pad=(model.receptive_field() - 1) // 2,
        shuffle=True, augment=True, kps_left=LEFT, kps_right=RIGHT, joints_left=LEFT,
        joints_right=RIGHT,
    )  # fmt: skip
    model.train()
    while True:
        for _, batch_3d, batch_2d in generator.next_epoch():
            if len(batch_2d) < batch_size:
                continue
            inputs_3d = torch.from_numpy(batch_3d.astype("float32")).to(device)
            inputs_2d = torch.from_numpy(batch_2d.astype("float32")).to(device)
            inputs_3d[:, :, 0] = 0
            optimizer.zero_grad()
            loss = mpjpe(model(inputs_2d), inputs_3d)
            number = loss.item()
            loss.backward()
            optimizer.step()
            yield number
