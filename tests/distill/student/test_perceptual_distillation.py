"""Distillation: gradients reach the student through frozen heads, and the exported student is a plain SR-3D."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from distill.data import TaughtSamples
from distill.export import export_student
from distill.signals import Signals
from distill.student import PerceptualDistillation
from distill.student.states import Layer, Tokens, visual_states
from distill.teachers import Expert4D, Oracle, TargetBatch, Targets
from models.sr3d import Sample, SR3DForConditionalGeneration, token_map
from scenes.clip import Clip
from scenes.worlds import WorldConfig, make_world, render
from tests.support.distillation import FRAMES, SIZE, build_student
from training.sr3d.questions import RegionQuestions

CATEGORIES = ("nearer_camera", "distance", "colour")


def module_with(teacher: Any, **options: Any) -> PerceptualDistillation:
    model, processor = build_student(position_encoding=False)
    module = PerceptualDistillation(
        teacher=teacher, model=model, processor=processor, learning_rate=1e-3, log_grad_norms_every=0, **options
    )
    module.log = module.log_dict = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]
    return module


@pytest.fixture(scope="module")
def samples(clips: list[Clip]) -> list[Sample]:
    _, processor = build_student()
    questions = RegionQuestions(clips, processor, categories=CATEGORIES, per_clip=3, seed=0)
    return [questions[i] for i in range(3)]


@pytest.fixture(scope="module")
def batch(samples: list[Sample], expert: Expert4D, clips: list[Clip]) -> dict[str, Any]:
    _, processor = build_student()
    return {
        **processor.collate(samples),
        "targets": TargetBatch.stack([expert.targets(clip) for clip in clips[:3]]),
    }


def test_gradients_reach_the_language_model_through_the_frozen_heads(expert: Expert4D, batch: dict[str, Any]) -> None:
    module = module_with(expert, latent=False)
    hidden = module.model(
        **{k: v for k, v in batch.items() if k != "targets"}, output_hidden_states=True
    ).hidden_states[-1]
    losses = module.distillation_losses(hidden, batch["input_ids"], batch["targets"])
    assert set(losses) == {"depth", "flow", "motion", "rays"}
    torch.stack(list(losses.values())).sum().backward()
    grad = module.model.language_model.model.layers[0].mlp.up_proj.weight.grad
    assert grad is not None
    assert float(grad.abs().sum()) > 0
    assert all(p.grad is None and not p.requires_grad for p in expert.parameters())


def test_the_total_is_the_weighted_sum_of_what_is_chosen(expert: Expert4D, batch: dict[str, Any]) -> None:
    def total(**options: Any) -> Tensor:
        return module_with(expert, **options).training_step(batch, 0).detach()

    plain = total(latent=False, explicit=False)
    latent, explicit, both = total(explicit=False) - plain, total(latent=False) - plain, total() - plain
    assert latent > 0
    assert explicit > 0
    torch.testing.assert_close(both, latent + explicit, atol=1e-5, rtol=1e-4)
    assert total(preset="released", explicit=False) - plain == pytest.approx(float(latent) * 0.01 / 0.5, rel=1e-3)


def test_arms_of_one_seed_start_with_the_same_decoder(expert: Expert4D) -> None:
    weights = []
    for position_encoding in (False, True):
        model, processor = build_student(position_encoding=position_encoding)
        module = PerceptualDistillation(teacher=expert, model=model, processor=processor, learning_rate=1e-3)
        assert module.perception is not None
        weights.append(module.perception.state_dict())
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_a_batch_without_targets_is_refused(expert: Expert4D, batch: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs targets"):
        module_with(expert).training_step({k: v for k, v in batch.items() if k != "targets"}, 0)


@pytest.mark.parametrize("max_tiles", [1, 4])
def test_a_batch_of_images_has_nothing_to_distil(max_tiles: int, expert: Expert4D) -> None:
    module, plain = module_with(expert), module_with(None, latent=False, explicit=False)
    module.processor.max_tiles = max_tiles
    images = render([make_world(seed, WorldConfig(SIZE, 2 * SIZE, frames=1)) for seed in range(2)], "cpu", ())
    questions = RegionQuestions(images, module.processor, categories=("colour",), per_clip=2, seed=0)
    batch = module.processor.collate([questions[0], questions[1]])
    assert len(batch["pixel_values"]) == (2 if max_tiles == 1 else 6)  # two tiles and a thumbnail each
    assert torch.equal(module.training_step(batch, 0), plain.training_step(batch, 0))


def test_clips_of_different_lengths_are_refused(expert: Expert4D, clips: list[Clip]) -> None:
    module = module_with(expert)
    mixed = [clips[0], clips[1].frames([0, 1])]
    questions = RegionQuestions(mixed, module.processor, categories=("colour",), per_clip=2, seed=0)
    batch = module.processor.collate([questions[0], questions[1]])
    hidden = torch.randn(*batch["input_ids"].shape, 128)
    with pytest.raises(ValueError, match="clips of one batch have"):
        visual_states(hidden, batch["input_ids"], module.model.config)


@pytest.mark.parametrize("suffix", [[], ["<camera>"]])  # a separator after every frame
def test_states_are_found_by_frame_row_and_column_with_separators_and_without(
    clips: list[Clip], suffix: list[str]
) -> None:
    model, processor = build_student(position_encoding=False, camera_token=False)
    processor.frame_suffix = suffix
    questions = RegionQuestions(clips, processor, categories=("colour",), per_clip=2, seed=0)
    ids = processor.collate([questions[0], questions[1]])["input_ids"]
    place = token_map(ids, model.config)
    side = model.config.token_grid
    code = ((place.tile * side + place.row) * side + place.col).float()
    hidden = torch.full((*ids.shape, 1), -1.0).index_put((place.sample, place.position), code[:, None])
    states = visual_states(hidden, ids, model.config)
    expected = torch.arange(FRAMES * side**2).float().reshape(FRAMES, side, side, 1)
    assert torch.equal(states, expected.expand(2, -1, -1, -1, -1))


def test_an_oracle_teaches_through_heads_of_its_own(clips: list[Clip], samples: list[Sample]) -> None:
    oracle = Oracle(FRAMES, SIZE, grid=4)
    module = module_with(oracle, latent=False)
    batch = {
        **module.processor.collate(samples),
        "targets": TargetBatch.stack([oracle.targets(clip) for clip in clips[:3]]),
    }
    module.training_step(batch, 0).backward()
    assert module.own_heads is not None
    assert all(p.grad is not None for p in module.own_heads["depth"].last.parameters())
    with pytest.raises(ValueError, match="has no latents"):
        module_with(oracle)


def test_the_permuted_teacher_gives_every_clip_the_targets_of_another(samples: list[Sample]) -> None:
    targets = [Targets(torch.full((1, 1, 1, 1, 1), float(i)), Signals({}, {})) for i in range(3)]
    taught = TaughtSamples(samples, targets, [1, 2, 0])  # type: ignore[arg-type]
    assert [int(taught[i][1].latents.item()) for i in range(3)] == [1, 2, 0]  # type: ignore[union-attr]


def reached(module: PerceptualDistillation, batch: dict[str, Any]) -> set[str]:
    """The parts that the losses of distillation alone train."""
    module.training_step(batch, 0).backward()
    with_teacher = {name: p.grad for name, p in module.model.named_parameters()}
    module.zero_grad()
    module.training_step({**batch, "targets": None}, 0).backward()
    without = {name: p.grad for name, p in module.model.named_parameters()}
    parts = {"vision": "vision_tower", "projector": "projector", "regions": "region_extractor"}
    parts |= {f"layer {k + 1}": f"language_model.model.layers.{k}." for k in range(3)}
    changed = [n for n, grad in without.items() if grad is not None and not torch.equal(with_teacher[n], grad)]
    return {part for part, prefix in parts.items() if any(name.startswith(prefix) for name in changed)}


@pytest.mark.parametrize(
    ("layer", "tokens", "taught"),
    [
        ("vision", "visual", {"vision"}),
        (0, "visual", {"vision", "projector"}),
        (1, "visual", {"vision", "projector", "layer 1"}),
        (-1, "visual", {"vision", "projector", "layer 1", "layer 2", "layer 3"}),
        ("vision", "region", {"vision", "regions"}),
        (0, "region", {"vision", "regions"}),
        (1, "region", {"vision", "projector", "regions", "layer 1"}),
        ("vision", "both", {"vision", "regions"}),
        (0, "both", {"vision", "projector", "regions"}),
    ],
)
def test_distillation_trains_what_lies_before_its_place_alone(
    layer: Layer, tokens: Tokens, taught: set[str], expert: Expert4D, batch: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    module = module_with(expert, student_layer=layer, student_tokens=tokens, latent=tokens != "region")
    assert reached(module, batch) == taught


def test_losses_of_regions_are_noted_and_weighted_as_signals_are(expert: Expert4D, batch: dict[str, Any]) -> None:
    noted: dict[str, Tensor] = {}
    module = module_with(expert, student_tokens="both", latent=False)
    module.note_losses = noted.update  # type: ignore[method-assign,assignment]
    total = module.training_step(batch, 0)
    assert set(noted) == set(module.loss_names)
    assert {name for name in noted if "region" in name} == {f"loss_region_{s}" for s in ("depth", "flow", "motion")}
    weights = {"answers": 1.0, **module.weights.signals}
    expected = sum(weights[name[5:].removeprefix("region_")] * loss for name, loss in noted.items() if name != "loss")
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"student_layer": 4}, "student_layer=4: choose vision"),
        ({"student_layer": -5}, "a layer of the language model from 1 to 3"),
        ({"student_tokens": "region"}, "set latent=false"),
        ({"student_tokens": "both", "explicit": False}, "set explicit=true"),
    ],
)
def test_a_place_that_a_student_lacks_is_refused(options: dict[str, Any], said: str, expert: Expert4D) -> None:
    with pytest.raises(ValueError, match=said):
        module_with(expert, **options)


def flops(model: SR3DForConditionalGeneration, inputs: dict[str, Any]) -> tuple[int, int]:
    """Count a prefill, and a prefill with three decoded tokens."""
    counts = []
    for new in (1, 4):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.generate(**inputs, max_new_tokens=new, min_new_tokens=new, do_sample=False)
        counts.append(counter.get_total_flops())
    return counts[0], counts[1]


@pytest.mark.parametrize("layer", ["vision", 0, 1, 2, -1])
@pytest.mark.parametrize("tokens", ["visual", "region", "both"])
def test_the_exported_student_is_a_plain_sr3d_of_the_same_cost_wherever_it_is_distilled(
    layer: Layer, tokens: Tokens, expert: Expert4D, batch: dict[str, Any], samples: list[Sample], tmp_path: Path
) -> None:
    module = module_with(expert, student_layer=layer, student_tokens=tokens, latent=tokens != "region")
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], 1e-2)
    module.training_step(batch, 0).backward()
    optimizer.step()
    inputs = {k: v for k, v in batch.items() if k != "targets"}
    with torch.no_grad():
        attached = module.model.eval()(**inputs).logits
    export_student(module.model, module.processor, tmp_path / "student")
    plain, processor = build_student(position_encoding=False)
    plain.save_pretrained(tmp_path / "plain")
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("student", "plain"))
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    exported = SR3DForConditionalGeneration.from_pretrained(tmp_path / "student").eval()
    assert exported.num_parameters() == plain.num_parameters()
    exported.set_attn_implementation({"text_config": module.model.language_model.config._attn_implementation})
    with torch.no_grad():
        assert torch.equal(exported(**inputs).logits, attached)
    ask = dict(processor.collate([sample.select([0]) for sample in samples], packed=False, pad_side="left"))
    ask.pop("labels")
    exported.set_attn_implementation({"text_config": "sdpa"})
    assert flops(exported, ask) == flops(plain.eval(), ask)


def test_a_student_with_parts_of_its_own_is_not_exported(tmp_path: Path) -> None:
    model, processor = build_student()
    model.extra = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match="not a plain SR-3D"):
        export_student(model, processor, tmp_path / "student")
    assert not (tmp_path / "student").exists()


@pytest.mark.long
def test_a_distilled_student_answers_without_its_teacher(expert: Expert4D, tmp_path: Path) -> None:
    module_with(expert).export(tmp_path / "student")
    code = f"""
import sys
from models.regions import Region
from models.queries.query import Query
from models.sr3d.answering import Answerer
from scenes.worlds import WorldConfig, make_world, render
(clip,) = render([make_world(0, WorldConfig({SIZE}, {SIZE}, frames={FRAMES}))], "cpu", ())
region = Region.from_mask(clip.video[0, 0] >= 0)
list(Answerer.from_folder("student").answer([Query(clip, [region], "What colour is <region0>?")]))
print([m for m in sys.modules if m.startswith("distill")])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_preset_is_named(expert: Expert4D) -> None:
    with pytest.raises(ValueError, match="choose one of paper, released"):
        module_with(expert, preset="ours")
