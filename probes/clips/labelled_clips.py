"""Clips of real footage whose labels a provider has cached: CO3Dv2, DL3DV, anything."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from probes.clips.clip_sets import ClipSet
from probes.clips.label_files import LabelFile
from probes.clips.labels import Labels
from probes.clips.splits import split_clips
from probes.clips.view_sampler import ViewSampler
from scenes.clip import Clip
from scenes.readers.image_files import list_images
from scenes.readers.image_folder import read_image_folder


class LabelledClips(ClipSet):
    """Label files of a folder (`probes.clips.label_files`), split by clip; views are drawn as in the published code.

    Args:
        folder: of label files, one a clip.
        videos: folder of image folders named after the clips, at full size; without it, encoders see the pictures of
            the label files.
        sampler: of views, fixed for validation and test.
        seed: of the split and of the fixed views.
        foreground: whether only pixels of the object count.
        unproject: whether points are unprojected from depth, instead of read.
    """

    def __init__(
        self,
        *,
        folder: str,
        videos: str | None = None,
        sampler: ViewSampler,
        seed: int = 0,
        foreground: bool = False,
        unproject: bool = True,
    ) -> None:
        self.folder, self.videos = Path(folder), Path(videos) if videos else None
        self.sampler, self.seed, self.foreground, self.unproject = sampler, seed, foreground, unproject
        names = sorted(path.stem for path in self.folder.glob("*.safetensors"))
        if not names:
            raise FileNotFoundError(
                f"no label files in '{folder}': have a provider write them (probes/clips/label_files.py)"
            )
        self.key = hashlib.sha256("".join([str(videos), *names]).encode()).hexdigest()[:16]
        split = split_clips(names, seed)
        self.splits = {"train": split.train, "val": split.val, "test": split.test}

    def prepare(self) -> None:
        """Leave labels to their provider."""

    def clip(self, name: str) -> Clip:
        """Read the pictures of a clip; timestamps are frame numbers, which no extractor reads."""
        file = self._file(name)
        if self.videos is not None:
            pictures = len(list_images(self.videos / name))
            if pictures == len(file):  # cut already
                return read_image_folder(self.videos / name)
            if pictures < file.start + len(file):
                raise ValueError(
                    f"{self.videos / name} has {pictures} pictures, and the labels are of {len(file)} from number "
                    f"{file.start} on: give the whole video, or exactly the labelled frames"
                )
            return read_image_folder(self.videos / name, indices=range(file.start, file.start + len(file)))
        video = file.images(range(len(file)))
        return Clip(video, torch.arange(len(video), dtype=torch.float32), name=name)

    def views(self, name: str, generator: torch.Generator | None = None) -> list[int]:
        """Draw views; without a generator, those that are fixed for the clip."""
        return self.sampler.fixed(name, self.seed) if generator is None else self.sampler.draw(generator)

    def kept(self, name: str) -> list[int]:
        """Name all frames that can be drawn."""
        return self.sampler.reachable()

    def labels(self, name: str, views: Sequence[int]) -> Labels:
        """Read the labels of views alone."""
        return self._file(name).labels(views, self.foreground, self.unproject)

    def _file(self, name: str) -> LabelFile:
        return LabelFile(self.folder / f"{name}.safetensors")
