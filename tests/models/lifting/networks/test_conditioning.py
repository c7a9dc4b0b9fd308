"""The condition: six streams, what can be dropped, and what is missing."""

from pathlib import Path

import pytest
import torch
from transformers import Dinov2Config, Dinov2Model

from models.geometry import ObjectNormalizer, PointMap
from models.lifting import LiftingModel
from models.lifting.inputs.crops import ObjectViews, make_views
from models.lifting.networks.conditioning import Conditioner, draw_objects, pretrained_image_encoder
from models.lifting.networks.point_patches import PointPatchEmbed
from tests.support.lifting import SeenObject


def views_of(seen: SeenObject, points: bool = True) -> ObjectViews:
    canonical = ObjectNormalizer.fit(seen.points, seen.mask).apply(seen.points)[None] if points else None
    return make_views(seen.image[None].float() / 255, seen.mask[None], canonical, image_size=16, point_size=16)


def test_the_default_has_64_tokens_a_stream_and_six_streams() -> None:
    torch.manual_seed(0)
    conditioner = Conditioner()
    points = PointMap.from_xyz(torch.rand(1, 20, 20, 3), "canonical")
    with torch.no_grad():
        views = make_views(torch.rand(1, 3, 20, 20), torch.ones(1, 20, 20, dtype=torch.bool), points)
        condition = conditioner(views)
    assert condition.tokens.shape == (1, 6 * 64, 128)
    assert condition.point_tokens == 2 * 64


def test_crop_and_full_picture_are_told_apart_even_where_they_look_alike(tiny: LiftingModel, seen: SeenObject) -> None:
    views = views_of(seen)
    alike = ObjectViews(views.full, views.full)
    tokens = tiny.conditioner(alike).tokens
    crop, full = tokens[:, :4], tokens[:, 4:8]  # image streams
    group = tiny.conditioner.view
    torch.testing.assert_close(crop - full, (group[0] - group[1]).expand_as(crop), atol=1e-5, rtol=1e-4)


def test_an_object_without_points_has_its_point_tokens_dropped_and_its_neighbour_keeps_its_own(
    tiny: LiftingModel, seen: SeenObject
) -> None:
    with_points, without = views_of(seen), views_of(seen, points=False)
    condition = tiny.conditioner(ObjectViews.concatenate([with_points, without]))
    of_points = condition.tokens[:, -condition.point_tokens :]
    assert of_points[0].abs().sum(-1).all()
    assert not of_points[1].any()
    torch.testing.assert_close(condition.tokens[1], tiny.conditioner(with_points).without_points().tokens[0])


def test_dropping_keeps_the_number_of_tokens_and_only_the_marked_objects_lose_any(
    tiny: LiftingModel, seen: SeenObject
) -> None:
    condition = tiny.conditioner(ObjectViews.concatenate([views_of(seen)] * 2))
    second = torch.tensor([False, True])
    for dropped in (condition.without(second), condition.without_points(second)):
        assert dropped.tokens.shape == condition.tokens.shape
        assert torch.equal(dropped.tokens[0], condition.tokens[0])
    assert not condition.without(second).tokens[1].any()
    assert condition.without_points(second).tokens[1, : -condition.point_tokens].any()
    assert not condition.without().tokens.any()


def test_every_trainable_parameter_gets_a_gradient(tiny: LiftingModel, seen: SeenObject) -> None:
    tiny.conditioner(views_of(seen)).tokens.square().sum().backward()
    lacking = [name for name, p in tiny.conditioner.named_parameters() if p.requires_grad and p.grad is None]
    assert lacking == []


def test_the_share_of_dropped_objects_is_the_probability_and_the_seed_repeats_it() -> None:
    draws = [draw_objects(20_000, 0.1, torch.Generator().manual_seed(0)) for _ in range(2)]
    assert torch.equal(*draws)
    assert draws[0].float().mean().item() == pytest.approx(0.1, abs=0.01)  # five standard deviations


def test_a_dinov2_folder_serves_as_image_encoder_and_stays_frozen(tmp_path: Path, seen: SeenObject) -> None:
    torch.manual_seed(0)
    config = Dinov2Config(image_size=28, patch_size=14, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    stock = Dinov2Model(config).eval()
    stock.save_pretrained(tmp_path)
    encoder = pretrained_image_encoder(tmp_path).eval()
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    images = torch.rand(1, 3, 28, 28)
    with torch.no_grad():
        expected = stock(images).last_hidden_state[:, 1:]
        assert torch.equal(encoder(images).reshape(1, 4, 16), expected)
    conditioner = Conditioner(
        width=8,
        image_encoder=encoder,
        mask_encoder=pretrained_image_encoder(tmp_path, frozen=False),
        point_encoder=PointPatchEmbed(width=16, size=16),
    )
    views = make_views(seen.image[None].float() / 255, seen.mask[None], None, image_size=28, point_size=16)
    assert conditioner(views).tokens.shape == (1, 2 * 4 + 2 * 4 + 2 * 4, 8)


def test_a_missing_encoder_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no image encoder in"):
        pretrained_image_encoder(tmp_path / "nowhere")
