"""The networks together."""

import pytest
import torch

from models.geometry import ObjectNormalizer
from models.lifting import Conditioner, FlowTransformer, Guidance, LiftingModel, OccupancyVAE
from models.lifting.flow_matching.paths import draw_noise
from models.lifting.flow_matching.sampler import sample
from models.lifting.inputs.crops import make_views
from models.lifting.networks.pose_encoding import LAYOUT
from tests.support.lifting import SeenObject


def test_the_default_networks_fit_together() -> None:
    with torch.device("meta"):
        model = LiftingModel(vae=OccupancyVAE(), conditioner=Conditioner(), flow=FlowTransformer())
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert 0.5e6 < count["vae"] < 5e6
    assert 2e6 < count["flow"] < 8e6


def test_a_flow_for_another_vae_is_refused() -> None:
    with torch.device("meta"):
        vae = OccupancyVAE(resolution=16, channels=(4, 4, 8))
        with pytest.raises(ValueError, match="has 64 tokens of 8 channels and the flow expects 512"):
            LiftingModel(vae=vae, conditioner=Conditioner(), flow=FlowTransformer())


def test_saved_weights_bring_the_average_scene_and_the_standardisation_with_them(tiny: LiftingModel) -> None:
    assert {"mean_scale", "mean_shift", "vae.latent_mean", "vae.latent_std"} <= set(tiny.state_dict())


def test_fine_tuning_the_layout_leaves_shapes_bit_equal_through_the_whole_model(
    tiny: LiftingModel, seen: SeenObject
) -> None:
    """E6 of the spec: condition, sampling and decoding of the shape do not change, poses do."""
    points = ObjectNormalizer.fit(seen.points, seen.mask).apply(seen.points)
    views = make_views(seen.image[None].float() / 255, seen.mask[None], points[None], image_size=16, point_size=16)
    noise = draw_noise(tiny.flow.token_shapes, 1, generator=torch.Generator().manual_seed(0))

    def lifted() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        with torch.no_grad():
            latents = sample(tiny.flow, noise, tiny.conditioner(views), steps=4, guidance=Guidance(2.0))
            return latents, tiny.vae.decode_tokens(latents["shape"])

    before, grid = lifted()
    tiny.requires_grad_(False)
    tiny.flow.layout.requires_grad_(True)
    optimizer = torch.optim.AdamW([p for p in tiny.parameters() if p.requires_grad], 1e-2)
    for _ in range(3):
        velocity = tiny.flow(noise, torch.rand(1), torch.zeros(1), tiny.conditioner(views).tokens)
        loss = torch.stack([value.square().mean() for value in velocity.values()]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after, grid_after = lifted()
    assert torch.equal(after["shape"], before["shape"])
    assert torch.equal(grid_after, grid)
    assert not any(torch.allclose(after[key], before[key], atol=1e-3) for key in LAYOUT)
