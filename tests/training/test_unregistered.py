import torch
from torch import nn

from training.unregistered import Unregistered


class Holder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Linear(2, 2)
        self.teacher = Unregistered(nn.Linear(2, 2))


def test_a_module_that_is_held_is_neither_trained_nor_saved_nor_moved() -> None:
    holder = Holder().to(torch.float64)
    assert {name for name, _ in holder.named_parameters()} == {"own.weight", "own.bias"} == set(holder.state_dict())
    assert holder.own.weight.dtype == torch.float64
    assert holder.teacher.module.weight.dtype == torch.float32
    holder.eval()
    assert holder.teacher.module.training
