"""`region4d parity`: what agrees, what is found and named, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast, SiglipVisionConfig, SiglipVisionModel

from benchmarks.parity import record_golden
from models.sr3d.bases import assemble
from tests.support.folders.nvila_folder import write_nvila
from tests.support.parity import prompts, vila_package, write_checkpoint, write_golden
from tests.support.programs.command_line import Run, assert_one_line

SHARED = Path(__file__).parents[4] / "shared" / "golden"
DTYPES = ("float32", "bfloat16")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "nvila")


@pytest.fixture(scope="module")
def golden(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_golden(checkpoint, tmp_path_factory.mktemp("golden"))


def test_a_checkpoint_agrees_with_the_stock_classes(region4d: Run, checkpoint: Path, golden: Path) -> None:
    code, out, err = region4d("parity", str(checkpoint), str(golden), "--json")
    assert code == 0, out + err
    found = json.loads(out)["dtypes"]
    assert list(found) == list(DTYPES)
    for each in found.values():
        assert [prompt["name"] for prompt in each["prompts"]] == ["text", "image", "two_images", "video"]
        assert [layer["layer"] for layer in each["layers"]] == ["embeddings", "layers.0", "layers.1 and norm"]
        assert all(prompt["different_id"] is None for prompt in each["prompts"])
    for prompt in found["float32"]["prompts"]:
        assert prompt["different_token"] is None
        assert prompt["equal_top"] == prompt["steps"] == record_golden.NEW_TOKENS


def test_the_tables_go_to_a_file_and_the_verdicts_are_printed(
    region4d: Run, checkpoint: Path, golden: Path, tmp_path: Path
) -> None:
    words = ("parity", str(checkpoint), str(golden), "--dtype", "float32")
    code, out, _ = region4d(*words)
    assert code == 0
    assert "| two_images | equal |" in out
    assert "| layers.0 |" in out
    assert region4d(*words, "-o", str(tmp_path / "parity.md"))[1] == "float32: all prompts agree.\n"
    assert (tmp_path / "parity.md").read_text() == out


def _noise(value: Tensor) -> Tensor:
    return value + 0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(0))


def _change(checkpoint: Path, root: Path, file: str, key: str, change: Callable[[Tensor], Tensor]) -> Path:
    shutil.copytree(checkpoint, root)
    weights = load_file(root / file)
    save_file({**weights, key: change(weights[key])}, root / file, {"format": "pt"})
    return root


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("file", "key", "prompt", "place"),
    [
        ("llm", "model.layers.0.mlp.down_proj.weight", "text", "layers.0"),
        ("llm", "model.layers.1.self_attn.o_proj.weight", "text", "layers.1 and norm"),
        ("mm_projector", "layers.2.weight", "image", "embeddings"),
        ("vision_tower", "vision_model.encoder.layers.0.mlp.fc1.weight", "image", "embeddings"),
    ],
)
def test_a_perturbed_layer_is_found_and_named(
    region4d: Run,
    checkpoint: Path,
    golden: Path,
    tmp_path: Path,
    file: str,
    key: str,
    prompt: str,
    place: str,
    dtype: str,
) -> None:
    broken = _change(checkpoint, tmp_path / "broken", f"{file}/model.safetensors", key, _noise)
    code, out, _ = region4d("parity", str(broken), str(golden), "--dtype", dtype)
    assert code == 1
    assert out.splitlines()[-1].startswith(f"{dtype}: prompt '{prompt}' is the first that differs, at {place} (")


def test_another_prompt_is_named_with_the_place_of_its_first_other_id(
    region4d: Run, checkpoint: Path, golden: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "template"
    shutil.copytree(checkpoint, changed)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(changed / "llm")
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}"
    tokenizer.save_pretrained(changed / "llm")
    code, out, _ = region4d("parity", str(changed), str(golden), "--dtype", "float32")
    assert code == 1
    assert "prompt 'text' is the first that differs, in its ids, from place 1" in out


@pytest.mark.long
def test_a_golden_in_half_precision_has_the_tolerance_of_its_own_rounding(
    region4d: Run, checkpoint: Path, golden: Path, tmp_path: Path
) -> None:
    half = write_golden(checkpoint, tmp_path / "half", torch.bfloat16)
    code, out, err = region4d("parity", str(checkpoint), str(half), "--json")
    assert code == 0, out + err
    exact = json.loads(region4d("parity", str(checkpoint), str(golden), "--json")[1])
    rounded = json.loads(out)
    for dtype in DTYPES:
        (a, b) = (each["dtypes"][dtype]["layers"][1]["tolerance"] for each in (exact, rounded))
        assert b > 1.5 * a


@pytest.mark.long
def test_the_script_stands_alone_and_records_a_language_model(region4d: Run, tmp_path: Path) -> None:
    language = write_nvila(tmp_path / "nvila") / "llm"
    tokenizer = PreTrainedTokenizerFast.from_pretrained(language)
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}"
    tokenizer.save_pretrained(language)
    sizes = {"hidden_size": 12, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    SiglipVisionModel(SiglipVisionConfig(**sizes, image_size=32, patch_size=8)).save_pretrained(tmp_path / "vision")
    model, processor = assemble(tmp_path / "vision", language)
    model.save_pretrained(tmp_path / "base")
    processor.save_pretrained(tmp_path / "base")
    shutil.copy(str(record_golden.__file__), tmp_path / "record.py")
    words = ["record.py", "transformers", str(language), "golden"]
    subprocess.run([sys.executable, "-P", *words], cwd=tmp_path, env={"PATH": ""}, check=True, capture_output=True)
    code, out, err = region4d("parity", str(tmp_path / "base"), str(tmp_path / "golden"))
    assert code == 0, out + err
    assert "| text | equal |" in out


def test_what_the_script_asks_of_vila_is_recorded(
    region4d: Run, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = vila_package()
    for name in ("llava", "llava.model", "llava.model.builder"):
        monkeypatch.setitem(sys.modules, name, package)
    for owner, name in ((torch, "float16"), (torch.Tensor, "half")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # the script replaces them
    monkeypatch.setattr(record_golden, "prompts", lambda frames: prompts(frames))
    record_golden.record_vila(str(checkpoint), tmp_path / "golden", torch.float32)
    monkeypatch.undo()
    code, out, err = region4d("parity", str(checkpoint), str(tmp_path / "golden"), "--json")
    assert code == 0, out + err
    assert len(json.loads(out)["dtypes"]["float32"]["prompts"]) == len(prompts())
    assert load_file(tmp_path / "golden" / "golden.safetensors")["video.media.0"].shape == (3, 32, 32, 3)


@pytest.mark.parametrize("variant", ["nvila_tiny", "nvila_tiny_c", "nvila_tiny_d"])
def test_a_checkpoint_agrees_with_vila(region4d: Run, variant: str) -> None:
    if not (SHARED / variant).is_dir():
        pytest.skip(f"no {variant} beside the repository: values recorded from VILA")
    code, out, err = region4d("parity", str(SHARED / variant / "checkpoint"), str(SHARED / variant), "--json")
    assert code == 0, out + err
    found = json.loads(out)["dtypes"]
    assert [len(each["prompts"]) for each in found.values()] == [12, 12]
    for prompt in found["float32"]["prompts"]:
        assert prompt["different_id"] is prompt["different_token"] is None
        assert prompt["logits"] < 1e-3


@pytest.mark.parametrize(
    ("part", "setting"),
    [
        ("llm", {"rope_theta": 1e4}),
        ("llm", {"rms_norm_eps": 1e-5}),
        ("vision_tower", {"hidden_act": "gelu"}),
        (".", {"mm_vision_select_layer": -1}),
        (".", {"max_tiles": 4}),
    ],
)
def test_a_wrong_setting_is_found_in_float32(
    region4d: Run, tmp_path: Path, part: str, setting: dict[str, object]
) -> None:
    recorded = SHARED / "nvila_tiny_d"
    if not recorded.is_dir():
        pytest.skip(f"no {recorded.name} beside the repository: values recorded from VILA")
    changed = tmp_path / "changed"
    shutil.copytree(recorded / "checkpoint", changed, copy_function=shutil.copyfile)
    config = changed / part / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **setting}))
    code, out, _ = region4d("parity", str(changed), str(recorded), "--dtype", "float32")
    assert code == 1
    assert "is the first that differs" in out


def test_wrong_input_is_one_line(region4d: Run, checkpoint: Path, golden: Path, tmp_path: Path) -> None:
    def damaged(name: str, file: str, text: str) -> str:
        shutil.copytree(golden, tmp_path / name)
        (tmp_path / name / file).write_text(text)
        return str(tmp_path / name)

    about = json.loads((golden / "golden.json").read_text())
    other = json.dumps({**about, "prompts": [{**about["prompts"][0], "name": "unknown"}]})
    none = json.dumps({**about, "prompts": []})
    for path, *parts in (
        (str(tmp_path / "nowhere"), "nowhere.json", "golden.safetensors"),
        (damaged("cut", "golden.json", "{"), "golden.json is damaged", "record it again"),
        (damaged("weights", "golden.safetensors", "x"), "is damaged"),
        (damaged("list", "golden.json", "[]"), "is not a golden"),
        (damaged("unknown", "golden.json", other), "is not a golden", "top_logits"),
        (damaged("none", "golden.json", none), "0 prompts"),
        (damaged("dtype", "golden.json", json.dumps({**about, "dtype": "int8"})), "'int8'", "bfloat16"),
    ):
        assert_one_line(region4d("parity", str(checkpoint), path), *parts)
    words = (str(golden), "--dtype", "float32")
    assert_one_line(region4d("parity", str(tmp_path / "no"), *words), "no SR-3D checkpoint")
    assert_one_line(region4d("parity", str(checkpoint), str(golden), "--dtype", "half"), "'half'", "float32")
    assert_one_line(region4d("parity", "sr3d_tiny_3d", *words), "chat template")


def test_a_golden_of_another_checkpoint_is_one_line(
    region4d: Run, checkpoint: Path, golden: Path, tmp_path: Path
) -> None:
    tensors = load_file(golden / "golden.safetensors")
    hidden = {f"text.{key}": torch.zeros(5, 8) for key in ("hidden_states", "hidden_mean", "hidden_rms")}
    for name, change, parts in (
        ("layers", hidden, ("(5, 8)", "(3, 16)", "another checkpoint")),
        ("vocabulary", {"text.greedy_tokens": torch.tensor([100_000])}, ("token 100000", "another checkpoint")),
        ("shapes", {"text.hidden_mean": torch.zeros(5, 8)}, ("is not a golden", "differ in shape")),
    ):
        shutil.copytree(golden, tmp_path / name)
        save_file({**tensors, **change}, tmp_path / name / "golden.safetensors")
        words = ("parity", str(checkpoint), str(tmp_path / name), "--dtype", "float32")
        assert_one_line(region4d(*words), *parts)
