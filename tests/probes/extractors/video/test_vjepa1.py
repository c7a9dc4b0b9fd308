import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from models.encoders.sincos import sincos_3d
from probes.extractors.video.vjepa1 import VJEPA1Extractor
from tests.support.checkpoints.vjepa1 import DEPTH, GRID, HEADS, PATCH, WIDTH, vjepa1

SIZE = (8, 20)  # 2 x 5 patches; the encoder is trained on 3 x 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vjepa1(tmp_path_factory.mktemp("vjepa1"))


def load(
    folder: Path, size: tuple[int, int] = SIZE, part: str = "target_encoder", **options: object
) -> VJEPA1Extractor:
    settings = {"frames": 7, "length": 4, "file": "tiny.pth.tar", "trained": (4, 12), "dtype": torch.float32}
    return VJEPA1Extractor.from_pretrained(folder, "vjepa1", size, part=part, **(settings | options))  # type: ignore[arg-type]


def video(frames: int = 7) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def resample(wanted: int, trained: int) -> torch.Tensor:
    """Write linear interpolation between cell centres as a matrix."""
    matrix = torch.zeros(wanted, trained)
    for row in range(wanted):
        place = min(max((row + 0.5) * trained / wanted - 0.5, 0.0), trained - 1.0)
        low = min(int(place), trained - 2)
        matrix[row, low], matrix[row, low + 1] = low + 1 - place, place - low
    return matrix


def reference(state: dict[str, torch.Tensor], frames: torch.Tensor) -> list[torch.Tensor]:
    """Run the published encoder from its published weights, step by step; gives what each block gives."""
    weights = {name.removeprefix("module.backbone."): value for name, value in state.items()}

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-6)

    stride = (2, PATCH, PATCH)
    proj = "patch_embed.proj"
    patches = F.conv3d(frames.transpose(0, 1), weights[f"{proj}.weight"], weights[f"{proj}.bias"], stride)
    table = weights["pos_embed"].reshape(*GRID, WIDTH)
    axes = [resample(wanted, trained) for wanted, trained in zip(patches.shape[1:], GRID, strict=True)]
    positions = torch.einsum("ts,hr,wc,srcd->thwd", *axes, table)
    tokens = patches.permute(1, 2, 3, 0).reshape(-1, WIDTH) + positions.reshape(-1, WIDTH)
    given = []
    for k in range(DEPTH):
        qkv = linear(norm(tokens, f"blocks.{k}.norm1"), f"blocks.{k}.attn.qkv").split(WIDTH, 1)
        heads = []
        for query, key, value in zip(*(part.split(WIDTH // HEADS, 1) for part in qkv), strict=True):
            heads.append(torch.softmax(query @ key.T / math.sqrt(WIDTH // HEADS), 1) @ value)
        tokens = tokens + linear(torch.cat(heads, 1), f"blocks.{k}.attn.proj")
        hidden = F.gelu(linear(norm(tokens, f"blocks.{k}.norm2"), f"blocks.{k}.mlp.fc1"))
        tokens = tokens + linear(hidden, f"blocks.{k}.mlp.fc2")
        given.append(tokens)
    return given


@pytest.mark.parametrize("size", [SIZE, (12, 12)])
@pytest.mark.parametrize("part", ["encoder", "target_encoder"])
def test_features_are_those_of_the_published_encoder(folder: Path, size: tuple[int, int], part: str) -> None:
    found = load(folder, size, part).extract(video(), [0, 1])
    frames = F.interpolate(video().float() / 255, size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    frames = (frames - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    given = reference(torch.load(folder / "tiny.pth.tar", weights_only=True)[part], frames[[0, 2, 4, 6]])
    for layer in (0, 1):
        assert found[layer].values.shape == (4, size[0] // PATCH, size[1] // PATCH, WIDTH)
        torch.testing.assert_close(found[layer].values[2:].reshape(-1, WIDTH), given[layer], atol=1e-4, rtol=1e-4)
    assert found[0].slots.frames == ((0, 1), (3, 5), (0, 2), (4, 6))


def test_fixed_positions_are_sines_and_cosines_of_slot_row_and_column() -> None:
    found = sincos_3d((2, 3, 4), 20)  # thirds of 8, together 24, of which 20 are kept
    assert found.shape == (2, 3, 4, 20)
    for axis, place in enumerate((1, 2, 3)):
        angles = [place * 10000 ** (-i / 4) for i in range(4)]
        expected = [math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles]
        cell = found[1, 2, 3, 8 * axis : 8 * axis + 8].tolist()
        assert cell == pytest.approx(expected[: len(cell)], abs=1e-6)


def test_a_changed_frame_changes_its_slot_alone_where_tokens_do_not_attend(folder: Path) -> None:
    extractor = load(folder)
    for block in extractor.blocks:
        torch.nn.init.zeros_(block.attn.proj.weight)
    changed = video()
    changed[3] = 255 - changed[3]
    one, other = (extractor.extract(frames, [1])[1] for frames in (video(), changed))
    assert [slot for slot in range(4) if not torch.equal(one.values[slot], other.values[slot])] == [1]
    assert one.slots.slots_of([3]) == [1]


def test_two_runs_give_the_same_bytes(folder: Path) -> None:
    one, other = load(folder), load(folder)
    assert torch.equal(one.extract(video(), [1])[1].values, other.extract(video(), [1])[1].values)
    assert one.key(1) == other.key(1) != load(folder, part="encoder").key(1)


def test_positions_of_another_training_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="positions of 18 tokens, where clips of 16 frames and 12 pixels have 72"):
        load(folder, trained=(16, 12))


def test_a_layer_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="has no layer 2: its blocks are 0 to 1"):
        load(folder).extract(video(), [2])


def test_a_folder_without_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"download a \.pth\.tar of V-JEPA there"):
        load(tmp_path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.pth.tar").write_text("no checkpoint")
    with pytest.raises(ValueError, match="is not a checkpoint that torch can read"):
        load(tmp_path)
    torch.save({"model": {}}, tmp_path / "tiny.pth.tar")
    with pytest.raises(ValueError, match="has no 'target_encoder', it has \\['model'\\]"):
        load(tmp_path)
    torch.save({"target_encoder": {"conv1.weight": torch.zeros(1)}}, tmp_path / "tiny.pth.tar")
    with pytest.raises(ValueError, match="is not a V-JEPA encoder"):
        load(tmp_path)


def test_a_weight_that_is_missing_or_unknown_is_named(folder: Path, tmp_path: Path) -> None:
    state = torch.load(folder / "tiny.pth.tar", weights_only=True)["target_encoder"]
    surprise = state | {"module.backbone.cls_token": torch.zeros(1)}
    torch.save({"target_encoder": surprise}, tmp_path / "tiny.pth.tar")
    with pytest.raises(ValueError, match=r"has unknown weights: module\.backbone\.cls_token and 0 more"):
        load(tmp_path)
    del state["module.backbone.blocks.1.mlp.fc1.bias"]
    torch.save({"target_encoder": state}, tmp_path / "tiny.pth.tar")
    with pytest.raises(ValueError, match=r"lacks weights: blocks\.1\.mlp\.fc1\.bias and 0 more"):
        load(tmp_path)
