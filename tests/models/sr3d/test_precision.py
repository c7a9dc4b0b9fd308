"""Lower precision: bfloat16 weights and autocast run, and stay close to float32."""

import pytest
import torch

from models.sr3d import Sample, SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.attention.flex import PACKED_FLEX
from models.sr3d.attention.shared_prefix import SHARED_PREFIX
from tests.support.sr3d import Build

TOLERANCE = 0.05  # relative; bfloat16 has 8 bits, and a dozen layers add up


def test_bfloat16_weights_and_autocast_give_nearly_the_loss_of_float32(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    model: SR3DForConditionalGeneration = build_model(timestamp_encoding="before_projector")
    batch = processor.collate(samples)
    with torch.no_grad():
        exact = model(**batch).loss
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = model(**batch).loss
        half = model.to(torch.bfloat16)(**batch).loss
    torch.testing.assert_close(mixed, exact, rtol=TOLERANCE, atol=0, check_dtype=False)
    torch.testing.assert_close(half, exact, rtol=TOLERANCE, atol=0, check_dtype=False)


@pytest.mark.parametrize("attention", ["sdpa", SHARED_PREFIX])
def test_autocast_trains_every_parameter_that_float32_trains(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], attention: str
) -> None:
    model: SR3DForConditionalGeneration = build_model()
    model.set_attn_implementation({"text_config": attention})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(**processor.collate(samples)).loss
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert model.region_extractor.projector[0].weight.grad is not None


@pytest.mark.gpu
@pytest.mark.parametrize("attention", ["sdpa", SHARED_PREFIX, PACKED_FLEX])
def test_autocast_on_a_gpu_gives_nearly_the_loss_of_float32_and_trains(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], attention: str
) -> None:
    model: SR3DForConditionalGeneration = build_model(timestamp_encoding="before_projector")
    model.set_attn_implementation({"text_config": attention})
    batch = processor.collate(samples)
    with torch.no_grad():
        exact = model(**batch).loss
    model.to("cuda")
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = model(**batch.to("cuda")).loss
    loss.backward()
    torch.testing.assert_close(loss.cpu(), exact, rtol=TOLERANCE, atol=0, check_dtype=False)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
