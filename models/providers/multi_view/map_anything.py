"""Multi-view models, through the factory of MapAnything (arXiv 2509.13414).

Its repository unifies the output of MapAnything, VGGT, Depth Anything 3, pi3, MASt3R, DUSt3R, MUSt3R, Pow3R and MoGe.
It is not a package of region4d: the user installs it, or names a checkout.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import roma
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import PointMap, fit_intrinsics, matrix, resize_intrinsics, unproject
from models.providers.contract import GeometryEstimate
from models.providers.multi_view.pictures import nearest, network_size, resized

Normalisation = Literal["identity", "dinov2", "dust3r"]
MEAN_STD: dict[Normalisation, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "identity": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "dinov2": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "dust3r": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


@dataclass(frozen=True)
class Recipe:
    """How a model of the factory takes its pictures.

    Attributes:
        normalisation: Of the pixels.
        side: Longer side of a picture, in pixels.
        patch: Both sides are multiples of it.
        metric: Whether lengths are in metres. False where the model is trained up to scale, and where its alignment of
            several views does not promise metres.
        joint: Whether it takes all frames at once and so gives poses.
    """

    normalisation: Normalisation
    side: int = 518
    patch: int = 14
    metric: bool = False
    joint: bool = True


RECIPES = {  # names of configs/model in the repository
    "mapanything": Recipe("dinov2", metric=True),
    "vggt": Recipe("identity"),
    "vggt_commercial": Recipe("identity"),
    "da3": Recipe("dinov2", side=504),
    "da3_nested": Recipe("dinov2", side=504, metric=True),
    "pi3": Recipe("identity"),
    "pi3x": Recipe("identity"),
    "dust3r": Recipe("dust3r", side=512, patch=16),
    "mast3r": Recipe("dust3r", side=512, patch=16),
    "must3r": Recipe("dust3r", side=512, patch=16),
    "pow3r_ba": Recipe("dust3r", side=512, patch=16),
    "moge_1": Recipe("identity", joint=False),
    "moge_2": Recipe("identity", metric=True, joint=False),
}


class MapAnythingModel:
    """A model of MapAnything's factory. It estimates its own camera, so known intrinsics are not used."""

    def __init__(self, name: str, checkout: str | Path | None = None, device: torch.device | str = "cpu") -> None:
        """Load a model; its weights come from where MapAnything's configuration says.

        Args:
            name: One of `RECIPES`.
            checkout: Folder of the repository; None if it is installed.
            device: Where the model runs.

        Raises:
            ImportError: MapAnything, or a package that the model needs, is not installed.
            ValueError: The name is unknown.
        """
        if name not in RECIPES:
            raise ValueError(f"unknown multi-view model '{name}': use one of {', '.join(RECIPES)}")
        self.name, self.recipe, self.device = name, RECIPES[name], torch.device(device)
        self.joins_frames = self.recipe.joint
        self.model = _factory(checkout).init_model_from_config(name, device=str(device)).eval()

    @torch.no_grad()  # not inference_mode: MASt3R and DUSt3R optimise an alignment
    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate points, cameras and, by a model that takes all frames at once, poses; other inputs are not used.

        Depth is the nearest of the model's own pixels, so that no point floats between two surfaces. The pinhole of
        each frame is the least-squares fit to its points.
        """
        views = [self._view(frame, i) for i, frame in enumerate(video)]
        outputs = self.model(views) if self.recipe.joint else [self.model([view])[0] for view in views]
        size = (video.shape[2], video.shape[3])
        cameras, depths, confidences, poses = [], [], [], []
        for output in outputs:
            points = _points(output)
            cameras.append(
                resize_intrinsics(fit_intrinsics(points), (points.valid.shape[0], points.valid.shape[1]), size)
            )
            depths.append(nearest(points.xyz[None, ..., 2], size)[0])
            if "conf" in output:
                confidences.append(nearest(_map(output["conf"])[None], size)[0])
            if self.recipe.joint:
                poses.append(_pose(output))
        camera = torch.stack(cameras).to(video.device)
        return GeometryEstimate(
            unproject(torch.stack(depths).to(video.device), camera),
            camera,
            metric=self.recipe.metric,
            world_T_cam=torch.stack(poses).to(video.device) if poses else None,
            confidence=torch.stack(confidences).to(video.device) if confidences else None,
        )

    def _view(self, frame: UInt8[Tensor, "3 height width"], index: int) -> dict[str, Any]:
        """Build one input: a picture at the model's resolution, and the names by which MASt3R caches."""
        size = network_size(frame.shape[1], frame.shape[2], self.recipe.side, self.recipe.patch)
        pixels = resized(frame.to(self.device), size)[None]
        mean, std = (
            rearrange(torch.tensor(c, device=self.device), "rgb -> rgb 1 1")
            for c in MEAN_STD[self.recipe.normalisation]
        )
        names = {"label": ["clip"], "instance": [f"{index:05d}"], "idx": [index]}
        return {"img": (pixels - mean) / std, "data_norm_type": [self.recipe.normalisation], **names}


def _factory(checkout: str | Path | None) -> Any:
    if checkout is not None:
        if not (Path(checkout) / "mapanything").is_dir():
            raise FileNotFoundError(f"no checkout of MapAnything at '{checkout}': it has a folder mapanything/")
        sys.path.insert(0, str(Path(checkout).resolve()))
    try:
        return importlib.import_module("mapanything.models")
    except ImportError as error:
        raise ImportError(
            f"multi-view models need MapAnything ({error}): clone facebookresearch/map-anything, install it with "
            "'pip install -e CHECKOUT', or name it as in mapanything:vggt@CHECKOUT"
        ) from error


def _points(output: dict[str, Tensor]) -> PointMap:
    """Read the camera points of one view, where the model does not call them ambiguous (sky)."""
    valid = output["non_ambiguous_mask"][0].squeeze(-1).bool() if "non_ambiguous_mask" in output else None
    return PointMap.from_xyz(output["pts3d_cam"][0].float(), "cam", valid)


def _pose(output: dict[str, Tensor]) -> Float[Tensor, "4 4"]:
    """Read the pose of one view, camera to world; its quaternion has the scalar last."""
    quaternion = F.normalize(output["cam_quats"][0].double(), dim=0)
    return matrix(roma.unitquat_to_rotmat(quaternion), output["cam_trans"][0].double()).float()


def _map(values: Tensor) -> Float[Tensor, "height width"]:
    return values[0].squeeze(-1).float()
