"""What speaks for a lifted shape, and the choice between the network's shape and what is seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from models.geometry.mesh import sphericity
from models.lifting.calibration import Calibration, Signs
from models.lifting.fitting.agreement import Agreement, hidden_outline, measure_agreement
from models.lifting.fitting.inflated_mask import inflate_mask
from models.lifting.fitting.samples import PosedSample
from models.lifting.fitting.visible_hull import VisibleHull, visible_hull
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.options import ShapeChoice

# chosen on 40 objects of training worlds from seed 800,000: the largest excess where the network's shape was still the
# better one of an object that is in full view; where more is hidden, the hull is nearly always the worse one
MAX_EXCESS = 0.12  # of the network's disagreement over the hull's
MAX_EXCESS_OF_MASK = 0.6  # the same without depth, over the inflated mask, on the first 64 of these worlds
MAX_HIDDEN = 0.15  # share of the outline that something else, or the edge of the picture, hides

Source = Literal["network", "hull", "mask"]


@dataclass(frozen=True)
class Judgement:
    """Where the shape of an object comes from, and how well it agrees with the picture.

    Args:
        source: "network"; "hull" for what is seen, completed by symmetry where that fits (`visible_hull`); or "mask"
            for the inflated mask (`inflate_mask`), which takes its place where there is no depth.
        reason: why, in one line.
        network: agreement of the network's shape with the picture; None without a camera, or where no network ran.
        hull: agreement of the visible hull, or of the inflated mask; None where none was built.
        spread: distance of the network's samples from each other, see `Consensus`.
        sphericity: of the network's shape; None where none ran.
        confidence: expected solid IoU of the network's shape with the true object, pose and scale included; None for a
            hull or a mask, and where the model has no calibration, saw no points or drew one sample.
        unlike_training: whether the network's shape agrees worse than those of 95 % of the objects that the model's
            calibration knows, or so much worse than the hull that the hull is taken; None without a calibration or
            points.
    """

    source: Source
    reason: str
    network: Agreement | None = None
    hull: Agreement | None = None
    spread: float | None = None
    sphericity: float | None = None
    confidence: float | None = None
    unlike_training: bool | None = None


def judge(
    picture: MaskedPicture, network: PosedSample, choice: ShapeChoice, calibration: Calibration | None
) -> tuple[PosedSample, Judgement]:
    """Keep the network's shape, or take the visible hull where `choice` is "auto" and the hull agrees clearly better.

    Without points, the inflated mask takes the place of the hull, and silhouettes are compared alone.

    The hull is taken where the network's disagreement with what is seen (`Agreement`) exceeds that of the hull by more
    than `MAX_EXCESS`, and no more than `MAX_HIDDEN` of the object's outline is hidden: of what is hidden, the hull
    knows nothing.
    """
    if picture.points is None and picture.known_intrinsics is None:
        return network, Judgement("network", "there is neither depth nor a camera to compare it with")
    mesh = network.in_camera()
    ours = measure_agreement(mesh, picture)
    signs = Signs(ours, network.spread, sphericity(mesh))
    kept = Judgement("network", "no other was asked for", ours, spread=network.spread, sphericity=signs.sphericity)
    if calibration is not None and picture.points is not None:
        confidence, unlike = calibration.confidence(signs), ours.disagreement > calibration.unlike
        kept = replace(kept, confidence=confidence, unlike_training=unlike)
    if choice == "network":
        return network, kept
    if picture.points is None and is_box(picture.mask):
        return network, replace(kept, reason="a box does not show the outline")
    try:
        other, source, kind = _seen_solid(picture, float(np.linalg.norm(network.fit.cam_T_obj[:3, 3])))
    except ValueError as error:
        return network, replace(kept, reason=f"nothing could be built from what is seen: {error}")
    theirs = measure_agreement(other.in_camera(), picture)
    kept = replace(kept, hull=theirs)
    figures = f"{shown(ours)}; the {source}: {shown(theirs)}"
    if ours.disagreement - theirs.disagreement <= (MAX_EXCESS if source == "hull" else MAX_EXCESS_OF_MASK):
        word = "it agrees with what is seen" if source == "hull" else "without depth its silhouette alone is compared"
        return network, replace(kept, reason=f"{word} ({figures})")
    hidden = hidden_outline(picture)
    if hidden > MAX_HIDDEN:
        return network, replace(kept, reason=f"other things hide {hidden:.0%} of the outline ({figures})")
    reason = f"{kind}, because the network's shape disagrees with what is seen ({figures})"
    # no training object in full view is like that; without depth nothing is known of what hides it
    differs = True if calibration is not None and source == "hull" else None
    return other, replace(kept, source=source, reason=reason, confidence=None, unlike_training=differs)


def judge_hull(picture: MaskedPicture, distance: float = 1.0) -> tuple[PosedSample, Judgement]:
    """Take the visible hull without asking a network; without points the inflated mask, at a distance.

    Raises:
        ValueError: too few points are visible for one, or there is neither depth nor a camera.
    """
    made, source, kind = _seen_solid(picture, distance)
    agreement = measure_agreement(made.in_camera(), picture)
    return made, Judgement(source, f"{kind} ({shown(agreement)})", hull=agreement)


def _seen_solid(picture: MaskedPicture, distance: float) -> tuple[PosedSample, Source, str]:
    """Build the solid that needs no network, with its source and a word about it; `distance` is for a mask alone."""
    if picture.points is None:
        intrinsics = picture.intrinsics.double().numpy()
        return inflate_mask(picture.mask.numpy(), intrinsics, distance), "mask", "inflated to a solid"
    made = visible_hull(picture.evidence)
    kind = "completed by symmetry" if made.mirror is not None else "not completed, no symmetry fits"
    return posed_hull(made), "hull", kind


def is_box(mask: Bool[Tensor, "height width"]) -> bool:
    """Tell whether a mask is a box along the picture's axes, as people mark one, and no outline."""
    (rows,), (cols,) = (torch.nonzero(mask.any(axis), as_tuple=True) for axis in (1, 0))
    return bool(mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].all())


def posed_hull(hull: VisibleHull) -> PosedSample:
    """Bring a hull into the form of a sample."""
    return PosedSample(hull.mesh, hull.fit)


def shown(agreement: Agreement) -> str:
    """Write an agreement."""
    depth = "" if agreement.depth is None else f", depth off by {agreement.depth:.0%} of the size"
    return f"silhouette {agreement.silhouette:.0%}{depth}"
