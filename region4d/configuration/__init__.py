"""Configurations: composed by Hydra, checked against types, and held to recipes and arms."""
