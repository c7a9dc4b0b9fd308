# %% [markdown]
# # Probe your video model
#
# How much 3D do the features of a network hold? A probe is trained to read points, depth and cameras from them; the
# network itself stays as it is. Here it is a video transformer: put yours in its place ([your video
# model](../guides/your_video_model.md)).
#
# Run this page: `python docs/examples/probe_your_video_model.py` (extra `train`). It trains so little that its figures
# say nothing; the studies take 1,536 clips and 256 steps.

# %%
from einops import rearrange
from transformers import VideoMAEModel

import region4d
from probes.clips.clip_sets import WorldClips
from probes.extractors.extractor import Extractor, tubelet_slots, whole_clip
from probes.extractors.images.pixels import PixelExtractor
from scenes.worlds import WorldConfig

FIRST, STEPS = 5_000_064, 4  # FIRST: seed of the first world

# %% [markdown]
# An extractor says which modules can be read, how the network is run on frames in 0 to 1, which frames each step of
# its features encodes, and how its tokens lie on a grid of slots, rows and columns.


# %%
class MyVideoModel(Extractor):
    batched = True
    blocks = property(lambda self: list(self.network.encoder.layer))

    def __init__(self, network):
        super().__init__("mine", size=(48, 48))
        self.network = network.eval()

    def windows(self, frames):
        return whole_clip(frames)

    def slots(self, frames):
        return tubelet_slots(frames, 2)  # a token spans two frames and 8 x 8 pixels

    def run(self, video, noise, generators):
        self.network(2 * video - 1)

    def grid(self, output, frames):
        return rearrange(output, "clip (slot row col) channel -> clip slot row col channel", slot=frames // 2, row=6)


# %% [markdown]
# Rooms at rest under a moving camera, with exact labels; four of the eight frames are read. No shipped model was
# trained on them. `LabelledClips` reads footage of your own.

# %%
seeds = {"train": (FIRST, FIRST + 64), "val": (FIRST + 64, FIRST + 72), "test": (FIRST + 72, FIRST + 96)}
world = WorldConfig(height=48, width=48, frames=8, cameras=("orbit", "travel"))
clips = WorldClips(world=world, seeds=seeds, frames=[0, 2, 4, 6], size=(24, 24))

# %% [markdown]
# The network, the same network without training, and no network at all. What training gave is the difference between
# the first two.

# %%
trained = VideoMAEModel.from_pretrained(region4d.checkpoint_folder("video_mae"))
candidates = {
    "trained": (MyVideoModel(trained), 3),
    "random": (MyVideoModel(VideoMAEModel(trained.config)), 3),
    "pixels": (PixelExtractor("pixels", (48, 48), patch=8, tubelet=2), 0),
}
for name, (extractor, layer) in candidates.items():
    errors = region4d.probe_layers(extractor, clips, [layer], steps=STEPS)[layer]["test"]
    print(f"{name}: point error {sum(clip['point_error'] for clip in errors.values()) / len(errors):.3f}")
