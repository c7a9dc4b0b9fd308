"""Where results come from: looked up, joined, written, and read again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.records.manifest import (
    Manifest,
    checkpoint_hash,
    collect_manifest,
    commit_of,
    machine,
    provenance,
    read_manifest,
    write_manifest,
)


def git(folder: Path, *words: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=none")
    return subprocess.run(["git", *settings, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit of one file."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = collect_manifest({"steps": 10, "name": "où"})
    write_manifest(tmp_path / "manifest.json", made)
    assert read_manifest(tmp_path) == made
    assert "où" in (tmp_path / "manifest.json").read_text()


def test_a_commit_is_named_and_marked_where_tracked_files_changed(clone: Path) -> None:
    commit = git(clone, "rev-parse", "HEAD").strip()
    assert commit_of(clone) == commit
    (clone / "untracked").touch()
    assert commit_of(clone) == commit
    (clone / "file").write_text("two")
    assert commit_of(clone) == f"{commit}+"


def test_outside_of_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit_of(tmp_path) == ""


def test_without_git_there_is_no_commit(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit_of(clone) == ""


def test_a_machine_is_named_with_its_cards_and_without_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"card {index}")
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr("platform.node", lambda: pytest.fail("the name of the host is nobody's business"))
    assert machine().endswith(", 3 cores, card 0, card 1")


def test_the_hash_of_a_checkpoint_changes_with_its_weights_only(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(3)}, tmp_path / "model.safetensors")
    before = checkpoint_hash(tmp_path)
    (tmp_path / "README.md").write_text("a card")
    assert checkpoint_hash(tmp_path) == before == checkpoint_hash(tmp_path / "model.safetensors")
    save_file({"w": torch.ones(3)}, tmp_path / "model.safetensors")
    assert checkpoint_hash(tmp_path) != before


def test_a_folder_without_weights_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no weights at .*\.safetensors files"):
        checkpoint_hash(tmp_path)


def test_a_run_that_did_not_end_has_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="the run did not finish; start it again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[1]", "{", '{"config": {}, "commit": "", "host": "mine"}'])
def test_a_file_of_another_form_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json is not (a manifest|JSON)"):
        read_manifest(tmp_path)


def test_provenance_names_every_commit_machine_and_version_once() -> None:
    one = Manifest({"a": 1}, "abc", "a laptop", {"torch": "2.1"}, "12", "2026-01-01")
    other = Manifest({}, "def", "a laptop", {"torch": "2.2", "numpy": "2.0"}, "12", "2026-02-01")
    joined = provenance([one, other, one])
    assert joined == Manifest({}, "abc, def", "a laptop", {"torch": "2.1 and 2.2", "numpy": "2.0"}, "12", "2026-02-01")
    with pytest.raises(ValueError, match="no manifests to merge"):
        provenance([])
