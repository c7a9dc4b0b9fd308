"""The device that a person names on the command line."""

from __future__ import annotations

import torch


def torch_device(name: str | None) -> torch.device:
    """Find the device of a name; none takes the graphics card where there is one."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"--device '{name}' is none: give cpu or cuda") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"--device {name}: {torch.cuda.device_count()} graphics cards are here; give --device cpu")
    return device
