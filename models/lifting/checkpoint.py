"""Folders of lifting models: `config.json` with the sizes of the parts, `model.safetensors` with the weights.

`calibration.json` beside them has the calibration of the confidence, where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from transformers import AutoConfig

from models.checked_loading import (
    naming_damage,
    no_larger_than,
    read_weights,
    refuse_other_weights,
    stored_shapes,
)
from models.checkpoint_files import read_json
from models.checkpoint_registry import checkpoint_folder
from models.encoders import ImageEncoder
from models.geometry import Extent
from models.lifting.calibration import Calibration
from models.lifting.model import LiftingModel
from models.lifting.networks.conditioning import Conditioner, pretrained_image_encoder, small_image_encoder
from models.lifting.networks.flow_transformer import FlowTransformer
from models.lifting.networks.occupancy_vae import OccupancyVAE
from models.lifting.networks.point_patches import PointPatchEmbed

KIND = "region4d lifting model"
CALIBRATION = "calibration.json"  # of the confidence; a model may have none
T = TypeVar("T")
DINOV2 = {  # names of older versions of transformers, and of newer ones
    ".attention.attention.query.": ".attention.q_proj.",
    ".attention.attention.key.": ".attention.k_proj.",
    ".attention.attention.value.": ".attention.v_proj.",
    ".attention.output.dense.": ".attention.o_proj.",
}


def build_model(
    *,
    vae: Mapping[str, Any],
    flow: Mapping[str, Any],
    conditioner: Mapping[str, Any],
    shapes: str | None = None,
    extent: Extent = "scene",
) -> LiftingModel:
    """Build the untrained networks from plain sizes; sizes that must agree between them are derived.

    Args:
        vae: arguments of `OccupancyVAE`.
        flow: arguments of `FlowTransformer`, less those that the others fix.
        conditioner: `width` of its tokens, `image_size` (pixels); `image` and `mask` (arguments of
            `small_image_encoder`, or the `folder` of a transformers checkpoint, such as DINOv2, and whether it is
            `frozen`); `points` (arguments of `PointPatchEmbed`).
        shapes: folder of a model whose trained VAE is copied.
        extent: what an object's normaliser scales to about one unit, see `LiftingModel`.
    """
    codec = OccupancyVAE(**vae)
    width, size = conditioner["width"], conditioner["image_size"]
    image, mask = (image_encoder(conditioner[name], size) for name in ("image", "mask"))
    points = PointPatchEmbed(**conditioner["points"])
    model = LiftingModel(
        vae=codec,
        conditioner=Conditioner(width=width, image_encoder=image, mask_encoder=mask, point_encoder=points),
        flow=FlowTransformer(
            side=codec.side // codec.patch, shape_channels=codec.token_channels, context_width=width, **flow
        ),
        image_size=size,
        extent=extent,
    )
    if shapes is not None:
        model.vae.load_state_dict(load_model(shapes).vae.state_dict())
    config = {"vae": vae, "flow": flow, "conditioner": conditioner, "extent": extent}
    model.config = json.loads(json.dumps(config, default=_plain))
    for name, encoder in (("image", image), ("mask", mask)):
        if "folder" in conditioner[name]:  # its weights will be in ours
            model.config["conditioner"][name] = {"published": encoder.model.config.to_dict()}
    return model


def image_encoder(spec: Mapping[str, Any], size: int) -> ImageEncoder:
    """Build an encoder of images or masks: a small one, or one from a checkpoint or a published configuration."""
    if "folder" in spec:
        return pretrained_image_encoder(**spec)
    if "published" in spec:
        config = AutoConfig.for_model(**spec["published"])
        return ImageEncoder(config, stride=config.patch_size)
    return small_image_encoder(size=size, **spec)


def save_model(model: LiftingModel, folder: str | Path) -> None:
    """Write a model of `build_model` in half precision."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.half().contiguous() for key, value in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"kind": KIND})
    if model.calibration is not None:
        (folder / CALIBRATION).write_text(json.dumps(asdict(model.calibration), indent=2) + "\n")
    (folder / "config.json").write_text(
        json.dumps({"kind": KIND, "distilled": model.distilled, **model.config}, indent=2) + "\n"
    )


def load_model(folder: str | Path) -> LiftingModel:
    """Load a model in float32.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the folder holds something else, or a file is damaged.
    """
    folder = checkpoint_folder(folder)
    config_file, weights = folder / "config.json", folder / "model.safetensors"
    if missing := [path.name for path in (config_file, weights) if not path.is_file()]:
        raise FileNotFoundError(
            f"no {missing[0]} in '{folder}': give the folder of a lifting model, such as `region4d train "
            "experiment=lifting/occluded` writes"
        )
    config = read_json(config_file)
    if config.pop("kind", None) != KIND:
        raise ValueError(
            f"'{folder}' is not a {KIND}; give the folder of one (published SAM 3D weights cannot be read)"
        )
    distilled = config.pop("distilled", False)
    if config.pop("refinement", None) is not None:
        raise ValueError(f"'{folder}' has a refinement flow, which region4d no longer reads; train the model again")
    with naming_damage(config_file):
        with no_larger_than([weights], config_file), torch.device("meta"):
            outline = build_model(**config)
        refuse_other_weights(outline, renamed(stored_shapes([weights]), outline), weights)
        model = build_model(**config)
        model.load_state_dict(renamed(read_weights([weights]), model))
    model.distilled = distilled
    if (folder / CALIBRATION).is_file():
        with naming_damage(folder / CALIBRATION):
            model.calibration = Calibration(**read_json(folder / CALIBRATION))
    return model.eval()


def renamed(state: Mapping[str, T], model: LiftingModel) -> dict[str, T]:
    """Rename weights of DINOv2 encoders, or shapes of them, from any transformers to the names of the installed one."""
    wanted, weights = model.state_dict(), {}
    for name, value in state.items():
        for old, new in DINOV2.items():
            for this, other in ((old, new), (new, old)):
                if name not in wanted and this in name:
                    name = name.replace(this, other)
        weights[name] = value
    return weights


def _plain(value: Any) -> Any:
    """Convert lists and mappings of a configuration to JSON types."""
    return dict(value) if isinstance(value, Mapping) else list(value)
