"""The second flow: its band, what it knows of each voxel, and the way back to a dense grid."""

import pytest
import torch

from models.geometry import voxel_centres
from models.lifting.networks.refinement import (
    SEEN,
    STATE,
    RefinementFlow,
    densify,
    find_band,
    interpolate_colours,
    refinement_loss,
    sample_refinement,
    with_colours,
)
from tests.support.lifting import SeenObject, shaken


def balls(side: int, *radii: float) -> torch.Tensor:
    """Signed distance to spheres of these radii, positive inside."""
    distance = voxel_centres(side, torch.zeros(1)).norm(dim=-1)
    return torch.stack([radius - distance for radius in radii])


def some_latent(count: int) -> torch.Tensor:
    return torch.randn(count, 8, 4, 4, 4, generator=torch.Generator().manual_seed(0))


def test_the_band_holds_every_fine_voxel_next_to_the_true_surface(seen: SeenObject) -> None:
    band = find_band(seen.inside(16)[None], some_latent(1))
    fine = seen.inside(32)
    on_band = torch.zeros(32, 32, 32, dtype=torch.bool)
    _, x, y, z = band.fine.coords.unbind(-1)
    on_band[x, y, z] = True
    for axis in range(3):  # a change of sign between neighbours is where marching cubes puts a vertex
        low, high = fine.narrow(axis, 0, 31) > 0, fine.narrow(axis, 1, 31) > 0
        covered = on_band.narrow(axis, 0, 31) & on_band.narrow(axis, 1, 31)
        assert covered[low != high].float().mean() > 0.9  # parts thinner than a coarse voxel are not in it
    assert on_band.float().mean() < 0.5


def test_evidence_is_the_field_the_latent_the_place_and_nothing_seen_until_looked_at() -> None:
    inside = balls(8, 0.3, 0.4)
    band = find_band(inside, some_latent(2))
    assert band.evidence.shape == (len(band.fine), 1 + 8 + 3 + SEEN)
    assert (band.evidence[:, 0].sign() == torch.sign(0.35 - band.fine.centres().norm(dim=-1))).float().mean() > 0.8
    torch.testing.assert_close(band.evidence[:, 9:12], band.fine.centres())
    assert not band.evidence[:, -SEEN:].any()
    seen = torch.arange(len(band.fine)) % 2 == 0
    shown = with_colours(band, torch.full((len(band.fine), 3), 0.5), seen).evidence[:, -SEEN:]
    assert shown[seen].unique(dim=0).tolist() == [[0.5, 0.5, 0.5, 1]]
    assert not shown[~seen].any()


def test_a_field_without_any_surface_is_refused() -> None:
    with pytest.raises(ValueError, match="no decoded field changes its sign"):
        find_band(torch.ones(1, 8, 8, 8), some_latent(1))


def test_untrained_velocities_are_zero_and_trained_ones_depend_on_time_condition_and_evidence() -> None:
    torch.manual_seed(0)
    model = RefinementFlow(width=8, depth=2, heads=2, context_width=6)
    band = find_band(balls(8, 0.3, 0.4), some_latent(2))
    state, context = torch.randn(len(band.fine), STATE), torch.randn(2, 5, 6)
    time = torch.tensor([0.2, 0.7])
    assert not model(state, time, band, context).any()
    shaken(model)
    before = model(state, time, band, context)
    seen = with_colours(band, torch.ones(len(band.fine), 3), torch.ones(len(band.fine), dtype=torch.bool))
    for other in ((state, time + 0.1, band, context), (state, time, band, -context), (state, time, seen, context)):
        assert not torch.allclose(model(*other), before, atol=1e-4)


def test_objects_of_other_sizes_are_refined_as_they_are_alone() -> None:
    torch.manual_seed(0)
    model = shaken(RefinementFlow(width=8, depth=2, heads=2, context_width=6))
    inside, latent = balls(8, 0.2, 0.4), some_latent(2)
    band = find_band(inside, latent)
    state, context, time = torch.randn(len(band.fine), STATE), torch.randn(2, 5, 6), torch.tensor([0.2, 0.7])
    together = model(state, time, band, context)
    for k in range(2):
        mine = band.fine.objects == k
        alone = model(state[mine], time[k : k + 1], find_band(inside[k : k + 1], latent[k : k + 1]), context[k : k + 1])
        torch.testing.assert_close(alone, together[mine], atol=1e-5, rtol=1e-4)


def test_every_parameter_gets_a_gradient() -> None:
    model = shaken(RefinementFlow(width=8, depth=2, heads=2, context_width=6))
    band = find_band(balls(8, 0.3), some_latent(1))
    model(torch.randn(len(band.fine), STATE), torch.rand(1), band, torch.randn(1, 5, 6)).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_euler_steps_follow_a_constant_velocity_exactly() -> None:
    model = RefinementFlow(width=8, depth=1, heads=2, context_width=6)
    torch.nn.init.ones_(model.out.bias)
    band = find_band(balls(8, 0.3), some_latent(1))
    noise = torch.randn(len(band.fine), STATE)
    found = sample_refinement(model, noise, band, torch.randn(1, 5, 6), steps=7)
    torch.testing.assert_close(found, noise + 1)


def test_refined_voxels_replace_the_coarse_field_on_the_band_and_keep_its_sign_beyond() -> None:
    inside = balls(8, 0.3, 0.4)
    band = find_band(inside, some_latent(2))
    centres, radius = band.fine.centres(), torch.tensor([0.3, 0.4])[band.fine.objects]
    distance = centres.norm(dim=-1) - radius
    colour = torch.tensor([1.0, -1.0, 0.0]).expand(len(centres), 3)
    field, paint = densify(torch.cat([distance[:, None], colour], -1), band, inside)
    truth = balls(16, 0.3, 0.4)
    assert torch.equal(field > 0, truth > 0)
    torch.testing.assert_close(band.fine.gather(field[:, None])[:, 0], -distance)
    assert paint[:, 3].sum().item() == len(band.fine)
    on_surface = 0.4 * torch.nn.functional.normalize(torch.randn(50, 3), dim=-1)
    found = interpolate_colours(paint[1], on_surface)
    torch.testing.assert_close(found, torch.tensor([1, 0, 0.5]).expand(50, 3))
    assert interpolate_colours(paint[1], torch.zeros(1, 3)).tolist() == [[0.5, 0.5, 0.5]]  # deep inside: nobody knows


def test_the_loss_of_unknown_colours_counts_nothing() -> None:
    target = torch.zeros(4, STATE)
    predicted = torch.tensor([1.0, 2.0, 2.0, 2.0]).expand(4, STATE).clone()
    known = torch.tensor([True, False, False, True])
    predicted[~known, 1:] = 1e3
    assert refinement_loss(predicted, target, known).item() == 1 + 4
    assert refinement_loss(predicted, target, torch.zeros(4, dtype=torch.bool)).item() == 1
