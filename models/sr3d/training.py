"""Supervised fine-tuning of SR-3D with Lightning: data module, module, schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from lightning import LightningDataModule, LightningModule
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Sampler

from models.sr3d.data import RegionQuestions
from models.sr3d.model import SR3DForConditionalGeneration
from models.sr3d.processor import SR3DProcessor
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore


def best_precision() -> str:
    """Choose bf16 autocast where the device has bf16 arithmetic, else float32."""
    return "bf16-mixed" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "32-true"


class SeededSampler(Sampler[int]):
    """Draw a permutation an epoch from (seed, epoch), so that a resumed run sees the same order."""

    def __init__(self, length: int, seed: int) -> None:
        self.length, self.seed, self.epoch = length, seed, 0

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch; Lightning calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        yield from torch.randperm(self.length, generator=generator).tolist()


class WorldQuestions(LightningDataModule):
    """Questions about procedural worlds: rendered once into a store that all runs share."""

    def __init__(
        self,
        *,
        processor: SR3DProcessor,
        world: WorldConfig,
        seeds: tuple[int, int],
        categories: Sequence[str],
        questions_per_clip: int,
        batch_size: int,
        seed: int,
        box_probability: float = 0.5,
        few_frames_probability: float = 0.5,
        stores: str = "outputs/worlds",
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.processor = processor
        self.store = WorldStore(world, range(*seeds), root=Path(stores))
        self.categories = categories
        self.questions_per_clip = questions_per_clip
        self.batch_size = batch_size
        self.seed = seed
        self.box_probability = box_probability
        self.few_frames_probability = few_frames_probability
        self.workers = workers

    def prepare_data(self) -> None:
        """Render what is missing of the worlds."""
        self.store.render()

    def train_dataloader(self) -> DataLoader:
        """Batch clips in an order that depends on (seed, epoch) alone."""
        samples = RegionQuestions(
            self.store,
            self.processor,
            categories=self.categories,
            per_clip=self.questions_per_clip,
            seed=self.seed,
            box_probability=self.box_probability,
            few_frames_probability=self.few_frames_probability,
        )
        return DataLoader(
            samples,
            batch_size=self.batch_size,
            sampler=SeededSampler(len(samples), self.seed),
            collate_fn=partial(self.processor.collate, packed=True),
            drop_last=True,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )


class SupervisedFineTuning(LightningModule):
    """Fine-tune an SR-3D on answers, with AdamW, linear warm-up and cosine decay (NVILA-Lite recipe, VILA scripts).

    The loss is the mean over the answer tokens of the *global* batch, so that N processes give what one gives. Parts
    that start at zero (`new_parts`) learn `new_parts_rate` times as fast as the rest: they have to catch up.
    """

    def __init__(
        self,
        *,
        model: SR3DForConditionalGeneration,
        processor: SR3DProcessor,
        learning_rate: float,
        weight_decay: float = 0.0,
        warmup_fraction: float = 0.03,
        new_parts: Sequence[str] = ("position_encoding", "camera_projector"),
        new_parts_rate: float = 1.0,
        freeze: Sequence[str] = (),
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.processor = processor
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_fraction = warmup_fraction
        self.new_parts = tuple(new_parts)
        self.new_parts_rate = new_parts_rate
        for name in freeze:
            self.model.get_submodule(name).requires_grad_(False)
        if gradient_checkpointing:
            self.model.gradient_checkpointing_enable()

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """Take the loss of one packed batch."""
        answered = (batch["labels"] != -100).sum()
        processes = 1
        if torch.distributed.is_initialized():
            processes = torch.distributed.get_world_size()
            torch.distributed.all_reduce(answered)
        # DDP averages gradients over processes: scale so that the average is the global mean
        loss: Tensor = self.model(**batch, num_items_in_batch=answered / processes).loss
        self.log("loss", loss, prog_bar=True, sync_dist=True)
        return loss

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW without decay on vectors (biases, norms), warm-up then cosine over the planned steps."""
        groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                groups.setdefault((name.startswith(self.new_parts), parameter.ndim > 1), []).append(parameter)
        optimizer = torch.optim.AdamW(
            [
                {
                    "params": parameters,
                    "lr": self.learning_rate * (self.new_parts_rate if new else 1.0),
                    "weight_decay": self.weight_decay if decays else 0.0,
                }
                for (new, decays), parameters in groups.items()
            ],
            lr=self.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = max(1, round(self.warmup_fraction * steps))

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))

        schedule = {"scheduler": LambdaLR(optimizer, factor), "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def export(self, folder: Path) -> None:
        """Write model and processor in the transformers layout."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)
