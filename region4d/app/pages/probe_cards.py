"""What the Probe page says of a reading, as HTML: errors, depth as pictures, features as colours by layer."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from region4d.app.probing.frozen_models import FrozenModel
from region4d.app.probing.linear_head import FIRST_SEED, WORLDS
from region4d.app.probing.pictures import WORST_ERROR, depth_pictures, error_pictures, feature_colours, picture_url
from region4d.app.probing.reading import Reading
from scenes.clip import Clip

NO_CLIP = '<div class="r4d-empty r4d-nothing"><b>No clip yet</b><span>Open a world, or footage of yours.</span></div>'
NOTHING = (
    '<div class="r4d-empty"><b>Nothing probed yet</b><span>Open a clip, choose a frozen model and press Probe: what '
    "its features say about depth and points appears here.</span></div>"
)
METRICS = {  # as reports of probe studies name them, with their meaning
    "point_error": ("point error", "mean distance of aligned points, in mean distances of the first view's points"),
    "abs_rel": ("AbsRel", "mean of |predicted - true| / true depth, after one scale for the clip"),
    "depth_error": ("depth error", "mean of |predicted - true| depth, in the unit of the point error, not aligned"),
}
BLIND = "without looking: what the head predicts of any clip, the mean of the worlds that it was fitted on"
LONGEST = 240  # side of a frame, pixels


def frames_html(clip: Clip) -> str:
    """Show the frames of a clip."""
    height, width = clip.size
    pictures = [picture_url(each, photo=True) for each in _small(clip.video)]
    return (
        f'<div class="r4d-strip r4d-plain" style="--columns:{min(4, len(clip))};--aspect:{width} / {height}">'
        + "".join(f'<img alt="frame {k} of {len(clip)}" src="{url}">' for k, url in enumerate(pictures))
        + "</div>"
    )


def reading_html(reading: Reading, model: FrozenModel, seconds: float) -> str:
    """Write the errors of a reading, and how it was made."""
    lines = [
        f"points and depth are read from layer {reading.layer} by {_head(model)}",
        f"frames were resized to {model.extractor.size[1]}x{model.extractor.size[0]}; "
        f"{len(reading.views)} of {len(reading.clip)} are read",
        *reading.notes,
    ]
    if reading.labels is not None:
        lines += [f"{name}: {meaning}" for name, meaning in METRICS.values()]
        lines += [] if reading.blind is None else [BLIND]
    given = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return (
        f'<section class="r4d-card"><span class="r4d-model">{html.escape(model.name)}</span>'
        f'<span class="r4d-time">{seconds:.2f} s</span><p class="r4d-about">{html.escape(model.about)}</p>'
        f"{_errors(reading)}<details open><summary>How this was read</summary><ul>{given}</ul></details></section>"
    )


def features_html(reading: Reading) -> str:
    """Write the features of every layer as colours, with the errors of its head."""
    lead = (
        "Three principal components as red, green and blue. Cells of one colour have similar features; colours of two "
        "layers cannot be compared."
    )
    values = {layer: found.values.float() for layer, found in reading.features.items()}
    page = f'<h3 class="r4d-title">Features by layer</h3><p class="r4d-lead">{lead}</p>{_layers(reading, values)}'
    if not reading.usual:
        return page
    unusual = {layer: found - reading.usual[layer] for layer, found in values.items()}
    return (
        f'{page}<details class="r4d-all"><summary>The same, less the mean of each cell over the worlds of the head: '
        f"what a place in the picture says by itself is left out</summary>{_layers(reading, unusual)}</details>"
    )


def _layers(reading: Reading, features: Mapping[int, Float[Tensor, "slot rows cols channel"]]) -> str:
    rows = [("frames", "what the model saw", _slot_frames(reading))]
    for layer, values in features.items():
        found = feature_colours(values)
        about = f"{found.share:.0%} of the variance"
        prediction = reading.predictions.get(layer)
        if prediction is None:
            about += "; no head"
        elif prediction.errors is not None:
            about += f"; AbsRel {prediction.errors['abs_rel']:.3f}"
        rows.append((f"layer {layer}", about, [picture_url(each) for each in found.rgb]))
    return _grid(rows, _aspect(reading), sharp=True)


def _head(model: FrozenModel) -> str:
    if model.trained:
        return "the probe that this run trained"
    last = FIRST_SEED + WORLDS - 1
    return (
        f"a linear head (ridge regression), fitted here on worlds {FIRST_SEED} to {last}: region4d ships no trained "
        "probe; --probe names one of yours"
    )


def _errors(reading: Reading) -> str:
    errors, blind = reading.prediction.errors, reading.blind
    if errors is None:
        return ""
    mean = None if blind is None else blind.errors
    head = "<th>without looking</th>" if mean is not None else ""
    rows = ""
    for key, (name, _) in METRICS.items():
        other = "" if mean is None else f"<td>{mean[key]:.3f}</td>"
        rows += f"<tr><td>{name}</td><td>{errors[key]:.3f}</td>{other}</tr>"
    return (
        f'<table class="r4d-table r4d-errors"><thead><tr><th>error</th><th>predicted</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def depth_html(reading: Reading, truth: str) -> str:
    """Draw predicted depth below that of the footage, which `truth` names, and its error."""
    prediction, labels = reading.prediction, reading.labels
    views = reading.clip.frames(reading.views)
    frames = [picture_url(each, photo=True) for each in _small(views.video)]
    rows = [("frames", "", frames)]
    if labels is None:
        predicted = depth_pictures(prediction.depth, prediction.depth.flatten())
        rows.append(("predicted", "", [picture_url(each) for each in predicted]))
        return f'<h3 class="r4d-title">Depth</h3>{_grid(rows, _aspect(reading))}'
    true, valid = labels.depth, labels.valid
    scale = true[valid].median() / prediction.depth[valid].median()
    scaled = scale * prediction.depth
    share = torch.where(valid, (scaled - true).abs() / true.clamp_min(1e-6), torch.zeros_like(true))
    errors = share.flatten(1).sum(1) / valid.flatten(1).sum(1).clamp_min(1)
    below = [f"{float(error):.0%} off" for error in errors]
    rows += [
        (f"{truth} depth", "", [picture_url(each) for each in depth_pictures(true, true[valid], valid)]),
        ("predicted", "at its best scale", [picture_url(each) for each in depth_pictures(scaled, true[valid], valid)]),
        ("error", f"blue 0, yellow {WORST_ERROR:.0%} and more", [picture_url(each) for each in error_pictures(share)]),
    ]
    return f'<h3 class="r4d-title">Depth</h3>{_grid(rows, _aspect(reading), below)}'


def _aspect(reading: Reading) -> str:
    height, width = reading.clip.size
    return f"{width} / {height}"


def _grid(
    rows: Sequence[tuple[str, str, Sequence[str]]], aspect: str, below: Sequence[str] = (), sharp: bool = False
) -> str:
    """Lay pictures out, all with the aspect ratio of the clip: a title, what it says, and one picture a column."""
    columns = len(rows[-1][2])
    parts = []
    for title, about, pictures in rows:
        small = f"<small>{html.escape(about)}</small>" if about else ""
        parts.append(f"<div><b>{html.escape(title)}</b>{small}</div>")
        parts += [
            f'<img alt="{html.escape(title)}, {k + 1} of {columns}" src="{url}">' for k, url in enumerate(pictures)
        ]
    if below:
        parts.append("<div></div>" + "".join(f"<span>{html.escape(text)}</span>" for text in below))
    kind = "r4d-strip r4d-sharp" if sharp else "r4d-strip"
    return f'<div class="{kind}" style="--columns:{columns};--aspect:{aspect}">{"".join(parts)}</div>'


def _slot_frames(reading: Reading) -> list[str]:
    """Show the first frame that each slot encodes."""
    slots = next(iter(reading.features.values())).slots.frames
    return [picture_url(each, photo=True) for each in _small(reading.clip.video[[slot[0] for slot in slots]])]


def _small(video: Tensor) -> Float[Tensor, "time 3 height width"]:
    """Shrink frames to what a page shows of them."""
    zoom = min(1.0, LONGEST / max(video.shape[-2:]))
    size = (max(1, round(zoom * video.shape[-2])), max(1, round(zoom * video.shape[-1])))
    return F.interpolate(video.float() / 255, size, mode="bilinear", antialias=True).clamp(0, 1)
