"""Rounds of choosing and training: a model proposes, a person chooses, the model learns and proposes again."""
