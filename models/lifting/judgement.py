"""What speaks for a lifted shape, and the choice between the network's shape and the visible hull."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from models.lifting.calibration import Calibration
from models.lifting.fitting.agreement import Agreement, hidden_outline, measure_agreement
from models.lifting.fitting.samples import PosedSample
from models.lifting.fitting.visible_hull import VisibleHull, visible_hull
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.options import ShapeChoice

# chosen on 40 objects of training worlds from seed 800,000: the largest excess where the network's shape was still the
# better one of an object that is in full view; where more is hidden, the hull is nearly always the worse one
MAX_EXCESS = 0.12  # of the network's disagreement over the hull's
MAX_HIDDEN = 0.15  # share of the outline that something else, or the edge of the picture, hides


@dataclass(frozen=True)
class Judgement:
    """Where the shape of an object comes from, and how well it agrees with the picture.

    Args:
        source: "network", or "hull" for what is seen, completed by symmetry where that fits (`visible_hull`).
        reason: why, in one line.
        network: agreement of the network's shape with the picture; None without points, or where no network ran.
        hull: agreement of the visible hull; None where none was built.
        spread: distance of the network's samples from each other, see `Consensus`.
        confidence: expected solid IoU of the network's shape with the true object, pose and scale included; None for a
            hull, and where the model has no calibration or drew one sample.
        unlike_training: whether the network's shape agrees worse than those of 95 % of the objects that the model's
            calibration knows, or so much worse than the hull that the hull is taken; None without a calibration.
    """

    source: Literal["network", "hull"]
    reason: str
    network: Agreement | None = None
    hull: Agreement | None = None
    spread: float | None = None
    confidence: float | None = None
    unlike_training: bool | None = None


def judge(
    picture: MaskedPicture, network: PosedSample, choice: ShapeChoice, calibration: Calibration | None
) -> tuple[PosedSample, Judgement]:
    """Keep the network's shape, or take the visible hull where `choice` is "auto" and the hull agrees clearly better.

    The hull is taken where the network's disagreement with what is seen (`Agreement`) exceeds that of the hull by more
    than `MAX_EXCESS`, and no more than `MAX_HIDDEN` of the object's outline is hidden: of what is hidden, the hull
    knows nothing.
    """
    if picture.points is None:
        return network, Judgement("network", "there is no depth to compare it with")
    ours = measure_agreement(network.in_camera(), picture)
    kept = Judgement("network", "no other was asked for", ours, spread=network.spread)
    if calibration is not None:
        confidence, unlike = calibration.confidence(ours, network.spread), ours.disagreement > calibration.unlike
        kept = replace(kept, confidence=confidence, unlike_training=unlike)
    if choice == "network":
        return network, kept
    try:
        made = visible_hull(picture.evidence)
    except ValueError as error:
        return network, replace(kept, reason=f"there is no visible hull: {error}")
    theirs = measure_agreement(posed_hull(made).in_camera(), picture)
    kept = replace(kept, hull=theirs)
    figures = f"{shown(ours)}; the hull: {shown(theirs)}"
    if ours.disagreement - theirs.disagreement <= MAX_EXCESS:
        return network, replace(kept, reason=f"it agrees with what is seen ({figures})")
    hidden = hidden_outline(picture)
    if hidden > MAX_HIDDEN:
        return network, replace(kept, reason=f"other things hide {hidden:.0%} of the outline ({figures})")
    reason = f"{_kind(made)}, because the network's shape disagrees with what is seen ({figures})"
    differs = None if calibration is None else True  # no training object in full view is like that
    return posed_hull(made), replace(kept, source="hull", reason=reason, confidence=None, unlike_training=differs)


def judge_hull(picture: MaskedPicture) -> tuple[PosedSample, Judgement]:
    """Take the visible hull, which was asked for.

    Raises:
        ValueError: too few points are visible for one.
    """
    made = visible_hull(picture.evidence)
    agreement = measure_agreement(posed_hull(made).in_camera(), picture)
    return posed_hull(made), Judgement("hull", f"{_kind(made)}, as asked for ({shown(agreement)})", hull=agreement)


def posed_hull(hull: VisibleHull) -> PosedSample:
    """Bring a hull into the form of a sample."""
    return PosedSample(hull.mesh, hull.fit)


def shown(agreement: Agreement) -> str:
    """Write an agreement."""
    return f"silhouette {agreement.silhouette:.0%}, depth off by {agreement.depth:.0%} of the size"


def _kind(hull: VisibleHull) -> str:
    return "completed by symmetry" if hull.mirror is not None else "not completed, no symmetry fits"
