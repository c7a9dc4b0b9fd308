"""Networks of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from probes.extractors.images.pixels import PixelExtractor
from probes.extractors.module import ModuleExtractor, named_function
from tests.support.clips.extractor_clips import clip

USERS_FILE = """
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU())

def pixels(video):
    return video.flatten(0, 1) * 255

def number():
    return 7
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the working directory."""
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(USERS_FILE)
    monkeypatch.chdir(tmp_path)
    return name


class Tokens(nn.Module):
    """Patches of 8 pixels and two frames as tokens after one class token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv3d(3, 6, (2, 8, 8), (2, 8, 8))
        self.last = nn.Identity()

    def forward(self, video: Tensor) -> Tensor:
        tokens = self.embed(video).flatten(2).transpose(1, 2)
        result: Tensor = self.last(torch.cat([torch.full_like(tokens[:, :1], 99), tokens], 1))
        return result


def test_maps_of_an_image_network_are_the_output_of_the_module_frame_by_frame(here: str) -> None:
    extractor = ModuleExtractor.from_function(f"{here}:build", "0", "mine", size=(32, 48), pixels="unit")
    found = extractor.extract(clip(3), [0])[0]
    assert found.values.shape == (3, 8, 12, 8)
    assert found.slots.frames == ((0,), (1,), (2,))
    frames = torch.nn.functional.interpolate(clip(3).float() / 255, (32, 48), mode="bicubic", antialias=True)
    with torch.no_grad():
        stock = named_function(f"{here}:build")()[0](frames.clamp(0, 1))
    torch.testing.assert_close(found.values.permute(0, 3, 1, 2), stock)


def test_a_function_of_the_users_prepares_the_pixels(here: str) -> None:
    by_name = ModuleExtractor.from_function(f"{here}:build", ["0"], "mine", size=(32, 48), pixels="unit")
    by_function = ModuleExtractor.from_function(f"{here}:build", ["0"], "mine", size=(32, 48), pixels=f"{here}:pixels")
    one, other = (extractor.extract(clip(2), [0])[0].values for extractor in (by_name, by_function))
    assert not torch.allclose(one, other)
    assert by_name.key(0) != by_function.key(0)


def test_tokens_of_a_video_network_lie_on_slots_rows_and_columns() -> None:
    network = Tokens()
    extractor = ModuleExtractor(network, ["embed", "last"], "mine", (16, 24), tubelet=2, patch=8)
    maps, tokens = extractor.extract(clip(4), [0, 1]).values()
    assert maps.slots.frames == tokens.slots.frames == ((0, 1), (2, 3))
    assert maps.values.shape == (2, 2, 3, 6)
    torch.testing.assert_close(maps.values, tokens.values)  # without the class token


def test_the_forward_ends_at_the_deepest_module_that_is_read() -> None:
    run: list[str] = []

    class Noted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            run.append("noted")
            return x

    network = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU(), Noted())
    ModuleExtractor(network, ["0", "1"], "mine", (8, 8)).extract(clip(2), [1, 0])
    assert not run
    ModuleExtractor(network, ["0", "2"], "mine", (8, 8)).extract(clip(2), [1])
    assert run == ["noted"]


def test_an_extractor_of_the_users_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, here: str) -> None:
    own = PixelExtractor("mine", (16, 16), patch=8, tubelet=2)
    monkeypatch.setitem(named_function(f"{here}:build").__globals__, "build", lambda: own)
    assert ModuleExtractor.from_function(f"{here}:build", "0", "mine", size=(8, 8)) is own


@pytest.mark.parametrize(
    ("source", "hook", "options", "words"),
    [
        ("nowhere:build", "0", {}, "there is no module 'nowhere' here or among the installed packages"),
        ("HERE:make", "0", {}, "has no 'make'"),
        ("HERE", "0", {}, "write package.module:function"),
        ("HERE:number", "0", {}, "returned int; return a torch.nn.Module"),
        ("HERE:build", "blocks.3", {}, "the network has no module 'blocks.3'; did you mean 0 or 1"),
        ("HERE:build", "0", {"pixels": "bgr"}, "pixels=bgr is unknown; choose one of imagenet, symmetric, unit"),
    ],
)
def test_a_wrong_name_is_one_clear_line(here: str, source: str, hook: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ModuleExtractor.from_function(source.replace("HERE", here), hook, "mine", size=(8, 8), **options)


def test_outputs_that_are_no_grid_are_refused() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 4, 4), nn.Flatten())
    with pytest.raises(ValueError, match=r"gives a tensor of shape \(2, 8\): name a module that gives maps"):
        ModuleExtractor(network, ["1"], "mine", (8, 8)).extract(clip(2), [0])
    with pytest.raises(ValueError, match="gives tokens: say how many pixels one has, as patch=16"):
        ModuleExtractor(Tokens(), ["last"], "mine", (16, 24), tubelet=2).extract(clip(4), [0])
    with pytest.raises(ValueError, match="gives 13 tokens, fewer than the 48 patches of 4 pixels in 16x24"):
        ModuleExtractor(Tokens(), ["last"], "mine", (16, 24), tubelet=2, patch=4).extract(clip(4), [0])
