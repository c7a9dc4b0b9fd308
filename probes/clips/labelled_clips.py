"""Clips of real footage with label files of any provider: CO3Dv2, DL3DV or others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from probes.clips.clip_sets import ClipSet
from probes.clips.label_files import MASKS, SHAPES, LabelFile
from probes.clips.labels import Labels
from probes.clips.splits import split_clips
from probes.clips.view_sampler import ViewSampler
from scenes.clip import Clip
from scenes.readers.image_files import list_images
from scenes.readers.image_folder import read_image_folder


class LabelledClips(ClipSet):
    """Label files of a folder (`probes.clips.label_files`), split by clip; views are drawn as in the published code.

    Args:
        folder: folder of label files, one per clip.
        videos: folder of image folders named after the clips, at full size; without it, extractors see the pictures of
            the label files.
        sampler: sampler of views, which are fixed for validation and test.
        seed: seed of the split and of the fixed views.
        foreground: whether only pixels of the object count.
        unproject: whether points are unprojected from depth, instead of read.

    Raises:
        FileNotFoundError: If the folder has no label files.
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
        self.key = "labels" if self.videos is None else "pictures"
        self._stored: dict[str, str] = {}
        split = split_clips(names, seed)
        self.splits = {"train": split.train, "val": split.val, "test": split.test}

    def stored_name(self, name: str) -> str:
        """Name a clip by its name and pictures, wherever its folders lie: other clips may come and go."""
        if name not in self._stored:
            digest = hashlib.sha256(self._file(name).digest("images").encode())
            for path in list_images(self.videos / name) if self.videos is not None else ():
                digest.update(f"{path.name} {path.stat().st_size}".encode())
            self._stored[name] = f"{name}.{digest.hexdigest()[:12]}"
        return self._stored[name]

    def label_name(self, name: str) -> str:
        """Name labels by the clip's name, maps and cameras, and by what is read of them."""
        file = self._file(name)
        maps = [key for key in SHAPES if key != "images"] + [MASKS] * (self.foreground and file.has_masks)
        return f"{name}.{file.digest(*maps)}.{self.foreground:d}{self.unproject:d}"

    def prepare(self) -> None:
        """Do nothing: labels come from their provider."""

    def clip(self, name: str) -> Clip:
        """Read the pictures of a clip; its timestamps are frame numbers, because no extractor reads them."""
        file = self._file(name)
        if self.videos is not None:
            pictures = len(list_images(self.videos / name))
            if pictures == len(file):  # the folder holds the labelled frames alone
                return read_image_folder(self.videos / name)
            if pictures < file.start + len(file):
                raise ValueError(
                    f"{self.videos / name} has {pictures} pictures, but the labels are of {len(file)} frames from "
                    f"{file.start} on: give the whole video, or exactly the labelled frames"
                )
            return read_image_folder(self.videos / name, indices=range(file.start, file.start + len(file)))
        video = file.images(range(len(file)))
        return Clip(video, torch.arange(len(video), dtype=torch.float32), name=name)

    def views(self, name: str, generator: torch.Generator | None = None) -> list[int]:
        """Draw views; without a generator, return the fixed views of the clip."""
        return self.sampler.fixed(name, self.seed) if generator is None else self.sampler.draw(generator)

    def kept(self, name: str) -> list[int]:
        """List all frames that can be drawn."""
        return self.sampler.reachable()

    def labels(self, name: str, views: Sequence[int]) -> Labels:
        """Read the labels of the views and no others."""
        return self._file(name).labels(views, self.foreground, self.unproject)

    def _file(self, name: str) -> LabelFile:
        return LabelFile(self.folder / f"{name}.safetensors")
