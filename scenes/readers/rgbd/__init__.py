"""RGB-D folders, in the layouts of `scenes.readers.rgbd.layouts`."""

from scenes.readers.rgbd.folder import is_rgbd_folder, read_rgbd_folder
from scenes.readers.rgbd.writer import write_rgbd_folder

__all__ = ["is_rgbd_folder", "read_rgbd_folder", "write_rgbd_folder"]
