"""Scan2Cap: descriptions of objects in scanned rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from benchmarks.region_qa.published_parsers.scene_answers import framed
from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.scenes.scans import Box3dMark
from benchmarks.region_qa.tasks.published.scenes.scene_task import SceneTask, references_of
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import Question

ASKED = "Given an object located at <region0>, describe the object in detail."


class Scan2Cap(SceneTask):
    """Scan2Cap (arXiv 2012.02206) as Video-3D-LLM prepares it: scan2cap_val_llava_style.json.

    A row has `video` (ending in the name of the scan), `gt_box` (centre and extents, metres, axis-aligned),
    `annotations` (all descriptions of the object) and `metadata` (`object_id`). The object is the region of the true
    box; published scores at IoU 0.5 describe proposals, and count an object without one as wrong.
    """

    prompt = "object at the region, describe"
    parser = "scan2cap_rouge_l"
    regions = "true 3D boxes"
    has_boxes = True

    def items(self) -> Iterator[Item]:
        """Read one object after the other.

        Raises:
            ValueError: a row is not in the layout.
        """
        needed = ("video", "gt_box", "annotations", "metadata")
        return self.items_of(self.rows(needed), self._item)

    def _item(self, _: str, row: Row) -> Item:
        scene = PurePosixPath(str(row["video"])).name
        name = f"{scene}|{row['metadata'].get('object_id')}"
        texts = references_of(row["annotations"])
        question = Question("description", ASKED, texts[0])
        mark = Box3dMark.read(row["gt_box"])
        return Item(name, scene, self.scene(scene), [mark], question, ("scan2cap_rouge_l",), texts)

    def as_scored(self, answer: str) -> str:
        """Write a description between "sos" and "eos"."""
        return framed(answer)

    def reference(self, text: str) -> str:
        """Write a reference between "sos" and "eos"."""
        return framed(text)
