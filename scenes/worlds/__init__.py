"""Procedural worlds: rooms with moving objects, rendered with exact ground truth."""
