from pathlib import Path

import pytest
import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import load_file, save_file

from probes.extractors.diffusion.open_sora.checkpoint import load_autoencoder, load_transformer
from probes.extractors.diffusion.open_sora.keys import neighbours, to_diffusers, transformer_config
from tests.support.checkpoints.open_sora import PUBLISHED, open_sora, state
from tests.support.checkpoints.open_sora_reference import forward
from tests.support.clips.extractor_clips import watched


@pytest.fixture(params=["apart", "fused"])
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file(state(fused=request.param == "fused"), path)
    return path


@torch.no_grad()
def test_converted_blocks_give_what_the_published_equations_give(weights: Path) -> None:
    draw = torch.Generator().manual_seed(1)
    img, cond, txt = (torch.randn(1, n, c, generator=draw) for n, c in ((12, 16), (12, 20), (5, 16)))
    pooled, places = torch.randn(1, 8, generator=draw), torch.cartesian_prod(*(torch.arange(n) for n in (2, 2, 3)))
    model = load_transformer(weights).eval()
    seen = []
    for block in (*model.transformer_blocks, *model.single_transformer_blocks):
        with watched(block) as found:
            predicted = model(
                torch.cat([img, cond], -1),
                encoder_hidden_states=txt,
                pooled_projections=pooled,
                timestep=torch.tensor([0.3]),
                img_ids=places,
                txt_ids=torch.zeros(5, 3),
            ).sample
        seen.append(found[0][1])
    wanted, last = forward(load_file(weights), img, cond, txt, pooled, 0.3, places)
    assert len(seen) == len(wanted) == 4
    for one, other in zip([*seen, predicted], [*wanted, last], strict=True):
        # float32, sums of a few hundred products in another order
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_the_published_sizes_are_those_of_the_model_that_is_built() -> None:
    published = state(PUBLISHED, device="meta")
    config = transformer_config(published)
    assert config["axes_dims_rope"] == (16, 56, 56)
    assert (config["num_layers"], config["num_single_layers"], config["num_attention_heads"]) == (19, 38, 24)
    assert (config["in_channels"], config["out_channels"], config["guidance_embeds"]) == (64 + 68, 64, False)
    with torch.device("meta"):
        wanted = FluxTransformer2DModel(**config).state_dict()
    assert {key: value.shape for key, value in to_diffusers(published).items()} == {
        key: value.shape for key, value in wanted.items()
    }


def test_channels_of_both_halves_become_neighbours_in_each_head() -> None:
    assert neighbours(torch.arange(12), 6).tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


def test_a_model_that_is_shown_nothing_has_no_further_channels() -> None:
    plain = {key: value for key, value in state().items() if not key.startswith("cond_in")}
    assert transformer_config(plain)["in_channels"] == 16
    assert torch.equal(to_diffusers(plain)["x_embedder.weight"], plain["img_in.weight"])


@pytest.mark.parametrize("key", ["guidance_in.in_layer.weight", "double_blocks.0.img_attn.gate.weight", "lora"])
def test_an_unknown_key_is_named(tmp_path: Path, key: str) -> None:
    save_file(state() | {key: torch.zeros(2)}, tmp_path / "more.safetensors")
    with pytest.raises(ValueError, match=f"key '{key}' is not of an Open-Sora"):
        load_transformer(tmp_path / "more.safetensors")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("img_in.weight", "key 'img_in.weight' of an Open-Sora 2.0 transformer is missing"),
        ("double_blocks.1.txt_mlp.2.bias", r"no weights for transformer_blocks\.1\.ff_context\.net\.2\.bias: download"),
        ("single_blocks.0.v_mlp.weight", r"no weights for .*attn\.to_v\.weight and 1 more: download"),
    ],
)
def test_a_missing_key_is_named_in_one_line(tmp_path: Path, key: str, line: str) -> None:
    save_file({name: value for name, value in state().items() if name != key}, tmp_path / "less.safetensors")
    with pytest.raises(ValueError, match=line) as caught:
        load_transformer(tmp_path / "less.safetensors")
    assert "\n" not in str(caught.value)


def test_a_weight_of_another_shape_is_named(tmp_path: Path) -> None:
    save_file(state() | {"single_blocks.1.linear2.weight": torch.zeros(3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"misshapen at single_transformer_blocks\.1\.proj_out\.weight"):
        load_transformer(tmp_path / "other.safetensors")


def test_a_file_of_another_model_is_not_an_autoencoder(tmp_path: Path) -> None:
    folder = open_sora(tmp_path)
    with pytest.raises(ValueError, match="is not HunyuanVideo's autoencoder"):
        load_autoencoder(folder / "Open_Sora_v2.safetensors")
