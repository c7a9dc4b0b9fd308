"""A small study of pointing from its plan to its report: a random model of transformers, and a constant."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.region_qa.study import AnswerStudy
from region4d.studies.plan import load_plan
from region4d.studies.region_prompting.plan import RegionPromptingPlan
from tests.support.image_text_models import write_image_text_model

pytestmark = pytest.mark.long  # the fixture
ARMS = ["tiny_marks", "tiny_text", "constant:A_tokens", "constant:A_marks", "constant:A_text"]


def words(folder: Path, model: Path, stores: Path, *more: str) -> list[str]:
    small = ["task.world.height=32", "task.world.width=32", "task.seeds=[40,44]", "limit=6", "max_new_tokens=2"]
    bench = [*small, f"task.stores={stores}", "model.device=cpu"]
    models = f"[{model},'constant:A']"
    study = ["study=region_prompting/quick", f"study.models={models}", "study.primary=[]", "examples=2"]
    study += ["study.ways=[tokens,marks,text]"]
    return [*study, f"study.bench_overrides={bench}", f"runs={folder}/runs", f"output={folder}/report", *more]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, stores: Path) -> tuple[RegionPromptingPlan, list[str]]:
    folder = tmp_path_factory.mktemp("prompting")
    overrides = words(folder, write_image_text_model("paligemma", folder / "tiny"), stores)
    plan = load_plan("region_prompting", overrides)
    assert isinstance(plan, RegionPromptingPlan)
    for run in plan.jobs():
        for step in run.steps:
            step.run()
    return plan, overrides


def test_every_model_is_asked_in_the_ways_that_it_can_take(asked: tuple[RegionPromptingPlan, list[str]]) -> None:
    plan, _ = asked
    assert [run.name for run in plan.jobs()] == ARMS
    assert all(run.finished for run in plan.jobs())
    (line,) = plan.runs.refusals()
    assert line.startswith("tiny_tokens: pointing=tokens: ")
    assert "has no trained region tokens" in line


def test_the_ways_are_paired_with_the_first_of_a_model_and_reported(
    asked: tuple[RegionPromptingPlan, list[str]],
) -> None:
    plan, _ = asked
    study: AnswerStudy = plan.gather("region4d study region_prompting/quick")
    assert study.contrasts == [
        ("tiny_marks", "tiny_text"),
        ("constant:A_tokens", "constant:A_marks"),
        ("constant:A_tokens", "constant:A_text"),
    ]
    pooled = next(row for row in study.rows["worlds_static"] if row.category == "static")
    assert all(gap is not None and (gap.mean, gap.low, gap.high) == (0, 0, 0) for gap in pooled.differences[1:])
    plan.report(study)
    report = (Path(plan.config.output) / "report.md").read_text()
    assert "| tiny_text | text | 100.0% |" in report


def test_answers_of_other_settings_are_not_taken_for_those_of_the_study(
    asked: tuple[RegionPromptingPlan, list[str]],
) -> None:
    _, overrides = asked
    other = [word.replace("limit=6", "limit=5") for word in overrides]
    with pytest.raises(ValueError, match="holds answers with another limit: name a new folder"):
        load_plan("region_prompting", other).jobs()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("study.ways=[tokens,finger]", "pointing=finger is unknown"),
        ("study.models=[]", "names no model"),
        ("study.models=[a/x,b/x]", "end in the same name"),
    ],
)
def test_a_study_of_nothing_is_refused(word: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load_plan("region_prompting", ["study=region_prompting/quick", word]).jobs()
