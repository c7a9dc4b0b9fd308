from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report.docs_tables import ROOT
from probes.extractors.costs.cost import Cost, cost_of, costs, measured
from probes.extractors.costs.skeletons import skeleton
from probes.extractors.costs.tables import cost_tables, read_costs
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.wan import wan
from tests.support.clips.extractor_clips import clip

RESULTS = ROOT / "results" / "extractors"
GB = 10**9
LARGE = Cost(
    parameters=14 * GB,
    dtype="float16",
    frames=81,
    size=(480, 832),
    weights={"vae": GB, "transformer": 28 * GB},
    largest_block=GB,
    blocks=25 * GB,
    activations={"encoding": 9 * GB, "denoising": 6 * GB},
    operations=1000,
    stopped=600,
    tiled_encoding=2 * GB,
)


def test_the_fastest_way_that_fits_a_card_is_named() -> None:
    assert LARGE.peaks() == {
        "as it is": 38,
        "tiling=true": 35,
        "tiling=true offload=parts": 34,
        "tiling=true offload=blocks": 10,
    }
    assert [LARGE.fit(card) for card in (8, 24, 36, 40)] == [
        "no",
        "tiling=true offload=blocks",
        "tiling=true offload=parts",
        "as it is",
    ]
    assert LARGE.saved == 0.4
    encoder = replace(LARGE, weights={"all": 28 * GB}, activations={"all": 6 * GB}, tiled_encoding=None)
    assert encoder.peaks() == {"as it is": 34, "offload=blocks": 10}


def test_a_skeleton_counts_the_operations_of_the_loaded_model(tmp_path: Path) -> None:
    """On the CPU, attention is a plain product there, so that torch's own counter sees it."""
    folder = wan(tmp_path)
    loaded = WanExtractor.from_pretrained(folder, "tiny", (32, 48), frames=9, dtype=torch.float32)
    sizes = {
        part: {"class": type(model).__name__, **{k: v for k, v in model.config.items() if not k.startswith("_")}}
        for part, model in (("transformer", loaded.transformer), ("vae", loaded.vae))
    }
    sizes["prompt"] = {name: list(value.shape) for name, value in loaded.prompt.items()}
    build = {"name": "tiny", "size": (32, 48), "frames": 9}
    made = skeleton("probes.extractors.diffusion.wan.WanExtractor.from_pretrained", build, sizes, torch.float32)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        loaded.extract(clip(9), [1], Noise(0.5))
    stopped, whole = measured(made, 9, 0.5, (1,)), measured(made, 9, 0.5)
    assert stopped.operations == counter.get_total_flops()
    assert stopped.by_stage["denoising"] < whole.by_stage["denoising"]


def test_every_published_extractor_has_a_row_with_the_layers_of_its_file() -> None:
    held, configs = read_costs(RESULTS), costs()
    assert list(held) == list(configs)
    assert cost_tables(held).split("Memory")[1].split("##")[0].strip() in (RESULTS / "table.md").read_text()
    for name, cost in held.items():
        assert list(cost.layers) == configs[name]["layers"]
        assert cost.stopped <= cost.operations


@pytest.mark.long
@pytest.mark.parametrize("name", ["videomae_base", "ltx_video"])
def test_the_record_is_what_is_counted_now(name: str) -> None:
    config = yaml.safe_load((ROOT / "configs" / "extractor" / f"{name}.yaml").read_text())
    assert cost_of(config) == read_costs(RESULTS)[name]
