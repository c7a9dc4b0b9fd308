from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from region4d.configuration.compose import CONFIGS, build, compose_config
from region4d.studies.compare.runs import StudyRun, plan_runs
from region4d.studies.plan import chosen_jobs, load_plan
from scenes.worlds import make_world

STUDIES = sorted(p.stem for p in (CONFIGS / "study" / "compare").glob("*.yaml"))


@pytest.mark.parametrize("study", STUDIES, ids=lambda name: f"study={name}")
def test_every_study_composes_all_its_runs_and_tasks(study: str) -> None:
    config = compose_config("compare", [f"study=compare/{study}", "study.seeds=[0]"])
    runs = plan_runs(config)
    assert len({run.name for run in runs}) == len(runs) == len(config.study.arms) * len(config.study.seeds)
    for task in (*config.study.tasks, *filter(None, [config.study.counterfactuals])):
        assert compose_config("bench", [f"task={task}"]).task.name == task.replace("/", "_")
    for run in runs:
        assert run.steps[0].done == run.folder / "model"


@pytest.mark.long
def test_the_arms_of_a_study_differ_in_their_overrides_alone() -> None:
    runs = {
        run.name: run.config
        for run in plan_runs(compose_config("compare", ["study=compare/standard", "study.seeds=[3]"]))
    }
    assert runs["4d_permuted-seed3"].data.permuted
    assert runs["4d_random-seed3"].teacher != runs["4d-seed3"].teacher
    assert runs["2d_index-seed3"].processor.clock == "frame_index"
    assert runs["2d_prompt-seed3"].processor.time_prompt
    for config in runs.values():
        assert config.seed == 3
        assert config.data.world == runs["4d-seed3"].data.world
        assert config.data.seed == runs["4d-seed3"].data.seed  # the same questions in the same order


@pytest.mark.long
def test_the_arms_of_a_seed_start_from_the_same_weights() -> None:
    weights = {}
    for run in plan_runs(compose_config("compare", ["study=compare/standard", "study.seeds=[3]"])):
        torch.manual_seed(run.config.seed)
        weights[run.arm] = build(run.config.module).model.state_dict()
    first = weights["2d"]  # of the least modules
    for arm, state in weights.items():
        assert first.keys() <= state.keys(), arm
        assert [key for key in first if not torch.equal(first[key], state[key])] == [], arm


@pytest.mark.long
def test_every_arm_of_the_gpu_study_has_a_teacher_of_its_frames(tmp_path: Path) -> None:
    trained = build(compose_config("train", ["experiment=expert4d/base"]).model)
    trained.save_pretrained(tmp_path)
    words = ["study=compare/gpu", "study.seeds=[0]", f"+study.overrides=['teacher.folder={tmp_path}']"]
    distilled = [run.config for run in plan_runs(compose_config("compare", words)) if run.config.arm.distils]
    teachers = {OmegaConf.to_yaml(config.teacher): config.teacher for config in distilled}
    frames = {words: build(teacher).spec.frames for words, teacher in teachers.items()}
    assert len(distilled) > 1
    for config in distilled:
        assert frames[OmegaConf.to_yaml(config.teacher)] == config.data.world.frames == 16, config.output


def test_one_run_can_be_chosen_and_a_wrong_name_lists_those_there_are() -> None:
    assert [run.name for run in chosen_jobs(load_plan("compare", ["study=compare/static", "run=3d-seed0"]))] == [
        "3d-seed0"
    ]
    with pytest.raises(ValueError, match=r"no run 5d-seed0.*3d-seed0"):
        chosen_jobs(load_plan("compare", ["study=compare/static", "run=5d-seed0"]))


def test_the_folder_of_another_run_is_refused_before_anything_runs(tmp_path: Path) -> None:
    plan = load_plan("compare", ["study=compare/static", f"runs={tmp_path}"])
    (tmp_path / "2d-seed0").mkdir()
    (tmp_path / "2d-seed0" / "config.yaml").write_text("seed: 1\n")
    with pytest.raises(ValueError, match="another configuration"):
        plan.jobs()


def test_an_archived_run_is_finished() -> None:
    config = compose_config("compare", ["study=compare/static"])
    assert [run.finished for run in plan_runs(config, frozenset({"3d-seed0"}))] == [False, True]


def test_some_arms_of_a_study_can_be_chosen() -> None:
    assert [r.arm for r in plan_runs(compose_config("compare", ["arms=[2d,4d]"]))] == ["2d", "4d"]
    with pytest.raises(ValueError, match="no arm 5d: choose among 4d"):
        plan_runs(compose_config("compare", ["arms=[5d]"]))


def test_a_contrast_of_an_arm_that_is_not_trained_is_refused() -> None:
    with pytest.raises(ValueError, match="compares 9d"):
        plan_runs(compose_config("compare", ["study.contrasts=[[9d,3d]]"]))
    with pytest.raises(ValueError, match="compares 9d"):
        plan_runs(compose_config("compare", ["study.recovered=[[[4d,2d],[9d,2d]]]"]))


def test_an_endpoint_on_a_task_that_is_not_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="endpoints on worlds4d"):
        plan_runs(compose_config("compare", ["study.tasks=[worlds4d/ood]"]))


def test_what_is_there_already_is_not_made_again(tmp_path: Path) -> None:
    run: StudyRun
    (run,) = chosen_jobs(load_plan("compare", ["study=compare/static", f"runs={tmp_path}", "run=3d-seed0"]))
    assert not run.finished
    for step in run.steps[1:]:  # results are enough, the model is not needed any more
        step.done.mkdir(parents=True)
    assert run.finished


@pytest.mark.long
def test_the_fast_split_asks_for_speeds_that_hardly_any_training_shows() -> None:
    def speeds(task: str, count: int) -> torch.Tensor:
        world = build(compose_config("bench", [f"task={task}"]).task.world)
        worlds = [make_world(seed, world) for seed in range(count)]
        return torch.tensor(
            [o.motion.length / (w.seconds[-1] - w.seconds[0]) for w in worlds for o in w.objects if o.moves]
        )

    seen, fast = speeds("worlds4d", 100), speeds("worlds4d/fast", 30)
    seen, fast = seen[seen > 0], fast[fast > 0]  # some turn in place
    assert (fast > seen.quantile(0.99)).float().mean() > 0.5


def test_every_step_of_a_run_composes_and_names_what_it_writes(tmp_path: Path) -> None:
    words = [f"runs={tmp_path}", "arms=[3d]", "study.tasks=[worlds4d]", "study.probes=true"]
    (run,) = plan_runs(compose_config("compare", words))
    training, scoring, changed, probing = run.steps
    assert changed.config.task.name == "counterfactuals"
    assert str(changed.done.parent) == str(tmp_path / "3d-seed0" / "records" / "counterfactuals")
    assert scoring.config.model.folder == probing.config.checkpoint == str(training.done)
    assert scoring.config.output == str(scoring.done.parent) == str(tmp_path / "3d-seed0" / "records" / "worlds4d")
    assert (scoring.config.label, probing.config.label, probing.config.output) == ("3d", "3d", str(probing.done))
