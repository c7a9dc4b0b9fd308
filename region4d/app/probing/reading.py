"""Reading a clip: the features of every layer, and the points and depth that a head predicts from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from probes.clips.labels import Labels
from probes.dense_errors import dense_errors
from probes.extractors.slots import Features
from region4d.app.opening import Opened
from region4d.app.probing.frozen_models import FrozenModel
from region4d.app.probing.linear_head import LinearHead, labels_of
from region4d.app.work import Report
from scenes.clip import Clip

METRICS = ("point_error", "depth_error", "abs_rel")


@dataclass(frozen=True)
class Prediction:
    """The output of one head, in mean distances of the first view's points, and its errors where truth is known."""

    points: Float[Tensor, "view height width 3"]
    depth: Float[Tensor, "view height width"]
    errors: Mapping[str, float] | None


@dataclass(frozen=True)
class Reading:
    """What one frozen model holds of a clip. `clip` has the frames that the model saw, `views` those that are read.

    `predictions` are by layer; those of layers without a head are missing. `blind` is what the linear head of `layer`
    predicts without looking. `labels` are None where the footage has no geometry to compare with, and a note says so.
    `usual` is the mean of the features of each layer over the worlds of the linear heads; empty without those.
    """

    clip: Clip
    views: Sequence[int]
    layer: int
    features: Mapping[int, Features]
    predictions: Mapping[int, Prediction]
    blind: Prediction | None
    labels: Labels | None
    usual: Mapping[int, Float[Tensor, "slot rows cols channel"]]
    notes: Sequence[str]

    @property
    def prediction(self) -> Prediction:
        """That of the layer that was asked for."""
        return self.predictions[self.layer]


def read_clip(model: FrozenModel, opened: Opened, layer: int | None, report: Report) -> Reading:
    """Extract the features of all layers of a clip and run every head on them.

    Args:
        model: the frozen model and its heads.
        opened: the clip.
        layer: whose points and depth are shown; None for that of the model.
        report: told how far it is.

    Raises:
        ValueError: the clip is too short, the layer does not exist, or it has no head.
    """
    notes: list[str] = []
    clip = _frames(opened.clip, model.frames, notes)
    with model.lock:
        report(f"loading {model.name}", 0.0)
        extractor = model.extractor
        chosen = model.options.layers[0] if layer is None else layer
        extractor.check([chosen], model.noise)
        if model.trained and chosen not in model.trained:
            known = ", ".join(map(str, model.trained))
            raise ValueError(f"no probe of layer {chosen} is in this run; it has layers {known}")
        heads = model.heads(report)
        report("reading the clip", 0.98)
        layers = range(len(extractor.blocks))
        features = extractor.extract(clip.video, layers, model.noise, clip.name)
    views = model.views
    labels = _labels(clip.frames(views), heads[chosen].size, notes)
    rows = {each: found.values[found.slots.slots_of(views)].float() for each, found in features.items()}
    predictions = {each: _measured(head.predict(rows[each]), labels) for each, head in heads.items()}
    head = heads[chosen]
    blind = _measured(head.blind(), labels) if isinstance(head, LinearHead) else None
    usual = {each: linear.usual for each, linear in heads.items() if isinstance(linear, LinearHead)}
    return Reading(clip, views, chosen, features, predictions, blind, labels, usual, notes)


def _frames(clip: Clip, count: int, notes: list[str]) -> Clip:
    """Take as many frames as the model was trained on, uniformly; of a shorter clip some are repeated."""
    if len(clip) < count:
        notes.append(f"{len(clip)} of the {count} frames that this model takes were opened; they are repeated")
    return clip.frames([round(place) for place in torch.linspace(0, len(clip) - 1, count).tolist()])


def _labels(views: Clip, size: tuple[int, int], notes: list[str]) -> Labels | None:
    if views.depth is None:
        notes.append("this footage has no depth: there is nothing to compare the prediction with")
        return None
    if views.world_T_cam is None:
        notes.append("no camera poses join the frames of this footage: there is nothing to compare points with")
        return None
    return labels_of(views, size)


def _measured(predicted: tuple[Tensor, Tensor], labels: Labels | None) -> Prediction:
    points, depth = predicted
    if labels is None:
        return Prediction(points, depth, None)
    of_clip = {name: value[None] for name, value in asdict(labels).items()}
    errors = dense_errors(points[None], depth[None], of_clip)
    return Prediction(points, depth, {name: float(errors[name][0]) for name in METRICS})
