"""Ten wrong settings of a checkpoint, in VILA's layout and as exported: one clear line each, and nothing written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from region4d.verbs.convert import convert
from tests.support.folders.nvila_folder import write_nvila
from tests.support.programs.command_line import Run, assert_one_line

WEIGHTS, CONFIG = "model.safetensors", "config.json"
LAYOUTS = ("nvila", "exported")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("good")
    convert(root / "exported", nvila=write_nvila(root / "nvila", padding=3), dtype="float32")
    return root


@pytest.fixture
def wrong(good: Path, tmp_path: Path) -> Path:
    """A folder to break, in each layout."""
    shutil.copytree(good, tmp_path / "wrong")
    return tmp_path / "wrong"


def ask(region4d: Run, model: Path, root: Path, region: bool = False) -> tuple[int, str, str]:
    Image.radial_gradient("L").resize((96, 64)).convert("RGB").save(root / "a.png")
    words = ("--no-depth", "--max-new-tokens", "4", "--device", "cpu", "--model", str(model))
    words += ("--picture", str(root / "answer" / "ask.png"))
    words += ("Is <region0> red?", "--region", "10,10,60,50") if region else ("What is it?",)
    return region4d("ask", str(root / "a.png"), *words)


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def language(folder: Path) -> Path:
    """Give the folder of the language model: in VILA's layout a part."""
    return folder / "llm" if (folder / "llm").is_dir() else folder


def other_architecture(folder: Path) -> None:
    change(folder / CONFIG, model_type="qwen2", architectures=["Qwen2ForCausalLM"])


def other_language(folder: Path) -> None:
    if folder.name == "nvila":
        change(folder / "llm" / CONFIG, model_type="wordmill")
    else:
        change(folder / CONFIG, text_config={"model_type": "wordmill"})


def value(folder: Path) -> None:
    change(folder / CONFIG, **({"image_aspect_ratio": "pad"} if folder.name == "nvila" else {"projector": "conv"}))


def field(folder: Path) -> None:
    change(folder / CONFIG, look_twice=True)


def missing_shard(folder: Path) -> None:
    folder = language(folder)
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    of = {key: names[index % 2] for index, key in enumerate(weights)}
    save_file({key: weights[key] for key in of if of[key] == names[0]}, folder / names[0], {"format": "pt"})
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": of}))


def no_media_tokens(folder: Path) -> None:
    folder = language(folder)
    media = {"<image>", "<region>", "<camera>", "<scale>"}
    content = json.loads((folder / "tokenizer.json").read_text())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] not in media]
    for token in media:
        content["model"]["vocab"].pop(token, None)
    (folder / "tokenizer.json").write_text(json.dumps(content))
    for key in ("additional_special_tokens", "extra_special_tokens"):
        change(folder / "tokenizer_config.json", **{key: []})


def pickle_only(folder: Path) -> None:
    folder = language(folder)
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def write_code(folder: Path) -> None:
    marker = folder.parent / "executed"
    (folder / "modeling.py").write_text(f"open({str(marker)!r}, 'w').close()\nclass Model: ...\nclass Words: ...\n")


def custom_code(folder: Path) -> None:
    write_code(language(folder))
    change(language(folder) / CONFIG, auto_map={"AutoConfig": "modeling.Model", "AutoModel": "modeling.Model"})


def custom_architecture(folder: Path) -> None:
    custom_code(folder)
    change(language(folder) / CONFIG, model_type="wordmill")


def custom_tokenizer(folder: Path) -> None:
    write_code(language(folder))
    names = {"AutoTokenizer": ["modeling.Words", "modeling.Words"]}
    change(language(folder) / "tokenizer_config.json", auto_map=names)


def trusted_code(folder: Path) -> None:
    change(folder / CONFIG, trust_remote_code=True)


def nan_weight(folder: Path) -> None:
    file = language(folder) / WEIGHTS
    weights = load_file(file)
    weights[next(key for key in weights if "layers.1.mlp.up_proj" in key)][3, 2] = float("nan")
    save_file(weights, file, {"format": "pt"})


def other_width(folder: Path) -> None:
    if folder.name == "nvila":
        change(folder / "llm" / CONFIG, hidden_size=20)
    else:
        text = json.loads((folder / CONFIG).read_text())["text_config"]
        change(folder / CONFIG, text_config={**text, "hidden_size": 20})


def other_tower_width(folder: Path) -> None:
    if folder.name == "nvila":
        change(folder / CONFIG, mm_hidden_size=99)
    else:
        vision = json.loads((folder / CONFIG).read_text())["vision_config"]
        change(folder / CONFIG, vision_config={**vision, "hidden_size": 14})


