import pytest
import torch

from distill.student.losses import PRESETS, explicit_losses, latent_loss


def test_presets_give_the_effective_weights_of_paper_and_code() -> None:
    paper, released = PRESETS["paper"], PRESETS["released"]
    alpha, beta, lambdas = 0.5, 0.1, {"depth": 1.0, "flow": 0.1, "motion": 0.05, "rays": 0.05}
    assert paper.latent == alpha
    assert paper.signals == pytest.approx({name: beta * value for name, value in lambdas.items()})
    assert released.latent == 0.01
    assert released.signals == {"depth": 0.1, "flow": 0.001, "motion": 0.01, "rays": 0.00001}


def test_equal_inputs_lose_nothing_and_a_step_of_two_loses_one_and_a_half() -> None:
    latents = torch.randn(1, 2, 2, 3, 3, 4)
    assert latent_loss(latents, latents) == 0
    assert latent_loss(latents + 2, latents) == pytest.approx(1.5)  # smooth L1 with beta 1: |x| - 1/2
    maps = {"depth": torch.randn(1, 2, 1, 4, 4)}
    assert explicit_losses(maps, maps)["depth"] == 0


def test_invalid_values_take_no_part_even_if_infinite() -> None:
    truth = {"depth": torch.zeros(1, 2, 1, 4, 4)}
    valid = {"depth": torch.ones(1, 2, 1, 4, 4, dtype=torch.bool)}
    truth["depth"][0, 0], valid["depth"][0, 0] = -torch.inf, False
    student = torch.full((1, 2, 1, 4, 4), 0.5, requires_grad=True)
    loss = explicit_losses({"depth": student}, truth, valid)["depth"]
    loss.backward()
    assert loss.item() == pytest.approx(0.125)
    assert student.grad is not None
    assert bool(student.grad.isfinite().all())


def test_a_signal_that_the_student_lacks_is_named() -> None:
    with pytest.raises(ValueError, match="no flow"):
        explicit_losses({}, {"flow": torch.zeros(1, 2, 2, 4, 4)})


def test_a_strength_multiplies_every_weight() -> None:
    paper, strong = PRESETS["paper"], PRESETS["paper"].times(20)
    assert strong.latent == 20 * paper.latent
    assert strong.signals == {name: 20 * weight for name, weight in paper.signals.items()}
