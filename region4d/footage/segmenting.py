"""From clicks and texts to marks, by a segmenter; followed through the frames by its tracker, or by colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from models.regions import Region, follow
from models.segmenters import Prompt, Segmentation, Segmenter, open_segmenter
from region4d.footage.marks import PROMPTS, Mark, Pointer
from scenes.clip import Clip


@dataclass(frozen=True)
class Segmenting:
    """The prompts of the regions that a segmenter marks, and the opened segmenters ("click", "text")."""

    pointers: Mapping[int, Sequence[Pointer]]
    prompts: Mapping[int, Prompt]
    segmenters: Mapping[str, Segmenter]
    name: str

    @classmethod
    def of(
        cls, pointers: Sequence[Pointer], clip: Clip, name: str | None, device: torch.device | str = "cpu"
    ) -> Segmenting:
        """Read the prompts and open what segments them.

        Raises:
            FileNotFoundError: the checkpoint is not on this machine.
            ValueError: there is no segmenter, it has nothing to do, or a click or text cannot be used.
        """
        by_region: dict[int, list[Pointer]] = defaultdict(list)
        for pointer in pointers:
            by_region[pointer.index].append(pointer)
        chosen = {k: given for k, given in by_region.items() if any(each.kind in PROMPTS for each in given)}
        if not chosen:
            if name is not None:
                raise ValueError("--segmenter has no effect without --click or --text; leave it out")
            return cls({}, {}, {}, "")
        if name is None:
            first = next(each for each in pointers if each.kind in PROMPTS)
            raise ValueError(
                f"{first.flag} needs a segmenter; give --segmenter FOLDER of SAM 2 (clicks) or SAM 3 (clicks, text), "
                "for example after 'hf download facebook/sam2.1-hiera-tiny', or mark a disc by --point"
            )
        prompts = {k: _prompt(k, given, clip) for k, given in chosen.items()}
        opened: dict[str, Segmenter] = {}
        for given in chosen.values():
            kind = given[0].kind
            if kind not in opened:
                opened[kind] = open_segmenter(name, "text" if kind == "text" else "click", device)
        return cls(chosen, prompts, opened, name)

    @property
    def frames(self) -> set[int]:
        """The frames that clicks and texts name."""
        named = {prompt.frame for prompt in self.prompts.values() if prompt.frame is not None}
        return named | {click.frame for prompt in self.prompts.values() for click in prompt.clicks}

    def on_one_frame(self) -> Segmenting:
        """Count the one frame that is kept as frame 0."""
        prompts = {
            k: replace(
                prompt,
                clicks=tuple(replace(click, frame=0) for click in prompt.clicks),
                frame=None if prompt.frame is None else 0,
            )
            for k, prompt in self.prompts.items()
        }
        return replace(self, prompts=prompts)

    def __call__(self, clip: Clip) -> tuple[list[Mark], list[str]]:
        """Mark the regions, and state what was done, one line each.

        Raises:
            ValueError: nothing is found where a region points at.
        """
        marks: list[Mark] = []
        notes: list[str] = []
        for way, segmenter in self.segmenters.items():
            indices = [k for k, given in self.pointers.items() if given[0].kind == way]
            found = segmenter(clip.video, [self.prompts[k] for k in indices])
            for k, segmentation in zip(indices, found, strict=True):
                pointer = self.pointers[k][0]
                self._refuse_nothing(pointer, segmentation, clip)
                region = Region(segmentation.masks, f"region{k}")
                if segmentation.matches > 1:
                    notes.append(
                        f"note: {pointer.flag} matches {segmentation.matches} objects; region {k} is the one with the "
                        "highest score; point at another one by --click"
                    )
                if len(clip) > 1 and not segmenter.tracks:
                    notes.append(
                        f"note: '{self.name}' segments single frames, region {k} on "
                        + (
                            f"frames {', '.join(map(str, region.masks))} alone"
                            if len(region.masks) > 1
                            else "one of them; it was followed to the others by colour (label propagation)"
                        )
                    )
                    (region,) = follow(clip.video, [region])
                marks += [Mark(pointer, frame, mask) for frame, mask in region.masks.items()]
        return marks, notes

    def _refuse_nothing(self, pointer: Pointer, found: Segmentation, clip: Clip) -> None:
        if found.masks:
            return
        where = "the frame that is used" if len(clip) == 1 else f"any of the {len(clip)} frames that are used"
        remedy = "click elsewhere" if pointer.kind == "click" else "use other words"
        raise ValueError(
            f"'{self.name}' finds nothing at {pointer.flag} in {where}; {remedy}, or mark it by --region or --mask"
        )


def _prompt(index: int, pointers: Sequence[Pointer], clip: Clip) -> Prompt:
    """Join the clicks of a region, or take its text."""
    kinds = sorted({pointer.kind for pointer in pointers})
    if len(kinds) > 1:
        raise ValueError(f"region {index} is marked by --{' and --'.join(kinds)}; mark it in one way")
    if kinds[0] == "text":
        if len(pointers) > 1:
            raise ValueError(f"region {index} has {len(pointers)} texts; give one, or number them as several regions")
        pointers[0].check_frame(len(clip))
        if not pointers[0].what.strip():
            raise ValueError(f"{pointers[0].flag} has no words; describe the object")
        return Prompt(text=pointers[0].what.strip(), frame=pointers[0].given_frame)
    clicks = tuple(pointer.click(clip) for pointer in pointers)
    if not any(click.inside for click in clicks):
        raise ValueError(f"{pointers[0].flag}: region {index} has no click on the object; add --click {index}:x,y")
    return Prompt(clicks)
