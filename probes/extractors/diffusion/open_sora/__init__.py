"""Open-Sora: its own checkpoint layout, read into the networks of diffusers."""

from probes.extractors.diffusion.open_sora.extractor import OpenSoraExtractor, pack

__all__ = ["OpenSoraExtractor", "pack"]
