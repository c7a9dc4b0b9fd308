"""The L4P adapter, against a fake package of the same interface."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from distill.teachers import Teacher
from distill.teachers.l4p import UNREAD, L4PTeacher
from scenes.clip import Clip
from tests.support.folders.l4p_checkout import HOOKS, forget_l4p, write_l4p


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    write_l4p(tmp_path)
    yield tmp_path
    forget_l4p()


@pytest.fixture
def teacher(checkout: Path) -> L4PTeacher:
    return L4PTeacher(checkout, checkout / "l4p.ckpt", frames=4, size=28, hooks=HOOKS)


def test_targets_are_the_raw_outputs_of_the_heads(teacher: L4PTeacher, clips: list[Clip]) -> None:
    assert isinstance(teacher, Teacher)
    assert teacher.spec.latent == (4, 2, 2, 2, 6)
    targets = teacher.targets(clips[0])
    assert {name: tuple(v.shape) for name, v in targets.signals.values.items()} == {
        "depth": (4, 1, 28, 28),
        "flow": (4, 2, 28, 28),
        "motion": (4, 1, 28, 28),
        "rays": (4, 6, 2, 2),
    }
    assert not targets.signals.valid["flow"][0].any()


def test_a_students_latents_are_decoded_differentiably_and_unread_blocks_stay_unread(teacher: L4PTeacher) -> None:
    assert teacher.spec.latent is not None
    latents = torch.randn(2, *teacher.spec.latent, requires_grad=True)
    decoded = teacher.decode(latents)
    assert max(value.abs().max().item() for value in decoded.values()) < abs(UNREAD) / 100
    torch.stack([value.square().sum() for value in decoded.values()]).sum().backward()
    assert latents.grad is not None
    assert bool((latents.grad.flatten(2).abs().amax((0, 2)) > 0).all())  # every hook is read
    assert all(p.grad is None for p in teacher.model.parameters())


def test_its_heads_are_all_that_decoding_needs(teacher: L4PTeacher) -> None:
    assert teacher.spec.latent is not None
    latents = torch.randn(1, *teacher.spec.latent)
    whole = teacher.decode(latents)
    teacher.model.video_encoder.to("meta")  # on no device at all
    decoded = teacher.decode(latents)
    assert all(torch.equal(decoded[name], whole[name]) for name in whole)
    teacher.heads.to("meta")
    assert all(value.is_meta for value in teacher.decode(latents.to("meta")).values())


def test_other_weights_have_another_digest(teacher: L4PTeacher, checkout: Path) -> None:
    state = torch.load(checkout / "l4p.ckpt", weights_only=True)
    state["state_dict"]["l4p_model.video_encoder.norm.weight"] += 1
    torch.save(state, checkout / "other.ckpt")
    other = L4PTeacher(checkout, checkout / "other.ckpt", frames=4, size=28, hooks=HOOKS)
    assert other.digest != teacher.digest


def test_what_is_missing_is_named(teacher: L4PTeacher, checkout: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no L4P checkout at .*model\.yaml"):
        L4PTeacher(checkout / "none", checkout / "l4p.ckpt")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        L4PTeacher(checkout, checkout / "none.ckpt")
    state = torch.load(checkout / "l4p.ckpt", weights_only=True)
    del state["state_dict"]["l4p_model.task_heads.depth.task_head.out.weight"]
    torch.save(state, checkout / "cut.ckpt")
    with pytest.raises(ValueError, match=r"lacks 1 weights of L4P, such as task_heads\.depth"):
        L4PTeacher(checkout, checkout / "cut.ckpt", frames=4, size=28, hooks=HOOKS)


@pytest.mark.long
def test_choosing_another_teacher_imports_nothing_of_l4p() -> None:
    code = "import sys, distill.teachers, distill.student; print([m for m in sys.modules if 'l4p' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
