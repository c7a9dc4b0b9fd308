# %% [markdown]
# # A study from two record files
#
# Two models, the same questions: which is better, in which category, and is it more than luck? A *record* is one
# answer to one question, a line of JSON. Whatever wrote the records, a training here or a model elsewhere, they are
# compared item by item.
#
# Run this page: `python docs/examples/study_from_two_record_files.py`.

# %%
from pathlib import Path

import region4d
from benchmarks.comparison.comparison import Comparison
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import read_records, write_records
from benchmarks.region_qa.measure import predict
from benchmarks.region_qa.record_table import record_table
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.worlds import WorldsTask
from scenes.worlds import WorldConfig

CLIPS = 24
FOLDER = Path("outputs/my_study")

# %% [markdown]
# Questions with exact answers, about worlds that neither model was trained on. Any list of `Item`s will do ([your
# questions](../guides/your_questions.md)).

# %%
categories = ("nearer_camera", "distance", "colour")
seeds = (1_000_000, 1_000_000 + CLIPS)
task = WorldsTask(name="my_rooms", world=WorldConfig(), seeds=seeds, categories=categories, questions_per_clip=6)
items = list(task.items())
print(len(items), "questions, such as:", items[0].question.text, items[0].question.answer)

# %% [markdown]
# One folder of records for each model. `score_items` reads any model's answers with one parser: replace `answers` by
# those of your own.

# %%
for arm, name in {"3d": "sr3d_tiny_3d", "2d": "sr3d_tiny_2d"}.items():
    model = region4d.load(name)
    answers = list(predict(model.answerer, items))
    records = score_items(task.name, items, answers, arm, seed=0)
    write_records(FOLDER / arm, records, collect_manifest({"task": task.name}, Path(name)))

# %% [markdown]
# The table of the study, as `region4d records table 3d=outputs/my_study/3d 2d=outputs/my_study/2d --minus 2d` prints
# it. Bold marks what is clear after Holm's correction ([reading a report](../guides/reading_a_report.md)).

# %%
print(record_table([f"3d={FOLDER / '3d'}", f"2d={FOLDER / '2d'}"], minus="2d"))

# %% [markdown]
# Any other question about the records is a line: here the difference over all questions, resampling clips.

# %%
gain = Comparison(complete=True).difference(read_records(FOLDER / "3d"), read_records(FOLDER / "2d"))
print(f"3d - 2d: {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
