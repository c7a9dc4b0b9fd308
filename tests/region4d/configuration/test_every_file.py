"""Every YAML of configs/ composes, and the lifting model of the published sizes builds."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from region4d.configuration.compose import CONFIGS, compose_config

EVERY = sorted(path.relative_to(CONFIGS).with_suffix("").as_posix() for path in CONFIGS.rglob("*.yaml"))
EXPERIMENTS = [name for name in EVERY if name.startswith("experiment/")]  # they override groups of a training
GROUPS = sorted({name.partition("/")[0] for name in EVERY if "/" in name} - {"experiment", "hydra"})
NEEDED = {"extract": ["extractor=pixels"]}  # choices that a verb leaves to its user


@pytest.mark.parametrize("group", GROUPS)
def test_every_file_of_a_group_composes(group: str) -> None:
    options = [name.partition("/")[2] for name in EVERY if name.startswith(f"{group}/")]
    broken = {}
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for option in options:
            try:
                compose(overrides=[f"+{group}={option}"])
            except Exception as error:  # noqa: BLE001 of any kind: all files are named at once
                broken[option] = str(error)
    assert broken == {}


@pytest.mark.parametrize("verb", [name for name in EVERY if "/" not in name])
def test_the_file_of_every_verb_composes(verb: str) -> None:
    assert compose_config(verb, NEEDED.get(verb, []))


def test_no_other_file_is_left_out() -> None:
    composed = [name for name in EVERY if name.partition("/")[0] in GROUPS or "/" not in name]
    launchers = ["hydra/launcher/slurm"]  # composes where its plugin is installed (extra slurm)
    assert sorted([*composed, *EXPERIMENTS, *launchers]) == EVERY  # experiments: test_compose.py


def test_the_lifting_model_of_the_published_sizes_builds() -> None:
    vit_large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
    encoder = {"published": {"model_type": "dinov2_with_registers", "patch_size": 14, "image_size": 518, **vit_large}}
    config = compose_config("train", ["experiment=lifting/isolated", "model=lifting/published", "model.shapes=null"])
    sizes = OmegaConf.to_container(config.model, resolve=True)
    assert isinstance(sizes, dict)
    assert sizes["conditioner"]["image"] == {"folder": "???", "frozen": True}  # which a user names
    sizes["conditioner"] |= {"image": encoder, "mask": encoder}
    with torch.device("meta"):
        model = instantiate(OmegaConf.create(sizes))
    assert 0.9e9 < sum(p.numel() for p in model.flow.parameters()) < 1.5e9  # SAM 3D: 1.2 B
    assert model.conditioner.image_encoder.channels == 1024
