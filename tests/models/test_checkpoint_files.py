"""Files of a checkpoint: whole shards, no pickles, and code that is never run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.checkpoint_files import read_json, refuse_custom_code, warn_of_code, weight_files


def test_shards_that_are_all_there_are_listed_in_order(tmp_path: Path) -> None:
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for name in names:
        (tmp_path / name).touch()
    index = {"weight_map": dict(zip(("b", "a"), names, strict=True))}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert [file.name for file in weight_files(tmp_path)] == names
    (tmp_path / names[1]).unlink()
    with pytest.raises(FileNotFoundError, match=f"names {names[1]}, which is not there .1 of 2 files are missing"):
        weight_files(tmp_path)


def test_a_pickle_is_named_and_not_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights"):
        weight_files(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"no pickle at all")
    with pytest.raises(ValueError, match=r"a pickle \(pytorch_model.bin\), which can run code"):
        weight_files(tmp_path)


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json is not JSON"):
        read_json(tmp_path / "config.json")


def test_a_list_is_no_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="holds a list, not an object with fields"):
        read_json(tmp_path / "config.json")


def test_code_beside_a_model_is_refused_or_said_not_to_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    known = {"AutoProcessor": "own.Processor"}
    (tmp_path / "own.py").touch()
    (tmp_path / "processor_config.json").write_text(json.dumps({"auto_map": known}))
    refuse_custom_code(tmp_path, known)
    warn_of_code(tmp_path, "own.py")
    assert not caplog.text
    (tmp_path / "modeling.py").touch()
    warn_of_code(tmp_path, "own.py")
    assert "which are not run: modeling.py" in caplog.text
    with pytest.raises(ValueError, match=r"processor_config.json has auto_map: code that comes"):
        refuse_custom_code(tmp_path)
