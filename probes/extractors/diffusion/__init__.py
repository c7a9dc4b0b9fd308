"""Extractors of latent video diffusion models."""
