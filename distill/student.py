"""Perceptual 4D distillation as a Lightning module: fine-tuning, plus losses against a frozen teacher's targets."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from distill.export import export_student
from distill.losses import PRESETS, Weights, explicit_losses, latent_loss
from distill.perception_decoder import Form, PerceptionDecoder
from distill.signals import CHANNELS
from distill.teachers.teacher import TargetBatch, Teacher
from models.heads import DenseHead
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.token_map import token_map
from training.accumulation import STEP_ANSWERS
from training.sampler import process_count
from training.sr3d.finetuning import SupervisedFineTuning
from training.unregistered import Unregistered

OWN_LATENT = 64  # channels of latents, where the teacher has none


class PerceptualDistillation(SupervisedFineTuning):
    """Fine-tune an unchanged SR-3D on answers, and make its visual tokens perceive what a 4D expert perceives.

    The hidden states of the last layer at the visual tokens go through a training-only decoder to the teacher's latent
    space (latent distillation), and from there through the teacher's frozen heads to dense signals (explicit
    distillation). Teacher and decoder live here, not in the model: the exported model knows nothing of them.
    Source: 4D-RGPT (arXiv 2512.17012) section 3.2, equations 3 to 7.

    Args:
        teacher: made the targets; its heads decode the student. For a teacher without decoder (an oracle) trainable,
            training-only heads are built here. None for an arm without distillation.
        preset: weights of the losses, "paper" or "released".
        loss_scale: multiplies these weights (ours: with the published ones the gradient of distillation in a small
            student is far below that of the answers, see the logged `gradient_...`).
        latent: distil latents.
        explicit: distil signals. With neither this is plain fine-tuning: the arm without distillation.
        decoder: form of the perception decoder.
        decoded_fraction: fraction of the clips of a batch (at least one) whose signals are decoded and compared. The
            heads take most of the cost of distillation; as batches are random, a part of one estimates the same loss.
        masked: compare signals only where the teacher's are valid (ours; the published losses compare everywhere).
        log_grad_norms_every: steps between logs of the gradient norm of every loss at the last layer; 0 for never.
        **options: of `SupervisedFineTuning`.
    """

    def __init__(
        self,
        *,
        teacher: Teacher | None,
        preset: str = "paper",
        loss_scale: int | float = 1.0,
        latent: bool = True,
        explicit: bool = True,
        decoder: Form = "linear",
        decoded_fraction: float = 1.0,
        masked: bool = True,
        log_grad_norms_every: int = 100,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if preset not in PRESETS:
            raise ValueError(f"no weight preset {preset!r}; choose one of {', '.join(PRESETS)}")
        self.weights: Weights = PRESETS[preset].times(loss_scale)
        if not 0 < decoded_fraction <= 1:
            raise ValueError(f"decoded_fraction must lie in (0, 1], got {decoded_fraction}")
        self.latent, self.explicit, self.masked = latent, explicit, masked
        self.log_grad_norms_every = log_grad_norms_every
        self.decoded_fraction = decoded_fraction
        self._teacher: Unregistered[Teacher] | None = None
        self.own_heads: nn.ModuleDict | None = None
        self.perception: PerceptionDecoder | None = None
        if not (latent or explicit):
            return
        if teacher is None:
            raise ValueError("distillation needs a teacher: choose one, e.g. teacher=expert4d_tiny")
        if latent and teacher.spec.latent is None:
            raise ValueError("this teacher has no latents: set latent=false, or choose an expert")
        if missing := [name for name in teacher.spec.signals if name not in self.weights.signals]:
            raise ValueError(f"preset {preset!r} has no weight for {', '.join(missing)}")
        self._teacher = Unregistered(teacher)
        width = self.model.config.text_config.get_text_config().hidden_size
        grid = self.model.config.token_grid
        shape = teacher.spec.latent or (4, teacher.spec.frames // 2, 2 * grid, 2 * grid, OWN_LATENT)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch.initial_seed())  # arms of one seed start with the same decoder
            self.perception = PerceptionDecoder(width, shape, decoder)
            if explicit and not teacher.spec.decodes:
                tubelet = teacher.spec.frames // shape[1]
                heads = {name: DenseHead(shape[-1], CHANNELS[name], tubelet) for name in teacher.spec.signals}
                self.own_heads = nn.ModuleDict(heads)

    @property
    def teacher(self) -> Teacher | None:
        """The teacher whose heads decode the student; None for an arm without distillation."""
        return None if self._teacher is None else self._teacher.module

    def on_fit_start(self) -> None:
        """Move the heads that decode the student to its device; the rest of the teacher stays where it is."""
        if self.teacher is not None and self.explicit and self.teacher.heads is not None:
            self.teacher.heads.to(self.device)

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> Tensor:
        """Compute the loss on answers and, for the clips that have targets, the distillation losses."""
        inputs = {name: value for name, value in batch.items() if name not in ("targets", STEP_ANSWERS)}
        if self.perception is None or self._untaught(batch):
            answers = {name: value for name, value in batch.items() if name != "targets"}
            return super().training_step(answers, batch_index)
        outputs = self.model(**inputs, num_items_in_batch=self.answered(batch), output_hidden_states=True)
        losses = {"answers": outputs.loss} | self.distillation_losses(
            outputs.hidden_states[-1], inputs["input_ids"], batch["targets"]
        )
        weights = {"answers": 1.0, "latent": self.weights.latent, **self.weights.signals}
        total: Tensor = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        self.note_losses({f"loss_{name}": loss for name, loss in losses.items()} | {"loss": losses["answers"]})
        if self.log_grad_norms_every and self.global_step % self.log_grad_norms_every == 0:
            self.log_dict(gradient_norms(losses, weights, outputs.hidden_states[-1]))
        return self.with_all_weights(total)

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of all losses that a batch may have."""
        if self._teacher is None:
            return super().loss_names
        signals = self._teacher.module.spec.signals if self.explicit else ()
        names = ("answers", *(["latent"] if self.latent else []), *signals)
        return (*(f"loss_{name}" for name in names), "loss")

    def _untaught(self, batch: Mapping[str, Any]) -> bool:
        """Tell whether a batch has nothing to distil, for a process that need not stay in step with others.

        Raises:
            ValueError: the batch has clips and was not collated with targets.
        """
        if "targets" in batch:
            return batch["targets"] is None and process_count() == 1
        if not images_only(batch):
            raise ValueError(
                "distillation needs targets in its batches: choose data=sr3d/dynamic or data=sr3d/annotated_taught, "
                "with data.with_targets=true"
            )
        return True

    def distillation_losses(
        self,
        hidden: Float[Tensor, "batch token channel"],
        input_ids: Int64[Tensor, "batch token"],
        targets: TargetBatch | None,
    ) -> dict[str, Tensor]:
        """Compare the student with the targets of its clips, unweighted.

        Every loss is a mean over the clips of the *global* batch that have targets. Without any here, all losses are
        zero and touch the decoder, so that processes stay in step.
        """
        if self.perception is None:
            return {}
        share = global_share(0 if targets is None else len(targets), hidden.device)
        if targets is None:
            return self._no_losses(hidden)
        if targets.rows is not None:
            hidden, input_ids = hidden[targets.rows], input_ids[targets.rows]
        latents = self.perception(visual_states(hidden, input_ids, self.model.config))
        losses: dict[str, Tensor] = {}
        if self.latent:
            if targets.latents is None:
                raise ValueError("latent distillation needs latents in the targets, and this teacher gave none")
            losses["latent"] = latent_loss(latents, targets.latents)
        if self.explicit:
            count = ceil(self.decoded_fraction * len(latents))
            some = targets.first(count)
            decoded = self.decode(latents[:count], {name: value.shape[-2:] for name, value in some.values.items()})
            losses |= explicit_losses(decoded, some.values, some.valid if self.masked else None)
        return losses if share == 1 else {name: share * loss for name, loss in losses.items()}

    def _no_losses(self, hidden: Float[Tensor, "batch token channel"]) -> dict[str, Tensor]:
        """Give zero for every loss, with a gradient of zero for all that distillation trains."""
        parts = [part for part in (self.perception, self.own_heads) if part is not None]
        trained = [parameter.sum() for part in parts for parameter in part.parameters() if parameter.requires_grad]
        nothing = 0.0 * (torch.stack(trained).sum() + hidden.float().mean())
        signals = self.teacher.spec.signals if self.explicit and self.teacher is not None else ()
        return dict.fromkeys([*(["latent"] if self.latent else []), *signals], nothing)

    def decode(
        self, latents: Float[Tensor, "batch hook slot rows cols channel"], sizes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Tensor]:
        """Decode by the teacher's frozen heads, in float32; by trainable ones where it has none."""
        with torch.autocast(latents.device.type, enabled=False):
            if self.own_heads is not None:
                return {name: head(latents.float(), sizes[name]) for name, head in self.own_heads.items()}
            assert self.teacher is not None
            return self.teacher.decode(latents.float())

    def summary(self) -> str:
        """Describe the model and what was distilled into it."""
        chosen = [name for name, used in (("latents", self.latent), ("signals", self.explicit)) if used]
        if self.teacher is None:
            return super().summary()
        return f"{super().summary()} Distilled: {' and '.join(chosen)} of teacher {self.teacher.digest}."

    def export(self, folder: Path) -> None:
        """Write a plain SR-3D: teacher and decoder stay behind."""
        export_student(self.plain_model(folder), self.processor, folder)


