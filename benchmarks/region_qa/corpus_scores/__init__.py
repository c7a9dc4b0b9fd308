"""Scores of a whole run that are not means over its items: BLEU, CIDEr, METEOR, mean average precision."""
