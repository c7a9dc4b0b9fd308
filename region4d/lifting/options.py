"""How `region4d lift` samples: what flags ask for, resolved against the model and the footage."""

from __future__ import annotations

from dataclasses import dataclass

from models.lifting import Guidance, Sampling
from models.lifting.options import Fitting, ShapeChoice

STEPS, SHORTCUT_STEPS = 25, 4
SAMPLES = 8  # of each object, of which its points, or without depth its mask, tell the best
GUIDANCE = 4.0  # best solid IoU of 0, 0.5, 1, 2 and 4 on 256 validation objects, before distillation; by little
MODALITIES = ("shape",)


@dataclass(frozen=True)
class LiftOptions:
    """What a person asks of the sampler; None leaves a choice to `resolve`.

    Args:
        steps: of the sampler.
        guidance: strength of classifier-free guidance.
        shortcut: few large jumps, for which a model is distilled.
        fit: what follows the visible points.
        best_of: number of samples of an object, of which the best is kept.
        choose: number of candidates among which a person chooses; 0 asks nobody.
        seed: of the noise.
        shape: of the network, of the visible hull (without depth: the inflated mask), or of the one that agrees better
            with what is seen ("auto").

    Raises ValueError for options that exclude each other.
    """

    steps: int | None = None
    guidance: float | None = None
    shortcut: bool | None = None
    fit: Fitting | None = None
    best_of: int | None = None
    choose: int = 0
    seed: int = 0
    shape: ShapeChoice | None = None

    def __post_init__(self) -> None:
        if self.shortcut and self.guidance is not None:
            raise ValueError("--shortcut and --guidance exclude each other (a shortcut model includes its guidance)")
        if self.choose and (self.best_of or 1) > 1:
            raise ValueError(
                "--choose and --best-of exclude each other: with --choose a person picks the sample; give one of them"
            )
        if self.choose and self.shape in ("auto", "hull"):
            raise ValueError(
                f"--choose compares samples of the network, and --shape {self.shape} may replace them; give one of them"
            )

    def resolve(self, distilled: bool, has_depth: bool, outlines: bool = False) -> Sampling:
        """Fill in the defaults.

        `outlines`: outlines are all there is (`outlines_alone`), so the masks are inflated, unless sampling was asked
        for: without depth, nothing tells the right shape of a network from its invention.

        A model `distilled` for few steps takes 4 shortcut steps, unless steps or guidance ask for more. With depth, the
        shape follows the visible points. Of 8 samples the one is kept that most agree on. What is seen (the visible
        hull; without depth the inflated mask) is taken instead where it agrees clearly better with the picture.
        """
        asked = not (self.steps is self.guidance is self.shortcut is self.best_of is None)
        shortcut = self.shortcut
        if shortcut is None:
            shortcut = distilled and self.steps is None and self.guidance is None
        weight = GUIDANCE if self.guidance is None else self.guidance
        return Sampling(
            steps=self.steps or (SHORTCUT_STEPS if shortcut else STEPS),
            guidance=Guidance(0.0 if shortcut else weight, modalities=MODALITIES),
            shortcut=shortcut,
            fit=self.fit or ("shape" if has_depth else "none"),
            best_of=self.best_of or (1 if self.choose else SAMPLES),
            shape=self.shape or ("network" if self.choose else "hull" if outlines and not asked else "auto"),
        )

    def seeds(self, objects: int) -> list[int]:
        """Give each object its seed, or each candidate of one object its own."""
        if self.choose:
            return list(range(self.seed, self.seed + self.choose))
        return [self.seed] * objects
