"""BLEU, ROUGE-L, CIDEr and METEOR of texts, with intervals over clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import torch

from benchmarks.comparison.bootstrap import Estimate, estimate_of_draws
from benchmarks.comparison.comparison import Comparison, seeded_resamples
from benchmarks.metrics.text.bleu import bleu, bleu_counts
from benchmarks.metrics.text.cider import cider
from benchmarks.metrics.text.java import meteor, tokenize_ptb, why_not
from benchmarks.metrics.text.rouge import rouge_l
from benchmarks.records.record import Record
from benchmarks.region_qa.corpus_scores.score import CorpusScore

TOKENIZERS: MappingProxyType[str, Callable[[Sequence[str]], list[str]]] = MappingProxyType(
    {"blanks": list, "ptb": tokenize_ptb}
)
BLEU = tuple(f"BLEU-{n}" for n in range(1, 5))
CAPTION_SCORES = (*BLEU, "ROUGE-L", "CIDEr", "METEOR")


def check_tokenizer(name: str) -> None:
    """Refuse a tokenizer.

    Raises:
        ImportError: it is "ptb", and Java or pycocoevalcap is missing.
        ValueError: it is unknown.
    """
    if name not in TOKENIZERS:
        raise ValueError(f"tokenizer={name} is unknown: choose one of {', '.join(TOKENIZERS)}")
    if name == "ptb" and (missing := why_not()):
        raise ImportError(f"tokenizer=ptb {missing}; tokenizer=blanks needs nothing")


def caption_scores(
    records: Sequence[Record], texts: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str
) -> dict[str, CorpusScore]:
    """Score texts, one a record, against their references, on the scale of papers divided by 100 (CIDEr: 0 to 10).

    A resample draws clusters. BLEU is computed anew from their summed counts. CIDEr weighs words by the references of
    all items, whatever is drawn, and is then a mean over items, as ROUGE-L. METEOR has no interval, because Java adds
    its items up.
    """
    split = TOKENIZERS[tokenizer]
    said = split(texts)
    flat = split([reference for of_item in references for reference in of_item])
    ends = torch.tensor([len(of_item) for of_item in references]).cumsum(0).tolist()
    truth = [flat[end - len(of_item) : end] for end, of_item in zip(ends, references, strict=True)]
    scores = dict(zip(BLEU, map(CorpusScore.of, _bleu(records, said, truth)), strict=True))
    rouges = [rouge_l(text, of_item) for text, of_item in zip(said, truth, strict=True)]
    scores["ROUGE-L"] = CorpusScore.of(Comparison().estimate_values(rouges, records))
    scores["CIDEr"] = CorpusScore.of(Comparison().estimate_values(cider(said, truth), records))
    missing = why_not()
    scores["METEOR"] = CorpusScore.missing(missing) if missing else CorpusScore(meteor(said, truth))
    return scores


def _bleu(records: Sequence[Record], texts: Sequence[str], references: Sequence[Sequence[str]]) -> list[Estimate]:
    columns = {cluster: k for k, cluster in enumerate(dict.fromkeys(record.cluster for record in records))}
    counts = torch.stack([bleu_counts(text, of_item) for text, of_item in zip(texts, references, strict=True)])
    table = torch.zeros(len(columns), counts.shape[1], dtype=counts.dtype)
    table.index_add_(0, torch.tensor([columns[record.cluster] for record in records]), counts)
    drawn = torch.cat([bleu(clusters @ table) for clusters, _ in seeded_resamples(len(columns), 1)])
    whole = bleu(table.sum(0)).tolist()
    return [estimate_of_draws(value, drawn[:, n]) for n, value in enumerate(whole)]
