"""Segmentation by clicks or a box: SAM 2, and the tracker of SAM 3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from models.segmenters.contract import Click, Prompt, Segmentation, marked

Given = dict[str, Any]  # marks of one frame, as a processor names them
CACHED = 16  # frames whose features regions share: about 40 MB each


class ClickSegmenter:
    """SAM 2 (arXiv 2408.00714) or SAM 3's tracker (arXiv 2511.16719) on pictures.

    One click gives the mask with the highest predicted IoU of three; several clicks, or a box, give one mask, as the
    authors advise. Coordinates are passed as they are: SAM adds half a pixel of its own grid.
    """

    tracks = False

    def __init__(self, network: Any, processor: Any) -> None:
        self.network, self.processor = network, processor

    @torch.inference_mode()
    def __call__(self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]) -> list[Segmentation]:
        """Mark each object in the frames of its clicks, or of its box."""
        return [
            Segmentation(marked({frame: self._mask(video[frame], given) for frame, given in _by_frame(prompt).items()}))
            for prompt in prompts
        ]

    def _mask(self, image: UInt8[Tensor, "3 height width"], given: Given) -> Bool[Tensor, "height width"]:
        inputs = self.processor(images=[image], **given, return_tensors="pt")
        one_click = given.get("input_labels") is not None and len(given["input_labels"][0][0]) == 1
        outputs = self.network(**inputs.to(self.network.device), multimask_output=one_click)
        (masks,) = self.processor.post_process_masks(outputs.pred_masks, inputs["original_sizes"])
        best: Tensor = masks[0, int(outputs.iou_scores[0, 0].argmax())]
        return best


class ClickTracker:
    """The video model of SAM 2, or SAM 3's: clicks on any frames or a box on one, and the object in all of them.

    Each object has a session of its own, so that its masks do not depend on other regions.
    """

    tracks = True

    def __init__(self, network: Any, processor: Any) -> None:
        self.network, self.processor = network, processor

    @torch.inference_mode()
    def __call__(self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]) -> list[Segmentation]:
        """Follow each object from the first frame with a mark, forwards and then backwards."""
        size, cache, found = [list(video.shape[2:])], None, []
        for prompt in prompts:
            session = self.processor.init_video_session(
                video=video,
                inference_device=self.network.device,
                dtype=torch.float32,
                max_vision_features_cache_size=min(len(video), CACHED),
            )
            cache = session.cache = cache or session.cache
            by_frame = _by_frame(prompt)
            for frame, given in by_frame.items():
                self.processor.add_inputs_to_inference_session(session, frame_idx=frame, obj_ids=0, **given)
                self.network(session, frame_idx=frame)
            masks = {}
            for reverse in (False, True):
                for output in self.network.propagate_in_video_iterator(
                    session, start_frame_idx=min(by_frame), reverse=reverse
                ):
                    (mask,) = self.processor.post_process_masks([output.pred_masks], original_sizes=size)
                    masks[output.frame_idx] = mask[0, 0]
            found.append(Segmentation(marked(masks)))
        return found


def _by_frame(prompt: Prompt) -> dict[int, Given]:
    if prompt.box is not None:
        return {prompt.frame or 0: {"input_boxes": [[[float(value) for value in prompt.box]]]}}
    frames: dict[int, list[Click]] = defaultdict(list)
    for click in sorted(prompt.clicks, key=lambda click: click.frame):
        frames[click.frame].append(click)
    return {frame: _points(clicks) for frame, clicks in frames.items()}


def _points(clicks: Sequence[Click]) -> Given:
    return {
        "input_points": [[[[float(click.x), float(click.y)] for click in clicks]]],
        "input_labels": [[[int(click.inside) for click in clicks]]],
    }
