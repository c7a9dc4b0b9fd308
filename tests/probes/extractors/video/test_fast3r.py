import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from probes.extractors.video.fast3r import Fast3RExtractor
from tests.support.checkpoints.fast3r import DEPTH, FUSION, HEADS, PATCH, WIDTH, fast3r, shapes

SIZE = (8, 12)  # 2 x 3 patches


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fast3r(tmp_path_factory.mktemp("fast3r"))


def load(folder: Path, size: tuple[int, int] = SIZE, **options: object) -> Fast3RExtractor:
    return Fast3RExtractor.from_pretrained(folder, "fast3r", size, dtype=torch.float32, **options)  # type: ignore[arg-type]


def video(frames: int = 4) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def pixels() -> torch.Tensor:
    return 2 * F.interpolate(video().float() / 255, SIZE, mode="bicubic", antialias=True).clamp(0, 1) - 1


def turn(x: torch.Tensor, places: list[tuple[int, int]]) -> torch.Tensor:
    """Turn a head's queries or keys, pair by pair: base 100, rows in the first half, columns in the second."""
    result, half = x.clone(), x.shape[1] // 2
    for token, place in enumerate(places):
        for part, where in enumerate(place):
            for pair in range(half // 2):
                angle = where * 100 ** (-2 * pair / half)
                first, second = part * half + pair, part * half + pair + half // 2
                a, b = x[token, first], x[token, second]
                result[token, first] = a * math.cos(angle) - b * math.sin(angle)
                result[token, second] = a * math.sin(angle) + b * math.cos(angle)
    return result


def reference(weights: dict[str, torch.Tensor], frames: torch.Tensor, indices: list[int]) -> list[torch.Tensor]:
    """Run the published model from its published weights, step by step; the last entry is normed."""

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: torch.Tensor, name: str, eps: float = 1e-6) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps)

    def block(x: torch.Tensor, name: str, eps: float, places: list[tuple[int, int]] | None) -> torch.Tensor:
        width, heads = x.shape[1], []
        qkv = linear(norm(x, f"{name}.norm1", eps), f"{name}.attn.qkv").split(width, 1)
        for query, key, value in zip(*(part.split(width // HEADS, 1) for part in qkv), strict=True):
            if places is not None:
                query, key = turn(query, places), turn(key, places)
            heads.append(torch.softmax(query @ key.T / math.sqrt(width // HEADS), 1) @ value)
        x = x + linear(torch.cat(heads, 1), f"{name}.attn.proj")
        return x + linear(F.gelu(linear(norm(x, f"{name}.norm2", eps), f"{name}.mlp.fc1")), f"{name}.mlp.fc2")

    proj = "encoder.patch_embed.proj"
    places = [(row, col) for row in range(frames.shape[2] // PATCH) for col in range(frames.shape[3] // PATCH)]
    views = []
    for frame, index in zip(frames, indices, strict=True):
        tokens = F.conv2d(frame, weights[f"{proj}.weight"], weights[f"{proj}.bias"], PATCH).flatten(1).T
        for k in range(DEPTH):
            tokens = block(tokens, f"encoder.enc_blocks.{k}", 1e-6, places)
        angles = [index * 10000 ** (-2 * i / FUSION) for i in range(FUSION // 2)]
        code = torch.tensor([math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles])
        code = weights.get("decoder.image_idx_emb", {index: code})[index]
        views.append(linear(norm(tokens, "encoder.enc_norm"), "decoder.decoder_embed") + code)
    tokens, given = torch.cat(views), []
    for k in range(DEPTH):
        tokens = block(tokens, f"decoder.dec_blocks.{k}", 1e-5, None)
        given.append(tokens)
    return [*given, norm(tokens, "decoder.dec_norm")]


@pytest.mark.parametrize("seed", [None, 3])
def test_features_are_those_of_the_published_model(folder: Path, seed: int | None) -> None:
    extractor = load(folder, index_seed=seed)
    found = extractor.extract(video(), [0, 1])
    first, second, normed = reference(load_file(folder / "model.safetensors"), pixels(), extractor.indices(4).tolist())
    assert found[0].values.shape == (4, 2, 3, FUSION)
    torch.testing.assert_close(found[0].values.reshape(-1, FUSION), first, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[1].values.reshape(-1, FUSION), normed, atol=1e-4, rtol=1e-4)
    plain = load(folder, index_seed=seed, final_norm=False).extract(video(), [1])
    torch.testing.assert_close(plain[1].values.reshape(-1, FUSION), second, atol=1e-4, rtol=1e-4)


def test_norms_add_what_those_of_the_release_add_to_a_small_variance(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    names = {"encoder.patch_embed.proj.weight", "encoder.patch_embed.proj.bias"}
    names |= {"decoder.decoder_embed.weight", "decoder.decoder_embed.bias"}
    small = {name: 0.002 * torch.randn(shapes()[name], generator=generator) for name in sorted(names)}
    small["decoder.image_idx_emb"] = 0.002 * torch.randn(1000, FUSION, generator=generator)
    folder = fast3r(tmp_path, small)
    first, _, normed = reference(load_file(folder / "model.safetensors"), pixels(), [0, 1, 2, 3])
    found = load(folder, index_seed=None).extract(video(), [0, 1])
    for layer, expected in ((0, first), (1, normed)):
        torch.testing.assert_close(found[layer].values.reshape(-1, FUSION), expected, atol=1e-4, rtol=1e-4)


def test_the_first_frame_has_index_0_and_the_others_draw_theirs_without_repetition(folder: Path) -> None:
    drawn = load(folder, index_seed=1).indices(500).tolist()
    assert drawn[0] == 0
    assert sorted(set(drawn)) == sorted(drawn)
    assert 1 <= min(drawn[1:]) < max(drawn) <= 999
    assert drawn[1:] != sorted(drawn[1:])
    assert load(folder, index_seed=None).indices(5).tolist() == [0, 1, 2, 3, 4]


def test_a_changed_frame_changes_its_slot_alone_where_views_do_not_attend_to_one_another(folder: Path) -> None:
    extractor, changed = load(folder), video()
    changed[2] = 255 - changed[2]
    everywhere = [extractor.extract(frames, [1])[1].values for frames in (video(), changed)]
    assert not torch.equal(everywhere[0][0], everywhere[1][0])  # a slot has seen the other frames too
    for block in extractor.model.fusion:
        torch.nn.init.zeros_(block.attn.proj.weight)
    one, other = (extractor.extract(frames, [1])[1] for frames in (video(), changed))
    assert [slot for slot in range(4) if not torch.equal(one.values[slot], other.values[slot])] == [2]
    assert one.slots.frames == ((0,), (1,), (2,), (3,))


def test_two_runs_give_the_same_bytes_and_another_seed_others(folder: Path) -> None:
    one, again, other = (load(folder, index_seed=seed).extract(video(), [1])[1].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert load(folder).key(1) != load(folder, index_seed=1).key(1)


def test_a_table_of_indices_in_the_checkpoint_is_taken(tmp_path: Path) -> None:
    table = torch.randn(1000, FUSION)
    assert torch.equal(load(fast3r(tmp_path, {"decoder.image_idx_emb": table})).model.index_table, table)


def test_an_unknown_weight_is_named(tmp_path: Path) -> None:
    folder = fast3r(tmp_path, {"decoder.surprise.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"has unknown weights: decoder\.surprise\.weight and 0 more"):
        load(folder)


def test_a_weight_that_is_missing_or_otherwise_shaped_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"otherwise shaped weights: fusion_norm\.weight and 0 more"):
        load(fast3r(tmp_path, {"decoder.dec_norm.weight": torch.zeros(WIDTH)}))
    state = load_file(fast3r(tmp_path) / "model.safetensors")
    del state["encoder.enc_blocks.1.attn.proj.bias"]
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"lacks weights: encoder\.1\.attn\.proj\.bias and 0 more"):
        load(tmp_path)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="decoder_type = 'llama': only 'fast3r' is known here"):
        load(fast3r(tmp_path, decoder_type="llama"))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="has no encoder_args: it is not Fast3R's"):
        load(tmp_path)


def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json in"):
        load(tmp_path)
    (fast3r(tmp_path) / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="is cut or damaged"):
        load(tmp_path)


def test_a_layer_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="has no layer 2: its blocks are 0 to 1"):
        load(folder).extract(video(), [2])


def test_more_frames_than_indices_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="has indices for 1000 images"):
        load(folder).windows(1001)


def test_a_size_that_the_patch_does_not_divide_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="its patch of 4 divides"):
        load(folder, (8, 10))
