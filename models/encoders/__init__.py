"""Image and video backbones behind one contract."""

from models.encoders.image_encoder import ImageEncoder

__all__ = ["ImageEncoder"]
