"""The extras of region4d: what each is for, and the modules that it installs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Extra:
    """One extra of pyproject.toml; `modules` are the import names of its packages, `then` a further command."""

    purpose: str
    modules: tuple[str, ...]
    then: str = ""


EXTRAS = {
    "train": Extra(
        "training, studies and their reports", ("lightning", "hydra", "omegaconf", "matplotlib", "jinja2", "peft")
    ),
    "gen": Extra("probes of video diffusion models", ("diffusers", "sentencepiece", "google.protobuf")),
    "geom": Extra("lifting and its metrics; odometry; meshes of worlds", ("open3d", "trimesh", "skimage", "scipy")),
    "app": Extra("viewers in a browser", ("viser",)),
    "mcp": Extra("a tool for language models (serve --mcp)", ("mcp",)),
    "heic": Extra("photos of iPhones (HEIC)", ("pillow_heif",)),
    "quantized": Extra("--bits 4 and 8, adapter=qlora", ("bitsandbytes",)),
    "flash": Extra("attention=flash on a GPU", ("flash_attn",)),
    "colmap": Extra("camera poses of a plain video: --geometry colmap", ("pycolmap",)),
    "exr": Extra("depth in OpenEXR files", ("OpenEXR",)),
    "aria": Extra("recordings of Aria Digital Twin (VRS)", ("projectaria_tools",)),
    "lerobot": Extra("episodes of LeRobot v3 data sets", ("pyarrow",)),
    "decord": Extra("--video-backend decord2", ("decord",)),
    "torchcodec": Extra("--video-backend torchcodec", ("torchcodec",)),
    "tensorboard": Extra("logger=tensorboard", ("tensorboard",)),
    "wandb": Extra("logger=wandb", ("wandb",)),
    "trackio": Extra("logger=trackio", ("trackio",)),
    "slurm": Extra("hydra/launcher=slurm: arms of a study as cluster jobs", ("hydra_plugins", "submitit")),
    "eval": Extra(
        "lmms-eval: its benchmarks, and ours in it",
        (
            "lmms_eval",
            "datasets",
            "evaluate",
            "loguru",
            "math_verify",
            "openai",
            "pytablewriter",
            "sacrebleu",
            "tenacity",
            "openpyxl",
            "pycocotools",
            "pycocoevalcap",
        ),
        then="pip install --no-deps lmms-eval==0.7.3",  # it asks for av<16
    ),
    "docs": Extra("make site: the documentation as HTML", ("mkdocs", "material", "mkdocstrings")),
    "dev": Extra("contributors", ("ruff", "mypy", "pytest", "xdist", "hypothesis", "beartype", "importlinter")),
}


def missing_modules(modules: Sequence[str], find: Callable[[str], object | None] = find_spec) -> list[str]:
    """List the modules that are not installed; nothing is imported."""
    return [name for name in modules if find(name) is None]


def install_command(extra: str) -> str:
    """Write the command that installs an extra, with what has to follow it."""
    then = EXTRAS[extra].then if extra in EXTRAS else ""
    return f"pip install 'region4d[{extra}]'{' && ' if then else ''}{then}"
