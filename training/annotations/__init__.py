"""Training data of one's own: JSON lines of media, regions and conversations (docs/guides/your_data.md)."""

from training.annotations.line import Annotation, Mark, Media, Turn, parse_line

__all__ = ["Annotation", "Mark", "Media", "Turn", "parse_line"]
