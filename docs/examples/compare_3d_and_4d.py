# %% [markdown]
# # Compare 3D and 4D
#
# Two models start from the same weights and see the same clips and questions in the same order. `3d` reads positions
# from a point map; `4d` has only RGB and timestamps, and learns from a 4D expert. Which questions does each answer?
#
# Run this page: `python docs/examples/compare_3d_and_4d.py` (extra `train`). Its settings are so small that it ends
# within a minute on two idle cores, and its figures say nothing; `region4d study compare/quick` takes 450 steps,
# 1,800 worlds and 384 test clips ([what came out](../results/compare.md)).

# %%
import subprocess
import sys
from pathlib import Path

STEPS, WORLDS, CLIPS = 6, 24, 6
FOLDER = Path("outputs/my_comparison")

# %% [markdown]
# A study is a configuration: arms, contrasts, tasks, seeds and, chosen in advance, endpoints
# (`configs/study/compare/quick.yaml`). `study.overrides` go to every training, `study.bench_overrides` to every
# scoring. `task.digest=null` allows a part of the fixed test set.

# %%
training = [f"trainer.max_steps={STEPS}", f"data.seeds=[0,{WORLDS}]", "data.batch_size=4"]
scoring = [f"task.seeds=[1000000,{1_000_000 + CLIPS}]", "task.digest=null"]
words = ["arms=[4d,3d]", "study.tasks=[worlds4d]", f"runs={FOLDER}/runs", f"output={FOLDER}"]
words += [f"study.overrides={training}", f"study.bench_overrides={scoring}"]
subprocess.run([sys.executable, "-m", "region4d", "study", "compare/quick", *words], check=True)

# %% [markdown]
# The same command continues what was interrupted. The report has accuracies by category, paired differences with
# intervals, and the provenance ([how to read it](../guides/reading_a_report.md)):

# %%
report = (FOLDER / "report.md").read_text()
print(report[: report.index("## ")])

# %% [markdown]
# Every answer is a record, with its question and truth.

# %%
print((FOLDER / "runs" / "4d-seed0" / "records" / "worlds4d" / "records.jsonl").read_text().splitlines()[0])
