"""Supervised fine-tuning of SR-3D: data module and training module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from models.attention import packed_attention
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.model import SR3DForConditionalGeneration
from scenes.worlds import Signal, WorldConfig
from scenes.worlds.store import WorldStore
from training.accumulation import STEP_ANSWERS, Batches, by_steps, count_answers
from training.data import TrainingData, summarize_worlds
from training.module import TrainingModule
from training.optimizers import muon
from training.sampler import SeededSampler, process_count, samples_seen
from training.sharding import gather, is_sharded, refuse_shards, shard
from training.sr3d.adapters import LoRA
from training.sr3d.answer_weights import weigh_answers
from training.sr3d.master_weights import keep_master_weights
from training.sr3d.partial_checkpoint import leave_frozen_out, refuse_incomplete
from training.sr3d.questions import RegionQuestions


def best_precision() -> str:
    """Choose bf16 autocast where the device has bf16 arithmetic, else float32."""
    return "bf16-mixed" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "32-true"


def mark_trained(model: SR3DForConditionalGeneration) -> None:
    """State in the config that region tokens mean something, where the region extractor takes part in training."""
    if all(parameter.requires_grad for parameter in model.region_extractor.parameters()):
        model.config.region_extractor_trained = True


class WorldQuestions(TrainingData):
    """Questions about procedural worlds, which are rendered once into a store that all trainings share.

    Args:
        processor: prepares the samples.
        world: distribution of the worlds.
        seeds: first and last (exclusive) seed of the worlds.
        categories: question categories.
        questions_per_clip: number of questions per clip.
        batch_size: clips per step.
        seed: seed of the order and of the questions.
        box_probability: see `augment_region`.
        partial_marking_prob: see `augment_region`.
        surface_box_prob: see `RegionQuestions`.
        stores: folder of rendered worlds.
        signals: further signals of the worlds that are rendered.
        workers: processes that prepare samples.
    """

    def __init__(
        self,
        *,
        processor: SR3DProcessor,
        world: WorldConfig,
        seeds: Sequence[int],
        categories: Sequence[str],
        questions_per_clip: int,
        batch_size: int,
        seed: int,
        box_probability: float = 0.5,
        partial_marking_prob: float = 0.5,
        surface_box_prob: float = 0.0,
        stores: str = "outputs/worlds",
        signals: Sequence[Signal] = (),
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.processor = processor
        self.store = WorldStore(world, range(*seeds), signals, root=Path(stores))
        self.categories = categories
        self.questions_per_clip = questions_per_clip
        self.batch_size = batch_size
        self.seed = seed
        self.box_probability = box_probability
        self.partial_marking_prob = partial_marking_prob
        self.surface_box_prob = surface_box_prob
        self.workers = workers

    def prepare_data(self) -> None:
        """Render missing worlds."""
        self.store.render()

    def dataset(self) -> Dataset[Any]:
        """Build the samples, which are prepared on first use."""
        return RegionQuestions(
            self.store,
            self.processor,
            categories=self.categories,
            per_clip=self.questions_per_clip,
            seed=self.seed,
            box_probability=self.box_probability,
            partial_marking_prob=self.partial_marking_prob,
            surface_box_prob=self.surface_box_prob,
        )

    def collator(self) -> Callable[[Sequence[Any]], Mapping[str, Any]]:
        """Return the function that packs the samples of a batch; worker processes get a copy of it."""
        return partial(self.processor.collate, packed=True)

    def weights(self) -> Float[Tensor, "clip"] | None:
        """Weigh the clips of an epoch, see `SeededSampler`; None: each is shown once."""
        return None

    def summary(self) -> str:
        """Describe the worlds for the model card."""
        return summarize_worlds(len(self.store), self.store.config)

    def train_dataloader(self) -> Batches:
        """Batch clips endlessly, in an order that depends on the seed alone; a resumed training continues it."""
        samples, start = self.dataset(), samples_seen(self.trainer, self.batch_size)
        loader = DataLoader(
            samples,
            batch_size=self.batch_size,
            sampler=SeededSampler(len(self.store), self.seed, start, self.weights()),
            collate_fn=self.collator(),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )
        return by_steps(loader, self.trainer)


class SupervisedFineTuning(TrainingModule):
    """Fine-tune an SR-3D on answers (NVILA-Lite recipe, VILA scripts: AdamW, linear warm-up, cosine decay).

    The loss is the mean over the answer tokens of the *global* batch, so that it does not depend on the number of
    processes, nor on the number of batches whose gradients are accumulated. Weights of half precision are trained in
    float32 (`keep_master_weights`) and exported in their own type.

    Args:
        model: the SR-3D to train.
        processor: its processor, which is exported with it.
        fast_modules: name prefixes of submodules with a higher learning rate, such as those initialised to zero.
        fast_lr_multiplier: learning rate of `fast_modules` relative to the others.
        freeze: names of submodules that are not trained.
        gradient_checkpointing: recompute activations in the backward pass to save memory.
        most_parameters: of a model that this recipe is for; None for any.
        adapter: trained in place of the language model's weights; None to train these.
        equal_answers: weigh all answers of a batch equally, instead of all their tokens: a letter as much as a number.
        **optimization: arguments of `TrainingModule`.

    Raises:
        ValueError: the model is larger than the recipe is for, or its attention cannot keep packed questions apart.
    """

    def __init__(
        self,
        *,
        model: SR3DForConditionalGeneration,
        processor: SR3DProcessor,
        fast_modules: Sequence[str] = ("position_encoding", "camera_projector"),
        fast_lr_multiplier: float = 1.0,
        freeze: Sequence[str] = (),
        gradient_checkpointing: bool = False,
        most_parameters: int | None = None,
        adapter: LoRA | None = None,
        equal_answers: bool = False,
        **optimization: Any,
    ) -> None:
        super().__init__(**optimization)
        self.equal_answers = equal_answers
        count = sum(parameter.numel() for parameter in model.parameters())
        if most_parameters is not None and count > most_parameters:
            raise ValueError(
                f"this recipe is for models of at most {most_parameters / 1e6:,.1f} million parameters, and this one "
                f"has {count / 1e6:,.1f} million, which its learning rate would ruin; take another experiment, such "
                "as sr3d/stage1, or set module.most_parameters=null"
            )
        self.model = model
        self.dtype_of_export = model.dtype
        self.processor = processor
        self.fast_modules = tuple(fast_modules)
        self.fast_lr_multiplier = fast_lr_multiplier
        self.model.train()  # a model that was loaded is in evaluation mode, in which no activation is recomputed
        for name in freeze:
            self.model.get_submodule(name).requires_grad_(False).eval()
        packed = packed_attention(self.model.language_model.config._attn_implementation)
        self.model.set_attn_implementation({"text_config": packed})
        if gradient_checkpointing:
            self.model.activation_checkpointing_enable()
        self.step_losses: dict[str, Tensor] = {}
        if adapter is not None:
            adapter.targets_in(model)  # refuses unknown ones before anything is written
        self.adapter = adapter
        self.strict_loading = adapter is None  # checkpoints of adapters are without the base

    def setup(self, stage: str) -> None:
        """Prepare the weights, before they are sharded and the optimizer is built."""
        if self.adapter is not None:
            self.adapter.attach(self.model, self.trainer.strategy.root_device)
        keep_master_weights(self, self.trainer)

    def check_trainer(self, trainer: Trainer) -> None:
        """Raise ValueError where the trainer shards what the optimizer or the adapters need whole."""
        if is_sharded(trainer) and self.adapter is not None:
            raise ValueError("adapters are not trained in shards: choose trainer=ddp, or leave adapter=... out")
        if is_sharded(trainer) and getattr(self.optimizer, "func", self.optimizer) is muon:
            raise ValueError("optimizer=muon needs whole matrices and trainer=fsdp shards them: choose optimizer=adamw")

    def configure_model(self) -> None:
        """Shard the model, and what is trained beside it, where the trainer does; ValueError where it cannot be."""
        super().configure_model()
        if is_sharded(self.trainer):
            shard(self, self.model.language_model)

    def on_train_batch_start(self, batch: Mapping[str, Any], batch_index: int) -> None:
        """Raise ValueError where gradients are accumulated over batches that do not state their answer tokens."""
        if self.trainer.accumulate_grad_batches > 1 and STEP_ANSWERS not in batch:
            raise ValueError(
                "trainer.accumulate_grad_batches > 1 needs batches that state how many answer tokens their step has: "
                "return by_steps(loader, self.trainer) of training/accumulation.py from train_dataloader"
            )

    def training_step(self, batch: Mapping[str, Tensor], batch_index: int) -> Tensor:
        """Compute the loss of one packed batch."""
        inputs = {name: value for name, value in batch.items() if name != STEP_ANSWERS}
        loss: Tensor = self.model(**inputs, **self.answer_loss(batch)).loss
        self.note_losses({"loss": loss})
        return self.with_all_weights(loss)

    def answer_loss(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Choose how the model averages the loss over answer tokens."""
        weights = {"label_weights": weigh_answers(batch["labels"])} if self.equal_answers else {}
        return {"num_items_in_batch": self.answered(batch), **weights}

    def answered(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Average the answer tokens over the batches and processes of a step, which average their losses as well."""
        count = batch[STEP_ANSWERS].clone() if STEP_ANSWERS in batch else count_answers(batch)
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(count)
        return count / process_count()

    def with_all_weights(self, loss: Tensor) -> Tensor:
        """Add zero times the weights around the language model, in a training of several processes.

        A batch may lack media, regions or geometry. Processes wait for each other's gradients of every weight, so those
        of weights that a batch does not use have to be zero rather than missing.
        """
        if process_count() == 1:
            return loss
        used = {id(parameter) for parameter in self.model.language_model.parameters()}
        rest = [p.flatten()[0].float() for p in self.parameters() if p.requires_grad and id(p) not in used]
        return loss + 0.0 * torch.stack(rest).sum() if rest else loss

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of all losses that a batch may have."""
        return ("loss",)

    def note_losses(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of a batch to those of its optimizer step."""
        for name, loss in losses.items():
            self.step_losses[name] = self.step_losses.get(name, 0.0) + loss.detach()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Log the losses of the step, averaged over its batches and over processes, which log the same names."""
        batches = self.trainer.accumulate_grad_batches
        for name in self.loss_names if process_count() > 1 else tuple(self.step_losses):
            loss = self.step_losses.get(name, 0.0) / batches
            self.log(name, loss, prog_bar=name == "loss", sync_dist=True)
        self.step_losses = {}

    def on_fit_end(self) -> None:
        """Gather a sharded model in the first process, which exports it."""
        if is_sharded(self.trainer):
            self.model = gather(self.model, self.dtype_of_export, self.trainer.is_global_zero)

    def trained_parameters(self) -> list[dict[str, Any]]:
        """Group parameters by learning rate, by weight decay (none on biases and norms), and for Muon by embedding."""
        embeddings = {id(m.weight) for m in self.modules() if isinstance(m, torch.nn.Embedding)}
        groups: dict[tuple[bool, bool, bool], list[torch.nn.Parameter]] = {}
        for name, parameter in self.named_parameters():  # includes the training-only modules of subclasses
            if parameter.requires_grad:
                fast = name.removeprefix("model.").startswith(self.fast_modules)
                kind = (fast, parameter.ndim > 1, id(parameter) in embeddings)
                groups.setdefault(kind, []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": self.learning_rate * (self.fast_lr_multiplier if fast else 1.0),
                "weight_decay": self.weight_decay if decays else 0.0,
                "use_fallback": embedding,  # read by Muon: NAdamW updates embeddings
            }
            for (fast, decays, embedding), parameters in groups.items()
        ]

    def summary(self) -> str:
        """Describe the model's inputs for the model card."""
        points = "a point map" if self.model.config.position_encoding else "no point map"
        times = ", timestamps" if self.model.config.timestamp_encoding != "none" else ""
        return f"An SR-3D that sees RGB{times} and {points}, and reads only the question grammar of `scenes/questions`."

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the base out of the checkpoints of adapters."""
        if self.adapter is not None:
            leave_frozen_out(checkpoint, self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint without all adapters."""
        if self.adapter is not None:
            refuse_incomplete(checkpoint, self)

    def plain_model(self, folder: Path) -> SR3DForConditionalGeneration:
        """Merge the adapters, after writing them to `folder` where they are wanted, in the dtype of the base.

        Raises:
            ValueError: this process has only its share of a sharded model.
        """
        refuse_shards(self.model)
        mark_trained(self.model)
        if self.adapter is not None:
            if self.adapter.save_adapter:
                self.adapter.save(self.model, folder / "adapter")
            self.adapter.merge(self.model)
        model: SR3DForConditionalGeneration = self.model.to(self.dtype_of_export)
        return model

    def export(self, folder: Path) -> None:
        """Write model and processor in the transformers layout; ValueError for a share of a sharded model."""
        self.plain_model(folder).save_pretrained(folder)
        self.processor.save_pretrained(folder)
