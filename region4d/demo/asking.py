"""Questions about regions of a still world: a model with a point map beside the same model without one."""

from __future__ import annotations

from pathlib import Path

import torch

from models.queries.query import Query
from models.sr3d.answering import Answerer
from region4d.demo.section import Answer, Section
from scenes.clip import Clip
from scenes.drawing.regions import draw_answer, save_picture
from scenes.questions import ask_about, region_of

MODELS = {"3D": "sr3d_tiny_3d", "2D": "sr3d_tiny_2d"}
CATEGORIES = ("distance", "depth", "nearer_camera", "colour")
ABOUT = (
    "SR-3D answers questions about marked regions. The 3D model sees a point map as well as the colours; the 2D model "
    "is the same network without it, trained alike. No 4D model is shipped, so 3D is not compared with 4D here: "
    "`region4d compare` trains 2D, 3D and 4D models and compares them."
)


def show_asking(clip: Clip, folder: Path) -> Section:
    """Ask both models one question of each category that the clip allows, and draw each question."""
    questions = ask_about(clip, torch.Generator().manual_seed(0), categories=CATEGORIES)
    questions.sort(key=lambda question: CATEGORIES.index(question.category))
    regions = [[region_of(clip, index) for index in question.objects] for question in questions]
    queries = [Query(clip, marked, question.text) for marked, question in zip(regions, questions, strict=True)]
    said = {name: list(Answerer.from_folder(model).answer(queries)) for name, model in MODELS.items()}
    answers, pictures = [], []
    for k, question in enumerate(questions):
        both = "; ".join(f"{name}: {texts[k]}" for name, texts in said.items())
        picture = f"ask_{question.category}.png"
        drawn = draw_answer(clip, regions[k], question.text, both, truth=question.spoken)
        save_picture(drawn, folder / picture)
        pictures.append(picture)
        answers += [
            Answer(question.text, f"{name} ({MODELS[name]})", texts[k], f"truth: {question.spoken}")
            for name, texts in said.items()
        ]
    return Section("1. Ask about regions (SR-3D)", ABOUT, answers, pictures)
