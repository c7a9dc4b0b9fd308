"""From the clicks of a region to its masks, by a segmenter."""

from __future__ import annotations

from collections.abc import Sequence

from models.regions import Region, follow
from models.segmenters import Click, Prompt, Segmenter
from region4d.app.marks.forms import CanvasMark, ClickMark, MaskMark
from region4d.app.marks.marked import has_joined_frames
from scenes.clip import Clip


def segment_clicks(clip: Clip, marks: Sequence[CanvasMark], region: int, segmenter: Segmenter) -> list[CanvasMark]:
    """Replace the masks of a region by those that a segmenter makes of all its clicks.

    They take the place of the first mask or click of the region, so that strokes drawn later still count. What a
    segmenter of single frames finds is followed to the others by colour. Where depth has no poses, only the frame of
    the clicks is segmented.

    Raises:
        ValueError: no click is on the object, the clicks are on frames that nothing joins, or nothing is found.
    """
    clicks = [mark for mark in marks if isinstance(mark, ClickMark) and mark.region == region]
    if not any(click.inside for click in clicks):
        raise ValueError(f"region {region} has no click on the object; click on it without Shift")
    frames = list(range(len(clip)))
    if not has_joined_frames(clip):
        frames = sorted({click.frame for click in clicks})
        if len(frames) > 1:
            raise ValueError(
                f"region {region} is clicked on frames {', '.join(map(str, frames))}, but no camera poses join the "
                "frames of this footage; click on one frame"
            )
    seen = clip.frames(frames)
    prompt = Prompt(tuple(Click(frames.index(each.frame), each.x, each.y, each.inside) for each in clicks))
    (found,) = segmenter(seen.video, [prompt])
    if not found.masks:
        raise ValueError(f"the segmenter finds nothing at the clicks of region {region}; click elsewhere, or draw it")
    masks = found.masks
    if len(seen) > 1 and not segmenter.tracks:
        masks = follow(seen.video, [Region(masks)])[0].masks
    made = [MaskMark.of(region, frames[place], mask) for place, mask in sorted(masks.items()) if bool(mask.any())]
    own = [mark for mark in marks if mark.region == region and isinstance(mark, ClickMark | MaskMark)]
    first = next(place for place, mark in enumerate(marks) if mark is own[0])
    rest = [mark for mark in marks[first:] if not (mark.region == region and isinstance(mark, ClickMark | MaskMark))]
    return [*marks[:first], *clicks, *made, *rest]