SIZE = "in another size than its configs say"
WRONG: Sequence[tuple[Callable[[Path], None], Sequence[str], Sequence[str]]] = (  # what nvila, and exported, says
    (other_architecture, ("model_type='qwen2'", "a folder of VILA"), ("model_type='qwen2', which is not an SR-3D",)),
    (other_language, ("model_type='wordmill'", "transformers does not know"), ("text_config", "model_type='wordmill'")),
    (value, ("image_aspect_ratio='pad': known here is dynamic, resize",), ("projector='conv' is unknown", "linear")),
    (field, ("the field look_twice=True, which is not known here",), ("the field look_twice=True, which is not",)),
    (missing_shard, ("names model-00002-of-00002.safetensors, which is not there",), ("index.json names model-00002",)),
    (no_media_tokens, ("llm lacks <image>",), ("lacks <image>, <region>, <camera>, <scale>",)),
    (pickle_only, ("a pickle (pytorch_model.bin), which can run code",), ("a pickle (pytorch_model.bin), which can",)),
    (custom_code, ("llm/config.json has auto_map: code", "never run"), ("config.json has auto_map: code", "never run")),
    (custom_architecture, ("llm/config.json has auto_map",), ("config.json has auto_map",)),
    (custom_tokenizer, ("tokenizer_config.json has auto_map",), ("tokenizer_config.json has auto_map",)),
    (trusted_code, ("config.json has trust_remote_code",), ("config.json has trust_remote_code",)),
    (nan_weight, ("layers.1.mlp.up_proj.weight", "not finite"), ("layers.1.mlp.up_proj.weight", "not finite")),
    (other_width, (SIZE, "language_model."), (SIZE, "language_model.")),
    (other_tower_width, ("mm_hidden_size=99, but the part in the folder is 12 wide",), (SIZE,)),
)
NAMES = [case[0].__name__ for case in WRONG]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", WRONG, ids=NAMES)
def test_a_wrong_setting_is_one_line_and_nothing_is_written(
    region4d: Run, wrong: Path, tmp_path: Path, case: Any, layout: str, caplog: pytest.LogCaptureFixture
) -> None:
    break_it, *said = case
    break_it(wrong / layout)
    before = sorted(wrong.rglob("*"))
    assert_one_line(ask(region4d, wrong / layout, tmp_path), *said[LAYOUTS.index(layout)])
    assert not caplog.text
    assert not (tmp_path / "answer").exists()
    assert sorted(wrong.rglob("*")) == before  # no half of a file, and no trace of code that ran


def test_nan_is_one_line_also_where_regions_are_drawn(
    region4d: Run, wrong: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nan_weight(wrong / "nvila")
    assert_one_line(ask(region4d, wrong / "nvila", tmp_path, region=True), "up_proj.weight", "not finite")
    assert not caplog.text


@pytest.mark.parametrize("case", WRONG, ids=NAMES)
def test_a_wrong_folder_is_not_converted(region4d: Run, wrong: Path, tmp_path: Path, case: Any) -> None:
    break_it, said, _ = case
    break_it(wrong / "nvila")
    before = sorted(tmp_path.rglob("*"))
    assert_one_line(region4d("convert", "--nvila", str(wrong / "nvila"), "-o", str(tmp_path / "base")), *said)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("layout", "model"), zip(LAYOUTS, ("sr3d/nvila_lite_8b", "sr3d/exported"), strict=True))
def test_an_unknown_loader_option_is_one_line(
    region4d: Run, good: Path, tmp_path: Path, layout: str, model: str
) -> None:
    words = ("experiment=sr3d/tiny_static", f"model={model}", f"model.folder={good / layout}", "+model.max_tile=3")
    result = region4d("train", *words, f"data.stores={tmp_path / 'stores'}", f"output={tmp_path / 'run'}")
    assert_one_line(result, "unknown option max_tile=3 of an", "do you mean max_tiles?")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_untrained_region_extractor_is_said_and_has_no_effect(
    region4d: Run, wrong: Path, tmp_path: Path, layout: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = set()
    for seed in range(3):
        torch.manual_seed(seed)  # of what is random in VILA's layout; as exported it is stored
        if layout == "exported":
            weights = load_file(wrong / layout / WEIGHTS)
            drawn = {k: torch.randn_like(v) if k.startswith("region_extractor.") else v for k, v in weights.items()}
            save_file(drawn, wrong / layout / WEIGHTS, {"format": "pt"})
        caplog.clear()
        code, out, err = ask(region4d, wrong / layout, tmp_path, region=True)
        assert code == 0, err
        answers.add(out)
        assert caplog.text.count("the region extractor was never trained: regions are drawn on the frames") == 1
    assert len(answers) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_python_file_beside_the_weights_is_not_run_which_is_said_once(
    region4d: Run, wrong: Path, tmp_path: Path, layout: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_code(wrong / layout)
    code, _, err = ask(region4d, wrong / layout, tmp_path)
    assert code == 0, err
    assert caplog.text.count("has Python files, which are not run: modeling.py") == 1
    assert not (wrong / "executed").exists()
