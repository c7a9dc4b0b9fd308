"""Lifting against baselines on objects whose truth is known."""
