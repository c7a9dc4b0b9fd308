"""Teachers: frozen, differentiable in the latents, named by their weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from distill.signals import true_signals
from distill.teachers import Expert4D, Oracle, Teacher, load_expert
from scenes.clip import Clip
from tests.support.distillation import FRAMES, SIZE, build_expert


def test_the_expert_gives_what_its_spec_says(expert: Expert4D, clips: list[Clip]) -> None:
    assert isinstance(expert, Teacher)
    targets = expert.targets(clips[0])
    assert targets.latents is not None
    assert tuple(targets.latents.shape) == expert.spec.latent == (4, 2, 4, 4, 16)
    shapes = {name: tuple(value.shape) for name, value in targets.signals.values.items()}
    assert shapes == {
        "depth": (FRAMES, 1, SIZE, SIZE),
        "flow": (FRAMES, 2, SIZE, SIZE),
        "motion": (FRAMES, 1, SIZE, SIZE),
        "rays": (FRAMES, 6, 4, 4),
    }


def test_decoding_is_differentiable_in_the_latents_and_leaves_the_teacher_without_gradients(expert: Expert4D) -> None:
    assert expert.spec.latent is not None
    latents = torch.randn(1, *expert.spec.latent, requires_grad=True)
    torch.stack([value.square().sum() for value in expert.decode(latents).values()]).sum().backward()
    assert latents.grad is not None
    assert float(latents.grad.abs().sum()) > 0
    assert all(p.grad is None for p in expert.parameters())


def test_latents_carry_no_gradient_to_the_encoder(expert: Expert4D, clips: list[Clip]) -> None:
    assert not expert.encode(clips[0].video[None]).requires_grad


def test_an_expert_is_saved_and_loaded_with_the_same_digest_and_another_one_differs(tmp_path: Path) -> None:
    expert = build_expert()
    expert.save_pretrained(tmp_path / "expert")
    loaded = load_expert(tmp_path / "expert")
    assert loaded.digest == expert.digest != build_expert(seed=1).digest
    assert not any(p.requires_grad for p in loaded.parameters())
    video = torch.randint(0, 256, (1, FRAMES, 3, SIZE, SIZE), dtype=torch.uint8)
    assert torch.equal(loaded.encode(video), expert.encode(video))


def test_a_clip_of_another_size_is_resized_and_one_of_another_length_refused(
    expert: Expert4D, clips: list[Clip]
) -> None:
    video = clips[0].video.repeat_interleave(2, -1).repeat_interleave(2, -2)
    large = Clip(video, clips[0].seconds)
    small = expert.targets(clips[0]).signals.values["depth"]
    torch.testing.assert_close(expert.targets(large).signals.values["depth"], small, atol=0.05, rtol=0)  # rounding
    with pytest.raises(ValueError, match="takes"):
        expert.targets(clips[0].frames([0, 1]))


def test_an_expert_with_missing_weights_is_refused(tmp_path: Path) -> None:
    build_expert().save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["heads.flow.last.0.bias"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"1 keys differ, such as heads\.flow\.last\.0\.bias"):
        load_expert(tmp_path)


def test_a_folder_without_an_expert_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="experiment=expert4d/tiny"):
        load_expert(tmp_path)


def test_the_oracle_gives_the_truth_and_nothing_else(clips: list[Clip]) -> None:
    oracle = Oracle(FRAMES, SIZE, grid=4)
    assert isinstance(oracle, Teacher)
    targets = oracle.targets(clips[1])
    assert targets.latents is None
    for name, value in true_signals(clips[1], (4, 4)).values.items():
        assert torch.equal(targets.signals.values[name], value)
    with pytest.raises(ValueError, match="no latents"):
        oracle.encode(clips[1].video[None])
    with pytest.raises(ValueError, match="expects"):
        oracle.targets(clips[1].frames([0, 1]))
