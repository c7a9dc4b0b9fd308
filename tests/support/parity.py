"""A tiny NVILA-Lite folder run by the stock classes of transformers, put together by hand, and recorded."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM, SiglipVisionConfig, SiglipVisionModel

from benchmarks.parity.record_golden import record
from tests.support.folders.nvila_folder import CHANNELS, HEAD, TAIL, WIDTH, write_nvila

SIDE = 32  # of a tile: these pictures are neither cut nor resized


class StockStack:
    """The parts of a folder with projector `mlp2x_gelu`, which answer as VILA's code does."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "llm")
        self.llm = Qwen2ForCausalLM.from_pretrained(folder / "llm", dtype=dtype).eval()
        self.tower = SiglipVisionModel(SiglipVisionConfig.from_pretrained(folder / "vision_tower")).eval()
        stored = load_file(folder / "vision_tower" / "model.safetensors")
        self.tower.load_state_dict({key.removeprefix("vision_model."): value for key, value in stored.items()})
        self.projector = nn.Sequential(nn.Linear(CHANNELS, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        stored = load_file(folder / "mm_projector" / "model.safetensors")
        self.projector.load_state_dict({key.removeprefix("layers."): value for key, value in stored.items()})
        self.tower.to(dtype)
        self.projector.to(dtype)

    def answer(self, parts: list[Any]) -> Tensor:
        media = [part if isinstance(part, list) else [part] for part in parts if not isinstance(part, str)]
        frames = [np.array(frame) for each in media for frame in each]
        after = "\n" if len(frames) == 1 else ""
        text = HEAD + ("<image>" + after) * len(frames) + "".join(p for p in parts if isinstance(p, str)) + TAIL
        return self.generate(input_ids=self._ids(text), tiles=frames)

    def generate(self, input_ids: Tensor, tiles: list[np.ndarray]) -> Tensor:
        pieces = iter(self._seen(tiles)) if tiles else iter(())
        image = self.tokenizer.convert_tokens_to_ids("<image>")
        embed = self.llm.get_input_embeddings()
        rows = [next(pieces) if i == image else embed(i[None]) for i in input_ids[0]]
        embeds = torch.cat(rows)[None]
        tokens: Tensor = self.llm.generate(
            inputs_embeds=embeds, attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long)
        )
        return tokens

    def _seen(self, tiles: list[np.ndarray]) -> list[Tensor]:
        pixels = torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2).to(self.tower.dtype)
        hidden = self.tower((pixels / 255 - 0.5) / 0.5, output_hidden_states=True).hidden_states[-2]
        newline = self.llm.get_input_embeddings()(self._ids("\n")[0])
        return [torch.cat([tile, newline]) for tile in self.projector(hidden)]

    def _ids(self, text: str) -> Tensor:
        ids: Tensor = self.tokenizer(text, return_tensors="pt")["input_ids"]
        return ids


class Video:
    """A video as VILA takes it: a folder of pictures."""

    def __init__(self, path: str) -> None:
        self.path = path


class VilaModel(StockStack):
    """The stack behind the interface of VILA's model."""

    config = SimpleNamespace(num_video_frames=3)

    def generate_content(self, parts: list[Any]) -> str:
        def read(part: Any) -> Any:
            if not isinstance(part, Video):
                return part
            return [Image.open(file).convert("RGB") for file in sorted(Path(part.path).iterdir())]

        text: str = self.tokenizer.decode(self.answer([read(part) for part in parts])[0])
        return text


def vila_package() -> ModuleType:
    """Stand in for VILA's package, as far as record_golden.py uses it."""
    package: Any = ModuleType("llava")
    package.Video, package.load = Video, lambda checkpoint: VilaModel(Path(checkpoint))
    package.model = package
    return package


def prompts(frames: int = 3) -> dict[str, list[Any]]:
    random = np.random.default_rng(0)
    one, two, *others = (
        Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(2 + frames)
    )
    return {
        "text": ["Who are you?"],
        "image": [one, "What is it?"],
        "two_images": [one, two, "Which one?"],
        "video": [others, "What changes?"],
    }


def write_checkpoint(root: Path) -> Path:
    return write_nvila(root, "mlp2x_gelu")


def write_golden(checkpoint: Path, root: Path, dtype: torch.dtype = torch.float32) -> Path:
    stack = StockStack(checkpoint, dtype)
    record(root, prompts(), stack.answer, stack.llm, stack.tokenizer, stack)
    return root
