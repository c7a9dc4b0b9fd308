"""Record what a checkpoint answers in another stack, for `region4d parity FOLDER GOLDEN`.

It stands alone: copy this one file to where the other stack is.

    python record_golden.py vila CHECKPOINT GOLDEN            VILA's own code (package llava), with transformers 4.46
    python record_golden.py transformers CHECKPOINT GOLDEN    a language model of transformers, texts alone

GOLDEN is a folder of golden.json and golden.safetensors. For other models call `record`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

NEW_TOKENS, BEST = 16, 5
GREEDY = {"do_sample": False, "num_beams": 1, "max_new_tokens": NEW_TOKENS}
FULL = {"output_logits": True, "output_hidden_states": True, "return_dict_in_generate": True}


def pictures(count: int, height: int, width: int, seed: int) -> list:
    """Draw smooth coloured pictures."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return [Image.fromarray(each).resize((width, height), Image.Resampling.BICUBIC) for each in coarse]


def prompts(frames: int = 8) -> dict:
    """List prompts by name: texts, pictures, and lists of pictures, which are videos."""
    return {
        "text": ["Name three colours, and then say goodbye."],
        "image": [*pictures(1, 300, 300, 0), "What is in this picture?"],
        "wide_image": [*pictures(1, 200, 500, 1), "Describe this picture in detail."],
        "two_images": [*pictures(2, 240, 320, 2), "Compare the two pictures."],
        "video": [pictures(frames, 180, 240, 3), "What changes between the first and the last frame?"],
    }


def record(
    folder: Path, prompts: dict, answer: Callable[[list], Any], llm: Any, tokenizer: Any, outer: Any | None = None
) -> None:
    """Answer prompts greedily, and write the record of it to `folder`.

    Args:
        folder: Made where it is missing.
        prompts: As `prompts` lists them.
        answer: Runs the stack on the parts of one prompt, one prompt at a time.
        llm: The language model that `answer` generates with: its `generate` is transformers'.
        tokenizer: Of the model.
        outer: Model whose `generate` gets the input ids as a keyword, where it is not `llm`.
    """
    seen: dict = {}
    run, name_ids = llm.generate, (outer or llm).generate

    def watched(**inputs: Any) -> Any:
        seen.update({"ids": inputs.get("input_ids", seen.get("ids")), "out": run(**{**inputs, **GREEDY, **FULL})})
        return seen["out"].sequences

    def named(**inputs: Any) -> Any:
        seen["ids"] = inputs["input_ids"]
        return name_ids(**inputs)

    if outer is not None:
        outer.generate = named
    llm.generate = watched
    tensors, entries = {}, []
    for name, parts in prompts.items():
        with torch.inference_mode():
            answer(parts)
        logits = torch.stack(seen["out"].logits)[:, 0].float()  # new token, vocabulary
        states = torch.stack([layer[0].float() for layer in seen["out"].hidden_states[0]])  # layer, position, channel
        tokens, best = seen["out"].sequences[0, -len(logits) :], logits.topk(BEST)
        media = [part for part in parts if not isinstance(part, str)]
        values = {
            **{f"media.{k}": torch.from_numpy(np.stack(each) if isinstance(each, list) else np.array(each))
               for k, each in enumerate(media)},
            "input_ids": seen["ids"][0], "greedy_tokens": tokens, "top_ids": best.indices, "top_logits": best.values,
            "hidden_states": states[:, -1], "hidden_mean": states.mean(1), "hidden_rms": states.square().mean(1).sqrt(),
        }  # fmt: skip
        tensors.update({f"{name}.{key}": value.detach().cpu().clone() for key, value in values.items()})
        order = iter(range(len(media)))
        entries.append({
            "name": name,
            "parts": [part if isinstance(part, str) else next(order) for part in parts],
            "media": [{"kind": "video" if isinstance(each, list) else "image"} for each in media],
            "greedy_text": tokenizer.decode(tokens, skip_special_tokens=True),
        })  # fmt: skip
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    dtype = str(next(llm.parameters()).dtype).replace("torch.", "")
    about = {"dtype": dtype, "max_new_tokens": NEW_TOKENS, "versions": versions, "prompts": entries}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "golden.safetensors")
    (folder / "golden.json").write_text(json.dumps(about, indent=1))


def record_vila(checkpoint: str, folder: Path, dtype: torch.dtype) -> None:
    """Record VILA's own `generate_content`. It loads and feeds float16 wherever that is written: here, `dtype`."""
    import llava.model.builder  # type: ignore[import-not-found]  # of VILA's environment

    torch.float16, torch.Tensor.half = dtype, lambda self: self.to(dtype)  # type: ignore[misc, method-assign]
    model = llava.load(checkpoint)

    def answer(parts: list) -> Any:
        with tempfile.TemporaryDirectory() as frames:  # a video is a folder of pictures
            for part in parts:
                for k, frame in enumerate(part if isinstance(part, list) else ()):
                    frame.save(f"{frames}/{k:04d}.png")
            return model.generate_content([llava.Video(frames) if isinstance(part, list) else part for part in parts])

    record(folder, prompts(model.config.num_video_frames), answer, model.llm, model.tokenizer, model)


def record_language_model(checkpoint: str, folder: Path, dtype: torch.dtype) -> None:
    """Record a causal language model of transformers, with its chat template."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    llm = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, torch_dtype=dtype).eval()

    def answer(parts: list) -> Any:
        turn = [{"role": "user", "content": parts[0]}]
        text = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"].to(llm.device)
        return llm.generate(input_ids=ids, attention_mask=torch.ones_like(ids))

    texts = {name: parts for name, parts in prompts().items() if all(isinstance(part, str) for part in parts)}
    record(folder, texts, answer, llm, tokenizer)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack", choices=["vila", "transformers"])
    parser.add_argument("checkpoint")
    parser.add_argument("golden", type=Path)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    given = parser.parse_args()
    run = record_vila if given.stack == "vila" else record_language_model
    run(given.checkpoint, given.golden, getattr(torch, given.dtype))
