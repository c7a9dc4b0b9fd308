"""A photographed box with everything that is known of it, as folders of published test sets have it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.spatial.transform import Rotation
from torch import Tensor
from trimesh import Trimesh
from trimesh.creation import box as unit_box

from scenes.datasets.aria.recording import AriaPicture
from scenes.readers.image_files import write_depth, write_image, write_mask

SIDES = np.array([0.4, 0.3, 0.2])
HEIGHT, WIDTH = 48, 64
INTRINSICS = torch.tensor([[60.0, 0, 32], [0, 60, 24], [0, 0, 1]])
FLOOR = 0.4  # metres below the camera
TIME_NS = 87_551_170_910_700
UID, WALL = 5_691_266_090_916_432, 5_699_505_410_169_755


def box_pose() -> Tensor:
    """Turned about two axes, one metre ahead of an OpenCV camera."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xy", [20, 35], degrees=True).as_matrix()
    pose[:3, 3] = [0.02, 0.05, 1.0]
    return torch.from_numpy(pose)


@dataclass(frozen=True)
class BoxPhoto:
    """A picture of a box above a floor: colours, mask, z-depth."""

    image: Tensor
    mask: Tensor
    depth: Tensor


def photo_of_box(cam_T_box: Tensor, sides: np.ndarray = SIDES) -> BoxPhoto:
    """Render a box and a floor without a renderer, by the slabs of the box."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(INTRINSICS.double().numpy()).T
    rotation, shift = cam_T_box[:3, :3].numpy(), cam_T_box[:3, 3].numpy()
    start, along = -shift @ rotation, rays @ rotation
    with np.errstate(divide="ignore"):
        ends = np.stack([(-sides / 2 - start) / along, (sides / 2 - start) / along])
    near, far = ends.min(0).max(-1), ends.max(0).min(-1)
    mask = near < far
    with np.errstate(divide="ignore"):
        floor = np.where(rays[..., 1] > 0, FLOOR / rays[..., 1], 0.0)
    depth = np.where(mask, near, np.where(floor < 5, floor, 0.0))
    image = np.where(mask, 200, 60).astype(np.uint8)
    return BoxPhoto(torch.from_numpy(image).expand(3, -1, -1), torch.from_numpy(mask), torch.from_numpy(depth).float())


def box_mesh(sides: np.ndarray = SIDES) -> Trimesh:
    """The box in its own frame, metres."""
    return unit_box(sides)


def write_photo(folder: Path, depth: bool = True, camera: bool = True, mesh: Trimesh | None = None) -> Path:
    """Write one object: image, mask and mesh (GLB), with its depth and camera where asked for."""
    folder.mkdir(parents=True)
    photo = photo_of_box(box_pose())
    write_image(folder / "image.png", photo.image)
    write_mask(folder / "mask.png", photo.mask)
    (box_mesh() if mesh is None else mesh).export(folder / "mesh.glb")
    if depth:
        write_depth(folder / "depth.png", photo.depth, 1000)
    if camera:
        known = {"intrinsics": INTRINSICS.tolist(), "cam_T_mesh": box_pose().tolist()}
        (folder / "camera.json").write_text(json.dumps(known))
    return folder


def aria_picture() -> AriaPicture:
    """The picture that a recording of `write_aria` has, already upright; the glasses are the camera."""
    photo = photo_of_box(box_pose())
    instances = torch.where(photo.mask, UID, 0)
    return AriaPicture(photo.image, photo.depth, instances, INTRINSICS, torch.eye(4).double())


def write_aria(folder: Path) -> Path:
    """Write the tables of a sequence in the layout of Aria Digital Twin 2.0: the box, and a wall that is hidden."""
    folder.mkdir(parents=True)
    facts = {"category": "box", "instance_type": "object", "motion_type": "dynamic", "rigidity": "rigid"}
    wall = {**facts, "instance_name": "Apartment_Wall", "prototype_name": "Wall", "motion_type": "static"}
    instances = {UID: {**facts, "instance_name": "Carton_1", "prototype_name": "Carton"}, WALL: wall}
    (folder / "instances.json").write_text(json.dumps(instances))
    half = SIDES / 2
    edges = [f"p_local_obj_{axis}{end}[m]" for axis in "xyz" for end in ("min", "max")]
    ends = [value for side in half for value in (-side, side)]
    write_table(
        folder / "3d_bounding_box.csv", ["object_uid", "timestamp[ns]", *edges], [[UID, -1, *ends], [WALL, -1, *ends]]
    )
    pose = ["t_wo_x[m]", "t_wo_y[m]", "t_wo_z[m]", "q_wo_w", "q_wo_x", "q_wo_y", "q_wo_z"]
    x, y, z, w = Rotation.from_matrix(box_pose()[:3, :3].numpy()).as_quat()
    placed = [*box_pose()[:3, 3].tolist(), w, x, y, z]
    rows = [[WALL, -1, *placed], [UID, TIME_NS + 100, *placed], [UID, TIME_NS + 10**9, 9, 9, 9, 1, 0, 0, 0]]
    write_table(folder / "scene_objects.csv", ["object_uid", "timestamp[ns]", *pose], rows)
    view = ["x_min[pixel]", "x_max[pixel]", "y_min[pixel]", "y_max[pixel]", "visibility_ratio[%]"]
    rows = [["214-1", UID, TIME_NS, 600, 800, 600, 800, 0.75], ["214-1", WALL, TIME_NS, 600, 800, 600, 800, 0.9]]
    rows += [["1201-1", UID, TIME_NS, 10, 20, 10, 20, 1.0]]
    write_table(folder / "2d_bounding_box.csv", ["stream_id", "object_uid", "timestamp[ns]", *view], rows)
    device = [f"{part}_world_device" for part in ("tx", "ty", "tz", "qx", "qy", "qz", "qw")]
    rows = [[TIME_NS // 1000, 0, 0, 0, 0, 0, 0, 1]]
    write_table(folder / "aria_trajectory.csv", ["tracking_timestamp_us", *device], rows)
    return folder


def write_table(path: Path, columns: list[str], rows: list[list[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def write_large_photo(path: Path, height: int, width: int) -> None:
    """Write a grey picture."""
    Image.fromarray(np.full((height, width, 3), 99, np.uint8)).save(path)
