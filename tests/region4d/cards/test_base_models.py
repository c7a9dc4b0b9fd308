"""What a checkpoint was made from, and the licence that follows; never Apache by default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.checkpoint_registry import shipped_checkpoints
from region4d.cards import base_models
from region4d.cards.base_models import BaseModel, bases_of_config, combined_licence, read_base

APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"
NC = "Attribution-NonCommercial 4.0 International\n\n====="
MIT = "MIT License\n\nCopyright\n\nPermission is hereby granted, free of charge, to any person obtaining a copy"


def _base(root: Path, config: dict[str, object] | None = None, **files: str) -> Path:
    root.mkdir()
    (root / "config.json").write_text(json.dumps(config or {}))
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "licence", "stated_in"),
    [
        ({"README_md": "---\nlicense: cc-by-nc-4.0\n---\n# A"}, "cc-by-nc-4.0", "README.md"),
        ({"README_md": "---\r\nlicense: CC-BY-NC-4.0\r\n---\r\n"}, "cc-by-nc-4.0", "README.md"),
        ({"README_md": "---\nlicense: [mit]\n---\n", "LICENSE": APACHE}, "mit", "README.md"),
        ({"README_md": "# no front matter", "LICENSE": APACHE}, "apache-2.0", "LICENSE"),
        ({"README_md": "---\nlicense: [\n---\n", "LICENCE_txt": NC}, "cc-by-nc-4.0", "LICENCE.txt"),
        ({"LICENSE": MIT}, "mit", "LICENSE"),
        ({"LICENSE": "META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n"}, "llama3", "LICENSE"),
        ({"LICENSE": "Code: Apache License, Version 2.0. Weights: CC-BY-NC-4.0."}, "other", ""),
        ({"LICENSE": "all rights reserved"}, "other", ""),
        ({"README_md": "---\nlicense: unknown\n---\n"}, "other", ""),
        ({"README_md": "---\nlicense: other\n---\n"}, "other", ""),
        ({"README_md": "# old card\n\nLicence: Apache-2.0."}, "other", ""),
        ({}, "other", ""),
    ],
)
def test_the_licence_is_read_where_it_stands(
    tmp_path: Path, files: dict[str, str], licence: str, stated_in: str
) -> None:
    base = read_base("model", _base(tmp_path / "base", **files))
    assert (base.name, base.licence, base.stated_in, base.known) == ("base", licence, stated_in, licence != "other")


def test_a_config_may_state_it_and_another_licence_keeps_its_name(tmp_path: Path) -> None:
    stated = read_base("model", _base(tmp_path / "config", {"license": "MIT"}))
    assert (stated.licence, stated.stated_in) == ("mit", "config.json")
    front = "---\nlicense: other\nlicense_name: nvidia-license\nlicense_link: https://a.b/c\n---\n"
    other = read_base("model", _base(tmp_path / "other", README_md=front))
    whole = combined_licence([other])
    assert (whole.license, whole.license_name, whole.license_link) == ("other", "nvidia-license", "https://a.b/c")


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        ((), ("apache-2.0", None)),
        (("cc-by-nc-4.0",), ("cc-by-nc-4.0", None)),
        (("apache-2.0", "apache-2.0"), ("apache-2.0", None)),
        (("apache-2.0", "cc-by-nc-4.0"), ("cc-by-nc-4.0", None)),
        (("mit", "apache-2.0"), ("other", "mit-and-apache-2.0")),
        (("gemma", "cc-by-nc-4.0"), ("other", "gemma-and-cc-by-nc-4.0")),
        (("apache-2.0", "other"), ("other", None)),
    ],
)
def test_the_whole_is_bound_by_all_its_parts(licences: tuple[str, ...], expected: tuple[str, str | None]) -> None:
    whole = combined_licence([BaseModel("part", "a", licence) for licence in licences])
    assert (whole.license, whole.license_name) == expected


def test_a_name_is_that_of_the_hub_where_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--lab--net" / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    assert read_base("model", _base(snapshot)).name == "lab/net"
    asked = []

    def download(name: str, files: object) -> Path:
        asked.append(name)
        if name == "lab/offline":
            raise FileNotFoundError
        return _base(tmp_path / "downloaded", README_md="---\nlicense: mit\n---\n")

    monkeypatch.setattr(base_models, "download", download)
    assert read_base("model", "lab/net").licence == "mit"
    offline = read_base("model", "lab/offline")
    assert (offline.name, offline.known, offline.bases) == ("lab/offline", False, ("lab/offline",))
    assert asked == ["lab/net", "lab/offline"]


def test_a_card_of_ours_hands_on_its_base_and_that_of_others_does_not(tmp_path: Path) -> None:
    front = "---\nlicense: mit\nlibrary_name: {}\nbase_model: [lab/net]\ndatasets: [lab/data]\n---\n"
    ours = read_base("model", _base(tmp_path / "ours", README_md=front.format("region4d")))
    theirs = read_base("model", _base(tmp_path / "theirs", README_md=front.format("transformers")))
    assert (ours.bases, theirs.bases) == (("lab/net",), ("theirs",))
    assert ours.datasets == theirs.datasets == ("lab/data",)


def test_a_training_names_its_bases_in_the_model_node(tmp_path: Path) -> None:
    first, second = _base(tmp_path / "a"), _base(tmp_path / "b")
    node = {
        "_target_": "models.some.load",
        "folder": [str(first), str(second)],
        "conditioner": {"image": {"folder": str(first), "frozen": True}},
        "attention": "sdpa",
        "name": "",
    }
    assert [(base.part, base.name) for base in bases_of_config(node)] == [
        ("model", "a"),
        ("model", "b"),
        ("conditioner.image", "a"),
    ]
    assert bases_of_config({"_target_": "transformers.VideoMAEForPreTraining"}) == bases_of_config(None) == []


@pytest.mark.parametrize("name", shipped_checkpoints())
def test_a_shipped_checkpoint_states_its_licence(name: str) -> None:
    base = read_base("model", name)
    assert (base.name, base.licence, base.stated_in) == (name, "apache-2.0", "README.md")
