"""What models look at: clips, their readers, procedural worlds, and questions about them."""

from scenes.clip import Clip, ObjectTruth, Truth, sample_frames

__all__ = ["Clip", "ObjectTruth", "Truth", "sample_frames"]
