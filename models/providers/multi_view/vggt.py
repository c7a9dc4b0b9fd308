"""VGGT (arXiv 2503.11651) from a checkout of its repository; neither its code nor its weights are part of region4d.

This uses the interface of the public code: `vggt.models.vggt.VGGT(img_size, patch_size, embed_dim)`, with an
`aggregator`, a `camera_head` and a `depth_head`, whose forward takes pictures (batch, time, 3, height, width) of 0 to 1
and returns `depth`, `depth_conf` and `pose_enc`. Check the licence of the weights on their model card.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from models.checked_loading import naming_damage, read_weights, refuse_non_finite, refuse_other_weights
from models.checkouts import import_package
from models.checkpoint_files import read_json, weight_files
from models.geometry import invert, resize_intrinsics, unproject
from models.geometry.camera_encoding import decode_camera
from models.pretrained import local_folder
from models.providers.contract import GeometryEstimate
from models.providers.multi_view.pictures import nearest, network_size, resized

PUBLISHED = "facebook/VGGT-1B"
SIDE, PATCH = 518, 14  # pixels: of the longer side of a picture, and of a token
READ = ("aggregator", "camera_head", "depth_head")  # parts that are used
UNREAD = ("point_head", "track_head")
SIZES = ("img_size", "patch_size", "embed_dim")  # arguments that a config.json may give
OUTPUTS = ("depth", "depth_conf", "pose_enc")
GET = f"get them, for example by 'hf download {PUBLISHED} --local-dir VGGT-1B', and give vggt:VGGT-1B@CHECKOUT"


class VGGT:
    """Depth, cameras, poses and confidence of all frames at once, up to one unknown scale for the clip.

    As the labels of VidFM3D (specs/vidfm3d.md 3.3): points are those of the depth head, confidence is that of the depth
    (1 or more), the principal point is the centre of the picture. It estimates its own cameras, so given ones are not
    used. On a GPU it computes in bfloat16, or in float16 where there is none, with heads in float32; on a CPU in
    float32. The other heads (points, tracks) are not read.
    """

    joins_frames = True

    def __init__(
        self,
        weights: str | Path = PUBLISHED,
        checkout: str | Path | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Build the network of a checkout, and load its weights; nothing is downloaded.

        Args:
            weights: folder with a .safetensors file or a .pt file (and a config.json, where sizes are not the published
                ones), one such file, or a name that has been downloaded.
            checkout: folder of the repository; None if the package `vggt` is installed.
            device: where the network runs.

        Raises:
            FileNotFoundError: there is no checkout, or there are no weights.
            ImportError: the package, or one that it needs, is not installed.
            ValueError: weights are damaged, missing, or of another network.
        """
        kind = _network(checkout)
        file = weight_file(weights)
        config = file.parent / "config.json"
        sizes = {name: value for name, value in read_json(config).items() if name in SIZES} if config.exists() else {}
        with naming_damage(f"the VGGT of {checkout or 'the installed package'}", "use facebookresearch/vggt"):
            self.network: nn.Module = kind(**sizes)
        for name in UNREAD:
            setattr(self.network, name, None)
        load_parts(self.network, file)
        self.device = torch.device(device)
        self.network.eval().requires_grad_(False).to(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """The type in which the network computes."""
        if self.device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16

    @torch.no_grad()
    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate depth, cameras and confidence of all frames; other inputs are not used.

        Depth is the nearest of the network's own pixels.

        Raises:
            ValueError: the GPU has too little memory for so many frames, or the checkout returns other things.
        """
        size = (video.shape[2], video.shape[3])
        own = network_size(*size, SIDE, PATCH)
        pictures = torch.stack([(resized(frame.to(self.device), own) * 255).round() / 255 for frame in video])
        found = self._run(pictures)
        cam_T_world, camera = decode_camera(found["pose_enc"], *own)
        camera = resize_intrinsics(camera, own, size).to(video.device)
        z = nearest(found["depth"].squeeze(-1), size).to(video.device)
        return GeometryEstimate(
            unproject(z, camera),
            camera,
            metric=False,
            world_T_cam=invert(cam_T_world.double()).float().to(video.device),
            confidence=nearest(found["depth_conf"], size).to(video.device),
        )

    def _run(self, pictures: Float[Tensor, "time 3 rows cols"]) -> dict[str, Tensor]:
        """Run the network on one clip, and take its outputs without their batch axis."""
        try:
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32), catch_warnings():
                simplefilter("ignore", FutureWarning)  # it calls autocast by an old name
                outputs: Mapping[str, Tensor] = self.network(pictures[None])
        except torch.OutOfMemoryError as error:
            raise ValueError(
                f"{len(pictures)} frames are too many for VGGT on {self.device} ({str(error).partition('.')[0]}): take "
                "fewer, or a GPU with more memory (200 frames were published with 41 GB)"
            ) from error
        if missing := [name for name in OUTPUTS if name not in outputs]:
            raise ValueError(f"the VGGT of this checkout returns no {', '.join(missing)}: use facebookresearch/vggt")
        return {name: outputs[name][0].float() for name in OUTPUTS}


def weight_file(weights: str | Path) -> Path:
    """Find the file of weights: itself, the only one in a folder, or that of a downloaded name.

    Raises:
        FileNotFoundError: there is none.
        ValueError: there are several.
    """
    if Path(weights).is_file():
        return Path(weights)
    try:
        folder = local_folder(weights)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no weights of VGGT: {error}; {GET}") from error
    pickles = sorted(folder.glob("*.pt"))
    files = weight_files(folder) if any(folder.glob("*.safetensors")) else pickles
    if not files:
        raise FileNotFoundError(f"no weights of VGGT in '{folder}' (*.safetensors or *.pt): {GET}")
    if len(files) > 1:
        raise ValueError(f"'{folder}' has {len(files)} files of weights, such as {files[0].name}: name one of them")
    return files[0]


def load_parts(network: nn.Module, file: Path) -> None:
    """Load the weights of the parts that are used.

    Raises:
        ValueError: the file is damaged, or has not exactly those weights.
    """
    if file.suffix == ".safetensors":
        weights = read_weights([file])
    else:
        with naming_damage(file):
            weights = dict(torch.load(file, map_location="cpu", mmap=True, weights_only=True))
    parts = {name: value for name, value in weights.items() if name.partition(".")[0] in READ}
    with naming_damage(file):
        refuse_other_weights(network, {name: tuple(value.shape) for name, value in parts.items()}, file)
        refuse_non_finite(parts, file)
        network.load_state_dict(parts)


def _network(checkout: str | Path | None) -> Any:
    if checkout is not None and not (Path(checkout) / "vggt" / "models" / "vggt.py").is_file():
        raise FileNotFoundError(
            f"no checkout of VGGT at '{checkout}' (it has vggt/models/vggt.py): clone facebookresearch/vggt"
        )
    try:
        if checkout is not None:
            import_package("vggt", Path(checkout))
        return importlib.import_module("vggt.models.vggt").VGGT
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"VGGT cannot be imported ({error}): clone facebookresearch/vggt, install what it needs, and name the "
            "checkout as in vggt:WEIGHTS@CHECKOUT"
        ) from error
