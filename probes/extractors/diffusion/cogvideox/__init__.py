"""CogVideoX and models of its architecture."""

from probes.extractors.diffusion.cogvideox.extractor import CogVideoXExtractor

__all__ = ["CogVideoXExtractor"]
