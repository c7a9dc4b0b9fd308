"""The steps from a question and its clip to a question about regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.regionize.item import GroundedPhrase, Regionized, VideoQuestion
from benchmarks.regionize.matching import drop_shared, find_named
from benchmarks.regionize.phrases import FindPhrases
from models.detectors import Detector
from models.regions import Region, follow
from models.segmenters import Prompt, Segmenter
from scenes.clip import Clip
from scenes.readers.masks.coco import encode_mask


@dataclass(frozen=True)
class Steps:
    """What finds the phrases of a question, what they name, and how that is segmented and followed."""

    phrases: FindPhrases
    detector: Detector
    segmenter: Segmenter


def regionize(asked: VideoQuestion, clip: Clip, steps: Steps) -> Regionized:
    """Turn a question into one about regions; whatever is dropped says why."""
    phrases = steps.phrases(asked.question)
    if not phrases:
        return Regionized(asked, len(clip), dropped="no phrase names a thing")
    named = [find_named(clip.video, phrase, steps.detector) for phrase in phrases]
    followed = drop_shared(follow_named(named, clip, steps.segmenter))
    return finish(Regionized(asked, len(clip), tuple(followed)))


def follow_named(named: Sequence[GroundedPhrase], clip: Clip, segmenter: Segmenter) -> list[GroundedPhrase]:
    """Segment the chosen candidates and follow them through the clip.

    A segmenter of pictures marks one frame, from which `follow` propagates the mask by colour.
    """
    done = list(named)
    places = [k for k, each in enumerate(done) if each.chosen is not None and not each.dropped]
    chosen = [done[k].candidates[done[k].chosen or 0] for k in places]
    prompts = [Prompt(box=each.box, frame=each.frame) for each in chosen]
    for k, segmentation in zip(places, segmenter(clip.video, prompts) if prompts else (), strict=True):
        if not segmentation.masks:
            done[k] = replace(done[k], masks={}, dropped="nothing segmented")
            continue
        region = Region(segmentation.masks)
        if not segmenter.tracks:
            (region,) = follow(clip.video, [region])
        codes = {t: encode_mask(mask.numpy()) for t, mask in sorted(region.masks.items()) if mask.any()}
        done[k] = replace(done[k], masks=codes)
    return done


def finish(item: Regionized) -> Regionized:
    """Drop an item without regions."""
    if item.regions or item.dropped:
        return item
    reasons = "; ".join(f"{each.phrase.words}: {each.dropped}" for each in item.named)
    return replace(item, dropped=f"no region ({reasons})")
