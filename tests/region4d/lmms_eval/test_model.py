"""lmms-eval knows our model, and gets from it the answers that bench gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from benchmarks.region_qa.measure import predict
from benchmarks.region_qa.tasks.task import Task
from models.queries.query import Query
from models.sr3d.answering import Answerer
from region4d.lmms_eval.documents import query_of
from tests.conftest import REPOSITORY

GROUP, NEEDS = "lmms_eval.models", "needs the extra eval, and lmms-eval"


def test_the_entry_point_names_a_module_of_ours() -> None:
    points = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    module, _, function = points["region4d"].partition(":")
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    assert f"def {function}()" in Path(spec.origin).read_text()


def test_lmms_eval_knows_the_model() -> None:
    models = pytest.importorskip("lmms_eval.models", reason=NEEDS)
    assert "region4d" in models.list_available_models()
    assert models.get_model("region4d").__module__ == "region4d.lmms_eval.model"


def requests(task: str, documents: list[dict[str, Any]], **settings: Any) -> list[Any]:
    of = {"do_sample": False, "until": [], **settings}
    return [SimpleNamespace(args=("", {**of}, lambda document: [], k, task, "test")) for k in range(len(documents))]


@pytest.fixture
def region4d_model(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of our model; where lmms-eval is not installed, the two names that it imports stand in for it."""
    if find_spec("lmms_eval") is not None:
        from region4d.lmms_eval.model import Region4D

        return Region4D

    class Lmms:
        def __init__(self) -> None:
            self.cache_hook = SimpleNamespace(add_partial=lambda *_: None)
            self.task_dict: dict[str, Any] = {}

    for name, content in (
        ("", {}),
        (".api", {}),
        (".api.instance", {"Instance": object}),
        (".api.model", {"lmms": Lmms}),
    ):
        module = ModuleType(f"lmms_eval{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "region4d.lmms_eval.model", raising=False)
    module = import_module("region4d.lmms_eval.model")
    monkeypatch.delitem(sys.modules, module.__name__)  # so that no other test finds it
    return module.Region4D


def test_the_model_answers_our_documents_as_bench_does(
    region4d_model: Any, toy: Task, documents: list[dict[str, Any]]
) -> None:
    model = region4d_model("sr3d_tiny_3d", batch_size="4", device="cpu")
    model.task_dict = {"toy": {"test": documents}}
    answers = model.generate_until(requests("toy", documents))
    assert answers == list(predict(Answerer.from_folder("sr3d_tiny_3d", "cpu"), toy.items(), 4))
    assert model.generate_until(requests("toy", documents, until=[" "])) == [each.split(" ")[0] for each in answers]


def test_a_batch_has_one_length_of_answers(region4d_model: Any, documents: list[dict[str, Any]]) -> None:
    model, asked = region4d_model("constant:A", batch_size=3), requests("toy", documents)
    model.task_dict = {"toy": {"test": documents}}
    batches: list[tuple[int, int | None]] = []

    def answer(queries: list[Query], size: int, longest: int | None) -> list[str]:
        batches.append((size, longest))
        return [f"{longest} {query.text}" for query in queries]

    model.answers = SimpleNamespace(answer=answer)
    for place, request in enumerate(asked):
        request.args[1]["max_new_tokens"] = (8, 64)[place % 2]
    texts = [query_of(document).text for document in documents]
    assert model.generate_until(asked) == [f"{(8, 64)[place % 2]} {text}" for place, text in enumerate(texts)]
    assert batches == [(3, 8), (1, 8), (3, 64), (1, 64)]


@pytest.mark.parametrize("settings", [{"do_sample": True}, {"temperature": 0.7}, {"num_beams": 4}])
def test_a_task_that_samples_is_refused(
    region4d_model: Any, documents: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    model = region4d_model("constant:A")
    model.task_dict = {"toy": {"test": documents}}
    with pytest.raises(ValueError, match="decodes greedily"):
        model.generate_until(requests("toy", documents, **settings))


@pytest.mark.slow
def test_lmms_eval_itself_scores_our_task(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("lmms_eval", reason=NEEDS)
    words = ["--include_path", str(folder), "--tasks", "region4d_toy", "--model", "region4d", "--log_samples"]
    arm = ["--model_args", "pretrained=sr3d_tiny_3d,device=cpu", "--batch_size", "4", "--output_path", str(tmp_path)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    ran = subprocess.run(
        [sys.executable, "-m", "lmms_eval", *words, *arm], env=offline, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    (log,) = tmp_path.rglob("*_samples_region4d_toy.jsonl")
    samples = [json.loads(line) for line in log.read_text().splitlines()]
    (results,) = tmp_path.rglob("*_results.json")
    score = json.loads(results.read_text())["results"]["region4d_toy"]["score,none"]
    assert len(samples) == 8
    assert score == pytest.approx(sum(sample["score"]["score"] for sample in samples) / 8)
    assert {sample["score"]["clip"] for sample in samples} == {"world-0", "world-1"}
