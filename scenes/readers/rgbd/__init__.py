"""RGB-D folders, in the Redwood / Open3D and the TUM layout."""

from scenes.readers.rgbd.folder import is_rgbd_folder, read_rgbd_folder, write_rgbd_folder

__all__ = ["is_rgbd_folder", "read_rgbd_folder", "write_rgbd_folder"]
