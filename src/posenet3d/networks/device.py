"""The device that a network runs on."""

import torch

from posenet3d.errors import PoseNet3DError


def choose_device(name: str | torch.device) -> torch.device:
    """The device called ``name``; ``"auto"`` is CUDA where there is a device, else the CPU.

    Raises:
        PoseNet3DError: if there is no such device here.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise PoseNet3DError(
            f"Expected a device of this machine ('auto', 'cpu' or 'cuda'), got {str(name)!r} "
            f"({str(error).splitlines()[0]}); choose another with --device."
        ) from error
    return device