def global_share(count: int, device: torch.device) -> float:
    """Weigh the mean over `count` clips of this process, so that the mean over processes is one over all clips."""
    if process_count() == 1:
        return 1.0
    total = torch.tensor(count, device=device)
    torch.distributed.all_reduce(total)
    return count * process_count() / max(1, int(total))


def images_only(inputs: Mapping[str, Tensor]) -> bool:
    """Tell whether every row of a batch shows a single frame, in any number of tiles, or none does."""
    centres = inputs.get("camera_centres")  # one a frame and row
    return centres is None or len(centres) == len(inputs["input_ids"])


def visual_states(
    hidden: Float[Tensor, "batch token channel"], input_ids: Int64[Tensor, "batch token"], config: SR3DConfig
) -> Float[Tensor, "batch time rows cols channel"]:
    """Collect the hidden states at visual tokens by frame, row and column, with any tokens between the frames.

    Raises:
        ValueError: the clips of the batch differ in their number of frames.
    """
    place = token_map(input_ids, config)
    counts = torch.bincount(place.sample, minlength=len(input_ids))
    side = config.token_grid
    if not bool((counts == counts[0]).all()):
        raise ValueError(
            f"the clips of one batch have {sorted({int(c) // side**2 for c in counts})} frames; distillation needs the "
            "number of frames that the teacher takes"
        )
    states = hidden.new_zeros(len(input_ids), int(counts[0]) // side**2, side, side, hidden.shape[-1])
    index = (place.sample, place.tile, place.row, place.col)
    return states.index_put(index, hidden[place.sample, place.position])


def gradient_norms(
    losses: Mapping[str, Tensor], weights: Mapping[str, float], at: Float[Tensor, "batch token channel"]
) -> dict[str, Tensor]:
    """Measure the norm of every weighted loss's gradient at the last hidden states."""
    norms = {}
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(weights[name] * loss, at, retain_graph=True)
        norms[f"gradient_{name}"] = gradient.norm()
    return norms
