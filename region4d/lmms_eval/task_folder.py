"""Writing a benchmark as a task of lmms-eval: a folder for `--include_path` that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from benchmarks.region_qa.item_metrics import ERRORS
from benchmarks.region_qa.tasks.media import ClipFile, Media, Opener
from benchmarks.region_qa.tasks.task import Item, Task
from scenes.clip import Clip
from scenes.readers.masks.coco import encode_mask
from scenes.readers.rgbd import write_rgbd_folder
from scenes.storage.atomic import new_folder
from training.annotations.media import footage_fields

DOCUMENTS = "documents.jsonl"
MODULE = "region4d.lmms_eval.documents"
TRUTH = ("options", "value", "unit")  # fields of a question beside its line
FUNCTIONS = ("doc_to_text", "doc_to_visual", "doc_to_target", "process_results")


class _Function(str):
    """The name of a function, which YAML of lmms-eval marks with `!function`."""


class _Dumper(yaml.SafeDumper):
    """Writes `_Function`s with their mark."""


_Dumper.add_representer(_Function, lambda dumper, name: dumper.represent_scalar("!function", str(name)))


def write_task_folder(task: Task, folder: Path, settings: Mapping[str, Any], limit: int | None = None) -> str:
    """Write the items of a task, and return the name of the task in lmms-eval.

    Files of clips stay where they are. A clip that is made, such as a procedural world, becomes an RGB-D folder or a
    picture in `clips`. Paths are absolute: make the folder again where the clips have moved.

    Args:
        task: the benchmark.
        folder: a new folder.
        settings: what made the task, which goes to its metadata.
        limit: first items that are written; all without it.

    Raises:
        FileExistsError: `folder` exists.
        ValueError: there are no items, answers are in words alone, or a made clip of several frames has no geometry.
    """
    name = f"region4d_{task.name}"
    metrics: dict[str, None] = {}
    with new_folder(folder) as draft:
        with (draft / DOCUMENTS).open("w", encoding="utf-8") as file:
            for document in _documents(islice(task.items(), limit), draft, folder.absolute()):
                metrics |= dict.fromkeys(("score", *document["metrics"][1:]))
                file.write(json.dumps(document) + "\n")
        if not metrics:
            raise ValueError(f"{task.name} has no items (limit={limit}): ask for more")
        (draft / f"{name}.yaml").write_text(_task_file(name, task, list(metrics), settings))
    return name


def _task_file(name: str, task: Task, metrics: Iterable[str], settings: Mapping[str, Any]) -> str:
    aggregation = _Function(f"{MODULE}.mean_score")
    content = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": DOCUMENTS}},
        "test_split": "test",
        "output_type": "generate_until",
        **{function: _Function(f"{MODULE}.{function}") for function in FUNCTIONS},
        "generation_kwargs": {"do_sample": False, "until": []},
        "metric_list": [
            {"metric": m, "aggregation": aggregation, "higher_is_better": m not in ERRORS} for m in metrics
        ],
        "cluster_key": "clip",
        "metadata": {"version": task.protocol.revision or 1, "about": task.about, "made_by": dict(settings)},
    }
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=120))


def _documents(items: Iterable[Item], draft: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Turn items into documents, and write their clips into the draft that becomes `folder`."""
    opener, clips = Opener(), 0
    last: Media | None = None
    media: dict[str, Any] = {}
    for item in items:
        if item.references:
            raise ValueError(f"item {item.name} is answered in words, which has no score in lmms-eval here")
        opened = opener.open(item.media, item.marks)
        if item.media != last:
            last, clips = item.media, clips + 1
            if isinstance(item.media, ClipFile):
                media = footage_fields(item.media.path.absolute(), len(opened.clip))
            else:
                media = _write_clip(opened.clip, item.name, f"clips/{clips:05d}", draft, folder)
        question = item.question
        line = {
            "id": item.name,
            **media,
            "regions": [
                [{"rle": encode_mask(mask.numpy()), "frame": t} for t, mask in region.masks.items() if mask.any()]
                for region in opened.regions
            ],
            "conversations": [[{"question": question.text, "answer": question.answer}]],
        }
        yield {
            "clip": item.cluster,
            "category": question.category,
            "line": json.dumps(line),  # as text, because the columns of a data set have one type each
            "truth": json.dumps({name: getattr(question, name) for name in TRUTH}),
            "metrics": list(item.metrics),
        }


def _write_clip(clip: Clip, name: str, inside: str, draft: Path, folder: Path) -> dict[str, Any]:
    """Write a clip that is not a file, and name it: a picture, or an RGB-D folder."""
    if len(clip) == 1 and clip.depth is None:
        (draft / inside).parent.mkdir(exist_ok=True)
        Image.fromarray(clip.video[0].permute(1, 2, 0).numpy()).save(draft / f"{inside}.png")
        return footage_fields(folder / f"{inside}.png", 1)
    if clip.depth is None or clip.world_T_cam is None:
        raise ValueError(
            f"item {name} has frames that are made (a picture with drawn marks, estimated depth), and no depth with "
            "poses: they cannot be written. Leave out task.depth, and give task.marks=regions where there is a choice"
        )
    write_rgbd_folder(clip, draft / inside)
    return {"folder": str(folder / inside), "frames": len(clip)}
