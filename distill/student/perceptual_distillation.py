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
from distill.signals import CHANNELS
from distill.student.losses import PRESETS, Weights, explicit_losses, latent_loss
from distill.student.perception_decoder import Form, PerceptionDecoder
from distill.student.regions import RegionDecoder, region_losses, region_means
from distill.student.states import (
    VISION,
    Layer,
    Tokens,
    check_place,
    frame_states,
    region_states,
    stacked,
    tiles_before,
    visual_states,
    watched_features,
)
from distill.teachers.teacher import TargetBatch, Teacher
from models.heads import DenseHead
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

    Where the states are taken from, `student_layer`, and at which tokens, `student_tokens`, can be chosen (ours): what
    attention reads of a layer is made from the states before it, so nothing reads the visual states of the last one.

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
        student_layer: "vision", the features before the projector; 0, its output; k, the output of layer k of the
            language model, from 1; -1, of the last (published).
        student_tokens: "visual"; "region", whose tokens learn the mean signals of their masks (from what the region
            extractor gives, where the layer is "vision"); or "both".
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
        student_layer: Layer = -1,
        student_tokens: Tokens = "visual",
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
        self.student_layer, self.student_tokens = student_layer, student_tokens
        check_place(student_layer, student_tokens, self.model)
        self._teacher: Unregistered[Teacher] | None = None
        self.own_heads: nn.ModuleDict | None = None
        self.perception: PerceptionDecoder | None = None
        self.region_perception: RegionDecoder | None = None
        if not (latent or explicit):
            return
        if teacher is None:
            raise ValueError("distillation needs a teacher: choose one, e.g. teacher=expert4d_tiny")
        if latent and teacher.spec.latent is None:
            raise ValueError("this teacher has no latents: set latent=false, or choose an expert")
        if missing := [name for name in teacher.spec.signals if name not in self.weights.signals]:
            raise ValueError(f"preset {preset!r} has no weight for {', '.join(missing)}")
        self._teacher = Unregistered(teacher)
        if student_tokens != "visual" and not explicit:
            raise ValueError(f"student_tokens={student_tokens} distils signals: set explicit=true")
        if student_tokens == "region" and latent:
            raise ValueError("latents are those of visual tokens: with student_tokens=region, set latent=false")
        hidden_size = self.model.config.text_config.get_text_config().hidden_size
        width = self.model.vision_tower.channels if student_layer == VISION else hidden_size
        grid = self.model.config.token_grid
        shape = teacher.spec.latent or (4, teacher.spec.frames // 2, 2 * grid, 2 * grid, OWN_LATENT)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch.initial_seed())  # arms of one seed start with the same decoder
            if student_tokens != "visual":
                self.region_perception = RegionDecoder(hidden_size, teacher.spec.signals)
            if student_tokens == "region":
                return
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
        if not self._distils or self._untaught(batch):
            answers = {name: value for name, value in batch.items() if name != "targets"}
            return super().training_step(answers, batch_index)
        with watched_features(self.model) as features:
            outputs = self.model(**inputs, **self.answer_loss(batch), output_hidden_states=True)
        layers = outputs.hidden_states
        states = features[0] if self.student_layer == VISION else layers[int(self.student_layer)]
        at_regions = layers[0] if self.student_layer == VISION else states
        losses = {"answers": outputs.loss}
        losses |= self.distillation_losses(states, inputs["input_ids"], batch["targets"])
        losses |= self.region_distillation_losses(at_regions, inputs, batch["targets"])
        weights = self._loss_weights()
        total: Tensor = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        self.note_losses({f"loss_{name}": loss for name, loss in losses.items()} | {"loss": losses["answers"]})
        if self.log_grad_norms_every and self.global_step % self.log_grad_norms_every == 0:
            self.log_dict(gradient_norms(losses, weights, states))
        return self.with_all_weights(total)

    def answered(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Average the answer tokens; 1 where a step has none, as all its clips may serve distillation alone: loss 0."""
        count = super().answered(batch)
        return torch.where(count > 0, count, torch.ones_like(count))

    @property
    def _distils(self) -> bool:
        return self.perception is not None or self.region_perception is not None

    def _loss_weights(self) -> dict[str, float]:
        signals = self.weights.signals
        of_regions = {f"region_{name}": weight for name, weight in signals.items()}
        return {"answers": 1.0, "latent": self.weights.latent, **signals, **of_regions}

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of all losses that a batch may have."""
        if self._teacher is None:
            return super().loss_names
        names = ("answers", *self._dense_names(), *self._region_names())
        return (*(f"loss_{name}" for name in names), "loss")

    def _dense_names(self) -> list[str]:
        if self.perception is None or self.teacher is None:
            return []
        return [*(["latent"] if self.latent else []), *(self.teacher.spec.signals if self.explicit else ())]

    def _region_names(self) -> list[str]:
        return [] if self.region_perception is None else [f"region_{name}" for name in self.region_perception.layers]

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
        states: Float[Tensor, "batch token channel"] | Float[Tensor, "tile rows cols channel"],
        input_ids: Int64[Tensor, "batch token"],
        targets: TargetBatch | None,
    ) -> dict[str, Tensor]:
        """Compare the student at its visual tokens with the targets of its clips, unweighted.

        Every loss is a mean over the clips of the *global* batch that have targets. Without any here, all losses are
        zero and touch the decoder, so that processes stay in step.

        Args:
            states: hidden states, or vision features where these are distilled.
            input_ids: of the batch.
            targets: of its clips.
        """
        if self.perception is None:
            return {}
        share = global_share(0 if targets is None else len(targets), states.device)
        if targets is None:
            return dict.fromkeys(self._dense_names(), nothing(states, self.perception, self.own_heads))
        latents = self.perception(self._taught_states(states, input_ids, targets.rows))
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

    def region_distillation_losses(
        self, hidden: Float[Tensor, "batch token channel"], inputs: Mapping[str, Any], targets: TargetBatch | None
    ) -> dict[str, Tensor]:
        """Compare the student at its region tokens with the mean signals of their masks, unweighted.

        Every loss is a mean over the mentioned regions of the clips that have targets, weighed by processes as clips.
        """
        if self.region_perception is None:
            return {}
        share = global_share(0 if targets is None else len(targets), hidden.device)
        states, rows = region_states(hidden, inputs["input_ids"], self.model.config)
        if targets is None or not len(rows):
            return dict.fromkeys(self._region_names(), nothing(hidden, self.region_perception))
        first_tile = tiles_before(inputs, self.model.config)
        decoded = self.region_perception(states)
        means = region_means(inputs, targets, rows, first_tile, decoded)
        return {name: share * loss for name, loss in region_losses(decoded, means).items()}

    def _taught_states(
        self, states: Tensor, input_ids: Int64[Tensor, "batch token"], rows: Int64[Tensor, "clip"] | None
    ) -> Float[Tensor, "clip time rows cols channel"]:
        """Collect the states of the clips that have targets, by frame, row and column."""
        config = self.model.config
        if self.student_layer == VISION:
            clips = frame_states(states, input_ids, config)
            return stacked(clips if rows is None else [clips[row] for row in rows.tolist()])
        if rows is not None:
            states, input_ids = states[rows], input_ids[rows]
        return visual_states(states, input_ids, config)

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


def nothing(states: Tensor, *parts: nn.Module | None) -> Float[Tensor, ""]:
    """Give a loss of zero, with a gradient of zero for the states and all that distillation trains."""
    weights = [weight for part in parts if part is not None for weight in part.parameters() if weight.requires_grad]
    total: Tensor = 0.0 * (torch.stack([weight.sum() for weight in weights]).sum() + states.float().mean())
    return total


def images_only(inputs: Mapping[str, Tensor]) -> bool:
    """Tell whether every row of a batch shows a single frame, in any number of tiles, or none does."""
    centres = inputs.get("camera_centres")  # one a frame and row
    return centres is None or len(centres) == len(inputs["input_ids"])


def gradient_norms(
    losses: Mapping[str, Tensor], weights: Mapping[str, float], at: Float[Tensor, "..."]
) -> dict[str, Tensor]:
    """Measure the norm of every weighted loss's gradient at the states that are distilled."""
    norms = {}
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(weights[name] * loss, at, retain_graph=True)
        norms[f"gradient_{name}"] = gradient.norm()
    return norms
