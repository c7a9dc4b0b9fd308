"""Video files: sampled frames with the times at which they are shown."""

from scenes.readers.video.reading import BACKENDS, Backend, read_video

__all__ = ["BACKENDS", "Backend", "read_video"]
