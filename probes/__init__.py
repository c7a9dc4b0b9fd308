"""Probes: what frozen features of a video model say about points, depth and cameras."""

from probes.losses import camera_loss, depth_loss, point_loss
from probes.pose_encoding import decode_pose, encode_pose
from probes.probe import Perceived, Probe

__all__ = ["Perceived", "Probe", "camera_loss", "decode_pose", "depth_loss", "encode_pose", "point_loss"]
