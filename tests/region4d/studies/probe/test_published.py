"""From a folder of CO3D in its published layout to the table of a study."""

import json
import re
from pathlib import Path

import pytest

from probes.training.module import ERRORS, read_errors
from region4d.configuration.compose import compose_config
from region4d.studies.probe.plan import ProbePlan
from tests.support.folders.co3d_folder import write_category
from tests.support.programs.command_line import Run

SMALL = ("--height", "18", "--width", "32", "--label-height", "9", "--label-width", "16", "--count", "6")
SAMPLER = [f"clips.sampler.{word}" for word in ("views=2", "context=6", "gap=2", "stride=1")]


def published(folder: Path, labels: Path) -> list[str]:
    """Name the published study with raw pixels in place of its models, and a small probe."""
    models = list(compose_config("probe", ["study=probe/published_co3d"]).study.models)
    clips = [f"clips.folder={labels}", *SAMPLER]
    return [
        *(f"~study.models.{name}" for name in models),
        '+study.models.wan_14b={extractor:pixels,layers:[0],extract:["+extractor.build.frames=6"]}',
        "study.contrasts=[]",
        "study.experiment=probe/tiny",
        f"study.extract_overrides={clips}",
        f"study.overrides={[*clips, 'trainer.max_steps=2', 'data.batch_size=4']}",
        *(f"{name}={folder / name}" for name in ("runs", "features", "output")),
    ]


@pytest.mark.long
def test_a_folder_of_co3d_becomes_errors_and_a_table_beside_the_published_numbers(
    region4d: Run, tmp_path: Path
) -> None:
    lengths = {str(k): 6 for k in range(4)} | {"short": 4}
    write_category(tmp_path / "co3d", "apple", lengths, (40, 64), lambda _: (26, 14, 38, 26))
    for shard in ("0/2", "1/2"):
        code, _, err = region4d(
            "prepare", "co3d", str(tmp_path / "co3d"), *SMALL, "-o", str(tmp_path / "out"), "--shard", shard
        )
        assert code == 0, err
    labels = tmp_path / "out" / "labels"
    assert [path.stem for path in sorted(labels.iterdir())] == [f"apple-{k}" for k in range(4)]

    words = ["study", "probe/published_co3d", *published(tmp_path, labels)]
    code, out, err = region4d(*words, "plan_only=true")
    assert code == 0, err
    assert "1 probes, about" in out
    assert not (tmp_path / "runs").exists()
    code, out, err = region4d(*words)
    assert code == 0, err
    errors = read_errors(next((tmp_path / "runs").rglob(ERRORS)))["errors"]
    assert [len(errors[split]) for split in ("val", "test")] == [1, 1]
    assert all(value > 0 for clip in errors["test"].values() for value in (clip["point_error"], clip["depth_error"]))
    assert list((tmp_path / "features").iterdir()) == []  # removed once the probe was measured
    report = (tmp_path / "output" / "report.md").read_text()
    section = report.split("## Beside the published numbers")[1].split("\n## ")[0]
    assert re.search(r"\| wan_14b \| point error .*\| 0\.0284 \| (yes|no) \|", section)
    assert "there VGGT's depth, cameras and confidence" in section


@pytest.mark.parametrize(("study", "epochs"), [("published_dl3dv", 100), ("published_co3d", 75)])
def test_the_published_table_has_one_cell_a_model_with_the_published_recipe(study: str, epochs: int) -> None:
    plan = ProbePlan(compose_config("probe", [f"study=probe/{study}", "labels=LABELS"]))
    assert all(len(job.cells) == 1 for job in plan.grid)
    by_model = {job.cells[0].site.model: job for job in plan.grid}
    assert set(by_model) == set(plan.config.study.published)
    training = by_model["wan_14b"].trainings[0].config
    assert (training.data.epochs, training.data.batch_size, training.clips.folder) == (epochs, 10, "LABELS")
    assert training.model.dense == "vggt"
    assert training.trainer.gradient_clip_val is None
    frames = {name: job.extraction.config.extractor.build.frames for name, job in by_model.items()}
    assert frames["cogvideox_5b_i2v"] == (97 if epochs == 100 else 81)
    assert frames["fast3r"] == (150 if epochs == 100 else 81)


def test_features_that_several_jobs_read_are_not_removed(tmp_path: Path) -> None:
    plan = ProbePlan(compose_config("probe", ["study=probe/published_dl3dv", "study.seeds=[0,1]"]))
    with pytest.raises(ValueError, match=r"removes features that its seeds, controls or capacities share"):
        _ = plan.grid


def test_published_values_name_measured_metrics() -> None:
    for study in ("published_dl3dv", "published_co3d"):
        published = compose_config("probe", [f"study=probe/{study}"]).study.published
        assert json.loads(json.dumps({name: sorted(values) for name, values in published.items()}))
        assert {key for values in published.values() for key in values} == {
            "point_error",
            "depth_error",
            "auc5_vidfm3d",
            "auc30_vidfm3d",
        }
