"""The mixture of transformers: shape never learns of the layout, in neither direction of the computation."""

import pytest
import torch

from models.lifting import FlowTransformer
from models.lifting.flow_matching.paths import draw_noise
from models.lifting.networks.flow_transformer import sincos_3d
from models.lifting.networks.pose_encoding import LAYOUT
from tests.support.lifting import shaken

Inputs = tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture(params=[None, 16], ids=["equal streams", "narrow layout"])
def flow(request: pytest.FixtureRequest) -> FlowTransformer:
    torch.manual_seed(0)
    sizes = {"side": 4, "width": 24, "depth": 3, "heads": 2, "context_width": 10}
    model = shaken(FlowTransformer(**sizes, layout_width=request.param))
    assert isinstance(model, FlowTransformer)
    return model


@pytest.fixture
def inputs(flow: FlowTransformer) -> Inputs:
    generator = torch.Generator().manual_seed(0)
    latents = draw_noise(flow.token_shapes, 3, generator=generator)
    return latents, torch.tensor([0.1, 0.5, 0.9]), torch.zeros(3), torch.randn(3, 7, 10, generator=generator)


def test_untrained_velocities_are_zero_and_have_the_shape_of_their_latents() -> None:
    model = FlowTransformer(side=4, width=24, depth=1, heads=2, context_width=10)
    latents = draw_noise(model.token_shapes, 2, generator=torch.Generator().manual_seed(0))
    found = model(latents, torch.rand(2), torch.zeros(2), torch.randn(2, 5, 10))
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in latents.items()}
    assert not any(value.any() for value in found.values())


def test_the_default_has_512_shape_tokens_and_three_layout_tokens() -> None:
    shapes = FlowTransformer(depth=1).token_shapes
    assert shapes == {"shape": (512, 8), "rotation": (1, 6), "translation": (1, 3), "scale": (1, 3)}


def test_the_shape_does_not_change_by_a_bit_with_the_layout(flow: FlowTransformer, inputs: Inputs) -> None:
    latents, *rest = inputs
    before = flow(latents, *rest)
    after = flow({key: value if key == "shape" else value + 10 for key, value in latents.items()}, *rest)
    assert torch.equal(after["shape"], before["shape"])
    assert not any(torch.allclose(after[key], before[key], atol=1e-3) for key in LAYOUT)


def test_the_layout_changes_with_the_shape(flow: FlowTransformer, inputs: Inputs) -> None:
    latents, *rest = inputs
    before, after = flow(latents, *rest), flow(latents | {"shape": latents["shape"] + 1}, *rest)
    assert not any(torch.allclose(after[key], before[key], atol=1e-4) for key in LAYOUT)


def test_no_gradient_of_the_layout_reaches_the_shape_stream_or_its_input(flow: FlowTransformer, inputs: Inputs) -> None:
    latents, time, step, context = inputs
    latents["shape"].requires_grad_()
    found = flow(latents, time, step, context)
    torch.stack([found[key].square().sum() for key in LAYOUT]).sum().backward()
    assert latents["shape"].grad is None
    assert all(parameter.grad is None for parameter in flow.shape.parameters())
    assert all(parameter.grad is not None for parameter in flow.layout.parameters())


def test_the_shape_loss_gives_no_gradient_to_the_layout_stream(flow: FlowTransformer, inputs: Inputs) -> None:
    flow(*inputs)["shape"].square().sum().backward()
    assert all(parameter.grad is None for parameter in flow.layout.parameters())
    assert all(parameter.grad is not None for parameter in flow.shape.parameters())


def test_each_object_of_a_batch_is_computed_for_itself(flow: FlowTransformer, inputs: Inputs) -> None:
    latents, *rest = inputs
    batch = flow(latents, *rest)
    alone = flow({key: value[1:2] for key, value in latents.items()}, *(x[1:2] for x in rest))
    for key, value in alone.items():
        torch.testing.assert_close(value, batch[key][1:2], atol=1e-5, rtol=1e-5)  # other sizes, other order of sums


def test_time_step_and_condition_all_matter(flow: FlowTransformer, inputs: Inputs) -> None:
    latents, time, step, context = inputs
    before = flow(latents, time, step, context)
    others = (
        (latents, time + 0.05, step, context),
        (latents, time, step + 0.25, context),
        (latents, time, step, -context),
    )
    for other in others:
        found = flow(*other)
        assert not any(torch.allclose(found[key], before[key], atol=1e-4) for key in before)


def test_places_on_the_grid_are_all_different_and_follow_the_order_of_tokens() -> None:
    place = sincos_3d(4, 26)
    assert place.shape == (64, 26)
    assert torch.unique(place, dim=0).shape[0] == 64
    x, y, z = place[16] != place[0], place[4] != place[0], place[1] != place[0]
    assert [int(axis.nonzero()[0]) // 8 for axis in (x, y, z)] == [0, 1, 2]


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="not a multiple of 5 heads"):
        FlowTransformer(width=24, heads=5)
