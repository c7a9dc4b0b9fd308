"""Segmentation by a text: SAM 3 (arXiv 2511.16719)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from models.segmenters.contract import Prompt, Segmentation, marked

THRESHOLD = 0.5  # of the score of an object, and of the probability of a pixel, as the authors use them


class TextSegmenter:
    """SAM 3 on pictures: the object with the highest score in the frame of the prompt, else in the first with any."""

    tracks = False

    def __init__(self, network: Any, processor: Any) -> None:
        self.network, self.processor = network, processor

    @torch.inference_mode()
    def __call__(self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]) -> list[Segmentation]:
        """Mark each object in one frame."""
        return [self._segment(video, prompt) for prompt in prompts]

    def _segment(self, video: UInt8[Tensor, "time 3 height width"], prompt: Prompt) -> Segmentation:
        for frame in range(len(video)) if prompt.frame is None else [prompt.frame]:
            inputs = self.processor(images=[video[frame]], text=prompt.text, return_tensors="pt")
            outputs = self.network(**inputs.to(self.network.device))
            (result,) = self.processor.post_process_instance_segmentation(
                outputs, threshold=THRESHOLD, mask_threshold=THRESHOLD, target_sizes=[tuple(video.shape[2:])]
            )
            masks = result["masks"].bool()
            shown = masks.flatten(1).any(1).nonzero()[:, 0]
            if len(shown):
                best = shown[result["scores"][shown].argmax()]
                return Segmentation(marked({frame: masks[best]}), len(shown))
        return Segmentation({}, 0)


class TextTracker:
    """The video model of SAM 3: the object with the highest score among those that show in the frame of the prompt."""

    tracks = True

    def __init__(self, network: Any, processor: Any) -> None:
        self.network, self.processor = network, processor

    @torch.inference_mode()
    def __call__(self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]) -> list[Segmentation]:
        """Find and follow each object through all frames."""
        return [self._segment(video, prompt) for prompt in prompts]

    def _segment(self, video: UInt8[Tensor, "time 3 height width"], prompt: Prompt) -> Segmentation:
        session = self.processor.init_video_session(
            video=video, inference_device=self.network.device, dtype=torch.float32
        )
        self.processor.add_text_prompt(session, prompt.text)
        masks: dict[int, dict[int, Tensor]] = {}
        scores: dict[int, float] = {}
        for output in self.network.propagate_in_video_iterator(session):
            result = self.processor.postprocess_outputs(session, output)
            for number, score, mask in zip(
                result["object_ids"].tolist(), result["scores"].tolist(), result["masks"], strict=True
            ):
                masks.setdefault(number, {})[output.frame_idx] = mask
                scores[number] = max(score, scores.get(number, score))
        tracks = {number: marked(found) for number, found in masks.items()}
        shown = [n for n, track in tracks.items() if track and (prompt.frame is None or prompt.frame in track)]
        if not shown:
            return Segmentation({}, 0)
        return Segmentation(tracks[max(shown, key=lambda number: scores[number])], len(shown))
