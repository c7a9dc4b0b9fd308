"""What a score on a benchmark depends on, and scores that others published, with what those depend on."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class EvaluationProtocol:
    """What two scores must share to be comparable.

    Args:
        revision: version of the questions.
        frames: frames that a model sees of a video, or words where that is unknown; None where a task gives all.
        prompt: what a model reads beside the question.
        parser: what reads the answers.
        judge: model that judges answers; empty for none.
        subset: which of the questions are asked; empty for all.
        regions: what marks the regions of a question; empty without regions.
        depth: where depth comes from; empty without it.
        tokenizer: what splits words for BLEU, ROUGE, METEOR and CIDEr.
    """

    revision: str = ""
    frames: int | str | None = None
    prompt: str = ""
    parser: str = "region4d"
    judge: str = ""
    subset: str = ""
    regions: str = ""
    depth: str = ""
    tokenizer: str = ""

    def differences(self, other: EvaluationProtocol) -> list[str]:
        """Say in which fields the other protocol differs from this one."""
        return [
            f"{field.name} {_said(theirs)} instead of {_said(ours)}"
            for field in fields(self)
            if (ours := getattr(self, field.name)) != (theirs := getattr(other, field.name))
        ]


def _said(value: object) -> str:
    return "none" if value in ("", None) else str(value)


OWN = EvaluationProtocol()  # of a benchmark that nobody else reports


@dataclass(frozen=True)
class PublishedScore:
    """A score that others published.

    Args:
        model: name of the model.
        category: category of the task, or one of its averages.
        score: from 0 to 1, as here.
        source: paper with its table, or page.
        protocol: how it was measured, as far as the source says.
    """

    model: str
    category: str
    score: float
    source: str
    protocol: EvaluationProtocol
