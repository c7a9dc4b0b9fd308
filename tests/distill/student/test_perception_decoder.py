import pytest
import torch

from distill.student.perception_decoder import Form, PerceptionDecoder


@pytest.mark.parametrize("side", [9, 11, 14])
@pytest.mark.parametrize("form", ["linear", "mlp3"])
def test_sixteen_frames_of_any_grid_become_the_teachers_latents(side: int, form: Form) -> None:
    decoder = PerceptionDecoder(12, (4, 8, 16, 16, 10), form, hidden=20)
    assert decoder(torch.randn(2, 16, side, side, 12)).shape == (2, 4, 8, 16, 16, 10)


def test_the_first_frame_of_every_tubelet_is_taken() -> None:
    decoder = PerceptionDecoder(3, (1, 2, 2, 2, 5))
    hidden = torch.randn(1, 4, 2, 2, 3)
    before = decoder(hidden)
    hidden[:, [1, 3]] += 1
    assert torch.equal(decoder(hidden), before)
    hidden[:, 2] += 1
    assert (decoder(hidden) != before).flatten(3).any(-1)[0, 0].tolist() == [False, True]


def test_every_hook_has_its_own_linear_map() -> None:
    decoder = PerceptionDecoder(3, (2, 1, 1, 1, 4))
    weight = decoder.layers[0].weight
    hidden = torch.randn(1, 1, 1, 1, 3)
    out = decoder(hidden)[0, :, 0, 0, 0]
    torch.testing.assert_close(out, torch.stack([hidden[0, 0, 0, 0] @ w.T for w in weight.chunk(2)]))


def test_frames_that_do_not_fill_the_slots_are_refused() -> None:
    with pytest.raises(ValueError, match="5 frames do not fill the teacher's 2 slots"):
        PerceptionDecoder(3, (1, 2, 2, 2, 4))(torch.randn(1, 5, 2, 2, 3))
