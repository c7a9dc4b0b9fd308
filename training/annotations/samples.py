"""Training on footage of one's own: samples that are read when they are needed, and the data module of SR-3D."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from torch.utils.data import DataLoader, Dataset

from models.regions import Region
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.sample import Sample
from scenes.clip import Clip
from training.accumulation import Batches, by_steps
from training.annotations.files import AnnotationFile, mixed_weights
from training.annotations.line import Annotation
from training.annotations.media import open_annotation
from training.data import TrainingData
from training.sampler import SeededSampler, samples_seen


def prepare_annotation(
    processor: SR3DProcessor, annotation: Annotation, clip: Clip | None, regions: Sequence[Region]
) -> Sample:
    """Prepare a line: its media once, and every turn of its conversations with the turns before it.

    Raises:
        ValueError: the model does not take such a sample.
    """
    conversations = [[(turn.question, turn.answer) for turn in turns] for turns in annotation.conversations]
    if clip is None:
        return processor.with_conversations(None, conversations)
    sample = processor.prepare(
        video=clip.video,
        questions=[],
        points=clip.points(),
        world_T_cam=clip.world_T_cam,
        seconds=clip.seconds,
        regions=regions,
        scale_known=clip.metric,
    )
    return processor.with_conversations(sample, conversations, clip.seconds)


class AnnotatedSamples(Dataset[Any]):
    """The lines of several files, one after the other, as samples. Nothing that was read is kept.

    Args:
        files: the files; relative paths in a file are in its own folder.
        processor: prepares the samples.
        frames: how many are sampled of a video or folder where a line does not say.
    """

    def __init__(self, files: Sequence[AnnotationFile], processor: SR3DProcessor, frames: int) -> None:
        self.files, self.processor, self.frames = list(files), processor, frames
        self.ends = list(accumulate(map(len, self.files)))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, index: int) -> Any:
        """Prepare a line; ValueError names file and line."""
        return self.read(index)[0]

    def find(self, index: int) -> tuple[AnnotationFile, int]:
        """Tell the file of a line, and which of its lines it is."""
        number = bisect_right(self.ends, index)
        return self.files[number], index - (self.ends[number - 1] if number else 0)

    def read(self, index: int) -> tuple[Sample, Clip | None]:
        """Prepare a line, and give the clip that it is about, too; ValueError names file and line."""
        file, line = self.find(index)
        annotation = file[line]
        with file.naming(line):
            clip, regions = open_annotation(annotation, file.path.parent, self.frames)
            return prepare_annotation(self.processor, annotation, clip, regions), clip


class AnnotatedFootage(TrainingData):
    """Files of annotated footage for the training of an SR-3D (docs/guides/your_data.md).

    Args:
        processor: prepares the samples.
        files: the files, or each with its share of the samples.
        frames: how many are sampled of a video or folder where a line does not say.
        batch_size: lines per step.
        seed: seed of the order.
        workers: processes that read and prepare samples.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: no file is given, or one has no lines.
    """

    def __init__(
        self,
        *,
        processor: SR3DProcessor,
        files: Sequence[str] | Mapping[str, int | float],
        batch_size: int,
        seed: int,
        frames: int = 8,
        workers: int = 0,
    ) -> None:
        super().__init__()
        if not files:
            raise ValueError("no files of training data are given; name one, as in data.files=[my.jsonl]")
        self.files = [AnnotationFile(path) for path in files]
        self.shares = list(files.values()) if isinstance(files, Mapping) else None  # by default, of their length
        self.processor = processor
        self.frames = frames
        self.batch_size = batch_size
        self.seed = seed
        self.workers = workers

    def dataset(self) -> AnnotatedSamples:
        """Build the samples, which are read on use."""
        return AnnotatedSamples(self.files, self.processor, self.frames)

    def collator(self) -> Callable[[Sequence[Any]], Mapping[str, Any]]:
        """Return the function that packs the samples of a batch; worker processes get a copy of it."""
        return partial(self.processor.collate, packed=True)

    def summary(self) -> str:
        """Describe the files for the model card: their names and lines."""
        return ", ".join(f"{file.path.name} ({len(file)} lines)" for file in self.files)

    def train_dataloader(self) -> Batches:
        """Batch lines endlessly, by their weights, in an order that depends on the seed alone."""
        samples = self.dataset()
        shares = self.shares or [len(file) for file in self.files]
        start = samples_seen(self.trainer, self.batch_size)
        loader = DataLoader(
            samples,
            batch_size=self.batch_size,
            sampler=SeededSampler(len(samples), self.seed, start, mixed_weights(self.files, shares)),
            collate_fn=self.collator(),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )
        return by_steps(loader, self.trainer)
