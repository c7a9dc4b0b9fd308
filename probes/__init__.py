"""Probes: how well points, depth and cameras can be read from frozen features of image and video models."""

from models.geometry.camera_encoding import decode_camera, encode_camera
from probes.losses import camera_loss, depth_loss, point_loss
from probes.probe import Probe, ProbeOutput

__all__ = ["Probe", "ProbeOutput", "camera_loss", "decode_camera", "depth_loss", "encode_camera", "point_loss"]
