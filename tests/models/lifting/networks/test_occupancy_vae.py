"""The VAE of shapes: sizes, losses, standardised tokens, and that it can learn."""

import math

import pytest
import torch

from models.geometry import voxel_centres
from models.lifting.networks.grid import TRUNCATION, truncated_distance
from models.lifting.networks.occupancy_vae import OccupancyVAE, dice_loss, kl_divergence, reconstruction_loss


def balls_and_boxes(side: int, count: int) -> torch.Tensor:
    """Draw (count, occupancy and distance, side, side, side) grids of balls and boxes of random size."""
    generator = torch.Generator().manual_seed(0)
    centres = voxel_centres(side, torch.zeros(1))
    grids = []
    for k in range(count):
        size = 0.15 + 0.25 * torch.rand(3, generator=generator)
        ball = centres.norm(dim=-1) - size[0]
        outside = centres.abs() - size
        box = outside.clamp_min(0).norm(dim=-1) + outside.amax(-1).clamp_max(0)
        distance = ball if k % 2 else box
        grids.append(torch.stack([(distance < 0).float(), truncated_distance(distance)]))
    return torch.stack(grids)


def test_the_default_takes_32_cubed_to_8_cubed_by_8_and_back() -> None:
    with torch.device("meta"):
        vae = OccupancyVAE()
        decoded, mean, log_variance = vae(torch.zeros(2, 2, 32, 32, 32))
    assert mean.shape == log_variance.shape == (2, 8, 8, 8, 8)
    assert decoded.shape == (2, 2, 32, 32, 32)


def test_the_published_size_takes_64_cubed_to_16_cubed_by_8_and_back() -> None:
    with torch.device("meta"):
        vae = OccupancyVAE(resolution=64, channels=(32, 128, 512), fields=("occupancy",))
        decoded, mean, _ = vae(torch.zeros(1, 1, 64, 64, 64))
        tokens = vae.encode_tokens(torch.zeros(1, 1, 64, 64, 64))
    assert mean.shape == (1, 8, 16, 16, 16)
    assert decoded.shape == (1, 1, 64, 64, 64)
    assert tokens.shape == (1, 4096, 8)


def test_patches_of_two_give_a_16_cubed_latent_512_tokens() -> None:
    with torch.device("meta"):
        vae = OccupancyVAE(resolution=64, channels=(8, 8, 8), patch=2)
        tokens = vae.encode_tokens(torch.zeros(1, 2, 64, 64, 64))
    assert tokens.shape == (1, vae.tokens, vae.token_channels) == (1, 512, 64)


def test_the_surface_is_read_from_the_distance_where_there_is_one_and_else_from_the_logits() -> None:
    decoded = torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    both = OccupancyVAE(resolution=8, channels=(4, 4))
    assert torch.equal(both.inside(decoded), -decoded[:, 1])
    logits = OccupancyVAE(resolution=8, channels=(4, 4), fields=("occupancy",))
    assert torch.equal(logits.inside(decoded[:, :1]), decoded[:, 0])


def test_dice_is_zero_for_certain_truth_and_near_one_for_its_opposite() -> None:
    truth = torch.zeros(1, 4, 4, 4)
    truth[:, :2] = 1
    certain = 100 * (2 * truth - 1)
    assert dice_loss(certain, truth).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(-certain, truth).item() == pytest.approx(1 - 1 / 65)  # the 1 that keeps empty grids finite


def test_the_divergence_from_a_unit_normal_is_that_of_the_textbook() -> None:
    mean, variance = torch.full((1, 2, 1, 1, 1), 3.0), torch.full((1, 2, 1, 1, 1), 0.25)
    assert kl_divergence(mean, variance.log()).item() == pytest.approx((9 + 0.25 - math.log(0.25) - 1) / 2)
    assert kl_divergence(torch.zeros_like(mean), torch.zeros_like(mean)).item() == 0


def test_the_reconstruction_loss_of_the_truth_is_zero_and_of_a_wrong_distance_its_mean_error() -> None:
    grids = balls_and_boxes(8, 2)
    perfect = torch.stack([1000 * (2 * grids[:, 0] - 1), grids[:, 1]], 1)
    assert reconstruction_loss(perfect, grids, ("occupancy", "distance")).item() == pytest.approx(0, abs=1e-6)
    shifted = perfect.clone()
    shifted[:, 1] += 0.25
    assert reconstruction_loss(shifted, grids, ("occupancy", "distance")).item() == pytest.approx(0.25)


def test_standardised_tokens_have_unit_variance_and_decode_to_the_same_grid() -> None:
    torch.manual_seed(0)
    vae = OccupancyVAE(resolution=16, channels=(4, 4, 8), blocks=1)
    grids = balls_and_boxes(16, 6)
    with torch.no_grad():
        mean, _ = vae.encode(grids)
        before = vae.decode_tokens(vae.encode_tokens(grids))
        assert torch.equal(before, vae.decode(mean))
        vae.standardise(mean)
        tokens = vae.encode_tokens(grids)
        after = vae.decode_tokens(tokens)
    torch.testing.assert_close(tokens.std((0, 1)), torch.ones(8))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)  # float32 division and multiplication


def test_the_noise_of_a_seed_gives_the_same_draw() -> None:
    torch.manual_seed(0)
    vae = OccupancyVAE(resolution=8, channels=(4, 4))
    grids = balls_and_boxes(8, 2)
    a, b, c = (vae(grids, torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_grids_of_another_size_and_unknown_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="takes grids of occupancy, distance at 16"):
        OccupancyVAE(resolution=16, channels=(4, 4)).encode(torch.zeros(1, 2, 8, 8, 8))
    with pytest.raises(ValueError, match="each once"):
        OccupancyVAE(fields=("distance", "distance"))
    with pytest.raises(ValueError, match="power of two"):
        OccupancyVAE(resolution=30)


@pytest.mark.long
def test_a_tiny_vae_learns_a_few_shapes_by_heart() -> None:
    """The smoke test of the spec: 16^3 to 4^3, some 15 s of one core; beats the mean shape by far."""
    torch.manual_seed(0)
    grids = balls_and_boxes(16, 4)
    vae = OccupancyVAE(resolution=16, channels=(8, 16, 32), blocks=1)
    optimizer = torch.optim.AdamW(vae.parameters(), 4e-3, weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=121)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(120):
        decoded, mean, log_variance = vae(grids, generator)
        loss = reconstruction_loss(decoded, grids, vae.fields) + 1e-3 * kl_divergence(mean, log_variance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with torch.no_grad():
        logits, distance = vae.decode_tokens(vae.encode_tokens(grids)).unbind(1)
    truth = grids[:, 0] > 0

    def iou(solid: torch.Tensor) -> float:
        return float(((solid & truth).sum((1, 2, 3)) / (solid | truth).sum((1, 2, 3))).mean())

    mean_shape = (grids[:, 0].mean(0) > 0.5).expand_as(truth)
    assert losses[-1] < 0.1 * losses[0]
    assert iou(logits > 0) > 0.9
    assert iou(distance < 0) > iou(mean_shape) + 0.15
    near = grids[:, 1].abs() < 0.5
    assert TRUNCATION * (distance - grids[:, 1])[near].abs().mean() < 0.3  # voxels
