# %% [markdown]
# # Distil and export
#
# A student sees RGB and timestamps. In training, its visual tokens also learn what a frozen 4D expert perceives:
# depth, flow, motion and camera rays. What is exported is a plain SR-3D. See [distillation](../distillation.md).
#
# Run this page: `python docs/examples/distil_and_export.py` (extra `train`). It takes few steps, so the student knows
# nothing; `region4d train experiment=rgpt4d/tiny_dynamic arm=4d` trains one.

# %%
import subprocess
import sys

from transformers import AutoModelForImageTextToText

import region4d
from distill.teachers.expert import SHIPPED, load_expert
from scenes.questions import region_of
from scenes.worlds import WorldConfig, make_world, render

STEPS, WORLDS = 4, 16
FOLDER = "outputs/distilled"

# %% [markdown]
# The teacher is the shipped expert; `teacher=expert4d_folder teacher.folder=FOLDER` takes your own. Its targets are
# computed once and kept.

# %%
words = ["experiment=rgpt4d/tiny_dynamic", "arm=4d", f"trainer.max_steps={STEPS}", f"data.seeds=[0,{WORLDS}]"]
words += ["data.batch_size=4", "trainer.enable_progress_bar=false", f"output={FOLDER}"]
subprocess.run([sys.executable, "-m", "region4d", "train", *words], check=True)

# %% [markdown]
# The exported folder has no weight of the expert or of the decoder: it loads as any SR-3D does, here in transformers.

# %%
student = AutoModelForImageTextToText.from_pretrained(f"{FOLDER}/model")
expert = load_expert(SHIPPED)
print(f"student {student.num_parameters():,} parameters, without the expert's {expert.num_parameters():,}")

# %% [markdown]
# It answers questions about regions, from RGB and timestamps alone. No seed from 20,000,000 on was used to train what
# is shipped.

# %%
world = WorldConfig(frames=6, motion=True, movers=1.0, sizes="natural", rescale=(1.0, 1.0))
(clip,) = render([make_world(20_000_001, world)])
print(clip.truth.objects[0])
model = region4d.load(f"{FOLDER}/model")
print(model.ask(clip, "How fast does <region0> move?", [region_of(clip, 0)]))
