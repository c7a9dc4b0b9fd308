"""The card of an item of a finished study: its clip, what every arm made of it, the truth, and how it was measured."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.probing.sites import METRICS
from benchmarks.records.manifest import Manifest, provenance
from region4d.cards.answer_card import Facts, ShownClip, card_html, clip_facts
from region4d.cards.answers import Verdict, verdict_table
from region4d.studies.finished import FinishedStudy, Outcome, StudyItem, with_words
from region4d.studies.item_clips import clip_of

LABELS = {metric.key: metric.heading for metric in METRICS}
SHORT = 12  # digits of a hash


@dataclass(frozen=True)
class StudyCard:
    """The parts of the card of an item, which the web app shows as well."""

    title: str
    shown: ShownClip
    asked: str
    facts: Facts

    @classmethod
    def of(cls, study: FinishedStudy, item: StudyItem, call: str = "") -> StudyCard:
        """Render the clip of an item, and write what every arm made of it; `call` is the command that asks for it."""
        facts = [("card by", call), ("study", study.name), ("item", f"{item.name} of {item.task}")]
        try:
            made = clip_of(study, item)
            shown = ShownClip.of(made.clip, made.regions)
            facts += [*made.facts, *clip_facts(made.clip, "exact, of the world")]
        except ValueError as error:
            shown = ShownClip.missing(str(error))
        asked = _answers(item) if item.question else measured_table(item.outcomes)
        return cls(f"{item.name}, {item.category or item.task}", shown, asked, [*facts, *_origin(study, item)])

    def html(self) -> str:
        """Write the card as one file."""
        return card_html(self.title, self.shown, [self.asked], self.facts)


def outcome_name(outcome: Outcome, outcomes: Sequence[Outcome]) -> str:
    """Name an outcome by its arm, and by its seed and sample where there are several."""
    seeds, samples = ({getattr(each, name) for each in outcomes} for name in ("seed", "candidate"))
    seed = f", seed {outcome.seed}" if len(seeds) > 1 else ""
    return f"{outcome.arm}{seed}" + (f", sample {outcome.candidate}" if len(samples) > 1 else "")


def measured_table(outcomes: Sequence[Outcome]) -> str:
    """Write the metrics of every arm."""
    names = list(dict.fromkeys(name for each in outcomes for name in each.metrics))
    head = "".join(f"<th>{html.escape(LABELS.get(name, name))}</th>" for name in names)
    rows = ""
    for each in outcomes:
        values = "".join(f"<td>{format(each.metrics[n], '.4g') if n in each.metrics else '–'}</td>" for n in names)
        rows += f"<tr><td>{html.escape(outcome_name(each, outcomes))}</td>{values}</tr>"
    return (
        f'<div class="r4d-wide"><table class="r4d-table r4d-measured"><thead><tr><th>arm</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _answers(item: StudyItem) -> str:
    verdicts = [
        Verdict(outcome_name(each, item.outcomes), with_words(each.text, item.options) or "–", each.right, each.reason)
        for each in item.outcomes
    ]
    return verdict_table(item.question, item.truth, verdicts)


def _origin(study: FinishedStudy, item: StudyItem) -> list[tuple[str, str]]:
    """Say where the records of an item come from, and which weights made them."""
    arms = {each.arm for each in item.outcomes}
    found: list[Manifest] = []
    weights = []
    for run in study.runs.values():
        held = [m for name, m in run.manifests.items() if name == item.task or run.features]
        if not held or not (run.features or run.arm in arms):
            continue
        found += held
        weights += [f"{run.name} {digest[:SHORT]}" for digest in dict.fromkeys(m.checkpoint for m in held) if digest]
    if not found:
        return []
    made = provenance(found)
    return [
        ("weights (SHA-256)", ", ".join(weights)),
        ("measured", made.time),
        ("commit", made.commit),
        ("machine", made.machine),
    ]
