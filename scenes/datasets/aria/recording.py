"""The colour camera of an Aria recording with its depth and instances, as upright pinhole pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from models.geometry import matrix
from scenes.datasets.aria.tables import NEAR_NS

FILES = ("video.vrs", "depth_images.vrs", "segmentations.vrs")
COLOUR_STREAM = "214-1"  # of the colour camera, 1408 x 1408 pixels
SIZE = 704  # pixels of the pinhole's sides
MILLIMETRES = 1000
REFUSED, AGAIN = "cannot be read by projectaria_tools", "download the sequence again, with metadata.json"
UPRIGHT = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))  # upright_R_cam: the camera lies on its side


@dataclass(frozen=True)
class AriaPicture:
    """A picture with what is known of it. The camera has OpenCV axes and stands upright."""

    image: UInt8[Tensor, "3 height width"]
    depth: Float[Tensor, "height width"]  # z-depth, metres, 0 where unknown
    instances: Int64[Tensor, "height width"]  # uids
    intrinsics: Float[Tensor, "3 3"]
    device_T_cam: Float[Tensor, "4 4"]


class AriaRecording:
    """The VRS files of a sequence, through projectaria_tools.

    Args:
        folder: of the sequence, with its FILES and tables.

    Raises:
        ImportError: projectaria_tools is not installed.
        FileNotFoundError: a VRS file is missing.
        ValueError: projectaria_tools cannot open the sequence.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from projectaria_tools.core import calibration, stream_id
            from projectaria_tools.projects import adt
        except ImportError as error:
            raise ImportError(
                f"'{folder}' has VRS files, which need projectaria_tools: pip install 'region4d[aria]'"
            ) from error
        if missing := [name for name in FILES if not (folder / name).is_file()]:
            raise FileNotFoundError(f"'{folder}' has no {missing[0]}: download the sequence with {', '.join(FILES)}")
        self.folder, self.calibration = folder, calibration
        try:
            paths = adt.AriaDigitalTwinDataPathsProvider(str(folder)).get_datapaths()
            self.provider: Any = None if paths is None else adt.AriaDigitalTwinDataProvider(paths)
        except Exception as error:  # of its C++ core
            raise ValueError(f"'{folder}' {REFUSED} ({_line(error)}): {AGAIN}") from error
        if self.provider is None:
            raise ValueError(f"'{folder}' {REFUSED} (no paths of its files; is metadata.json there?): {AGAIN}")
        self.stream = stream_id.StreamId(COLOUR_STREAM)

    @cached_property
    def _cameras(self) -> tuple[Any, Any]:
        """The fisheye, and the pinhole with half its pixels, its focal length for them, and its pose."""
        fisheye = self.provider.get_aria_camera_calibration(self.stream)
        focal = float(fisheye.get_focal_lengths()[0]) * SIZE / float(fisheye.get_image_size()[0])
        pose = fisheye.get_transform_device_camera()
        return fisheye, self.calibration.get_linear_camera_calibration(SIZE, SIZE, focal, "pinhole", pose)

    def picture(self, time_ns: int) -> AriaPicture:
        """Read, undistort and turn the picture of a time.

        Raises:
            ValueError: colours, depth or instances are more than 5 ms away, or a VRS file is damaged.
        """
        provider, (fisheye, pinhole), calibration = self.provider, self._cameras, self.calibration
        image = self._at(provider.get_aria_image_by_timestamp_ns, time_ns, "picture")
        depth = self._at(provider.get_depth_image_by_timestamp_ns, time_ns, "depth")
        instances = self._at(provider.get_segmentation_image_by_timestamp_ns, time_ns, "segmentation")
        image = calibration.distort_by_calibration(image, pinhole, fisheye)
        depth = calibration.distort_depth_by_calibration(depth, pinhole, fisheye)
        instances = calibration.distort_label_by_calibration(instances, pinhole, fisheye)
        return upright(
            image,
            depth.astype(np.float32) / MILLIMETRES,
            instances.astype(np.int64),
            torch.tensor([*pinhole.get_focal_lengths(), *pinhole.get_principal_point()]),
            torch.tensor(pinhole.get_transform_device_camera().to_matrix()),
        )

    def _at(self, query: Callable[..., Any], time_ns: int, what: str) -> np.ndarray:
        try:
            found = query(time_ns, self.stream)
        except Exception as error:  # of its C++ core
            raise ValueError(f"the {what} of '{self.folder}' {REFUSED} ({_line(error)}): {AGAIN}") from error
        if not found.is_valid() or abs(found.dt_ns()) > NEAR_NS:
            raise ValueError(f"'{self.folder}' has no {what} of the colour camera at {time_ns} ns: {AGAIN}")
        return np.asarray(found.data().to_numpy_array())


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def upright(
    image: UInt8[np.ndarray, "height width 3"],
    depth: Float[np.ndarray, "height width"],
    instances: Int64[np.ndarray, "height width"],
    pinhole: Float[Tensor, "4"],
    device_T_cam: Float[Tensor, "4 4"],
) -> AriaPicture:
    """Turn a picture, which the glasses take on its side, and its camera clockwise by a right angle.

    `pinhole` is fx, fy, cx, cy in pixels counted from the centre of the first one (projectaria_tools).
    """
    fx, fy, cx, cy = pinhole.tolist()
    height = image.shape[0]
    turned = [torch.from_numpy(np.rot90(each, -1).copy()) for each in (image, depth, instances)]
    intrinsics = torch.tensor([[fy, 0, height - 1 - cy + 0.5], [0, fx, cx + 0.5], [0, 0, 1]])
    cam_T_upright = matrix(torch.tensor(UPRIGHT).T.double(), torch.zeros(3).double())
    device_T_upright = device_T_cam.double() @ cam_T_upright
    return AriaPicture(turned[0].permute(2, 0, 1), turned[1], turned[2], intrinsics, device_T_upright)
