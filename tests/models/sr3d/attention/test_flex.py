"""Packed attention by flex_attention: its block mask is the dense one, and it attends as shared_prefix does."""

import pytest
import torch
from torch import Tensor, nn

from models.sr3d import Sample, SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.attention.flex import PACKED_FLEX, packed_block_mask, packed_flex_attention
from models.sr3d.attention.packing import packed_attention_mask
from models.sr3d.attention.shared_prefix import Blocks, shared_prefix_attention
from models.sr3d.inputs.collate import PadSide
from tests.support.sr3d import TEXT, Build

SEGMENTS = torch.tensor([[0] * 70 + [1] * 40 + [2] * 50 + [-1] * 10, [-1] * 5 + [0] * 150 + [1] * 15])
GROUPED = {**TEXT, "num_attention_heads": 6, "num_key_value_heads": 2, "hidden_size": 48}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture
def gradients_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch run the mathematical definition of the gradient, which it has but does not offer on a CPU."""
    monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *_: None)


def test_the_block_mask_skips_no_pair_that_attends() -> None:
    dense = packed_attention_mask(SEGMENTS)
    blocks = packed_block_mask(SEGMENTS)
    assert blocks.shape == dense.shape
    padded = torch.zeros(2, 1, 256, 256, dtype=torch.bool)
    padded[..., :170, :170] = dense
    assert torch.equal(blocks.to_dense().bool(), padded.unflatten(2, (2, 128)).unflatten(4, (2, 128)).any(3).any(4))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.usefixtures("gradients_on_a_cpu")
def test_grouped_heads_attend_as_in_shared_prefix_forward_and_backward(device: str) -> None:
    segments = SEGMENTS.to(device)
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(2, heads, 170, 16, generator=generator).to(device) for heads in (6, 2, 2)]
    weights = torch.randn(2, 170, 6, 16, generator=generator).to(device) * (segments >= 0)[..., None, None]

    def run(shared: bool) -> tuple[Tensor, list[Tensor]]:
        query, key, value = leaves = [x.clone().requires_grad_() for x in inputs]
        if shared:
            found, _ = shared_prefix_attention(nn.Module(), query, key, value, None, blocks=Blocks.of(segments))
        else:
            found, _ = packed_flex_attention(nn.Module(), query, key, value, packed_block_mask(segments))
        return found * (segments >= 0)[..., None, None], list(torch.autograd.grad((found * weights).sum(), leaves))

    (expected, gradients), (found, others) = run(shared=True), run(shared=False)
    tolerance = {"atol": 1e-5, "rtol": 1e-5} if device == "cpu" else {"atol": 1e-2, "rtol": 1e-2}  # TensorFloat-32
    torch.testing.assert_close(found, expected, **tolerance)
    for other, gradient in zip(others, gradients, strict=True):
        torch.testing.assert_close(other, gradient, **tolerance)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.usefixtures("gradients_on_a_cpu")
def test_a_model_of_grouped_heads_packs_and_learns_as_with_sdpa(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], side: PadSide
) -> None:
    model: SR3DForConditionalGeneration = build_model(text_config=GROUPED)
    batch = processor.collate(samples, pad_side=side)
    results = []
    for name in ("sdpa", PACKED_FLEX):
        model.set_attn_implementation({"text_config": name})
        model.zero_grad()
        output = model(**batch)
        output.loss.backward()
        results.append(
            (output.logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad})
        )
    (expected, gradients), (logits, others) = results
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)  # order of summation
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, atol=1e-5, rtol=1e-3, msg=name)  # as above, summed


@pytest.mark.gpu  # transformers compiles its masks, which takes minutes on a CPU
def test_it_generates_like_sdpa(build_model: Build, processor: SR3DProcessor, samples: list[Sample]) -> None:
    model: SR3DForConditionalGeneration = build_model(text_config=GROUPED)
    batch = processor.collate([s.select([0]) for s in samples], packed=False)
    batch.pop("labels")
    answers = []
    for name in ("sdpa", PACKED_FLEX):
        model.set_attn_implementation({"text_config": name})
        answers.append(model.generate(**batch, max_new_tokens=4, do_sample=False))
    assert torch.equal(*answers)


def test_training_on_a_cpu_is_refused_with_what_to_do(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    model: SR3DForConditionalGeneration = build_model(text_config=GROUPED)
    model.set_attn_implementation({"text_config": PACKED_FLEX})
    with pytest.raises(ValueError, match="cannot train on cpu: use a GPU, or 'sdpa'"):
        model(**processor.collate(samples))


def test_dropout_is_refused() -> None:
    tensor = torch.zeros(2, 1, 170, 16)
    with pytest.raises(ValueError, match="flex_attention has no dropout"):
        packed_flex_attention(nn.Module(), tensor, tensor, tensor, packed_block_mask(SEGMENTS), dropout=0.1)
