"""Evaluation of estimated geometry: camera poses and depth against the truth."""
