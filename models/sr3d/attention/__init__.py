"""Attention over packed samples and over questions that share a clip."""
