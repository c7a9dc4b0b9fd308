"""From footage, geometry, regions and questions to the inputs of SR-3D."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor
from transformers import AutoProcessor, BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from models.geometry import PointMap
from models.regions import Region, follow, pack_regions, plan_tiles, thumbnail, tile_image
from models.regions.tiling import Resizer
from models.sr3d.auto_file import AUTO_MAP, write_auto_file
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.canonical import canonical_scene, face_first_camera
from models.sr3d.inputs.collate import PadSide, collate_text, collate_visuals
from models.sr3d.inputs.conversation import prepare_conversation
from models.sr3d.inputs.mentions import check_all_mentioned
from models.sr3d.inputs.prompt import Prompt
from models.sr3d.inputs.sample import Sample
from models.sr3d.inputs.tokenizer import CAMERA, IMAGE, REGION, SCALE

CLOCKS = ("seconds", "frame_index")


class SR3DProcessor(ProcessorMixin):
    """Prepares samples (`prepare`), batches them (`collate`), or both at once (call).

    A video's frames are one tile each. A single image is cut into at most `max_tiles` tiles, and a thumbnail follows
    where there is more than one. `models.sr3d.inputs.prompt` lays out the tokens.

    Args:
        tokenizer: Has `<image>`, `<region>`, `<camera>` and `<scale>` as special tokens, and an end of sequence.
        tile_size: Side of a tile in pixels.
        grid: Rows, and columns, of encoder features per tile.
        token_grid: Rows, and columns, of visual tokens per tile.
        max_tiles: Limit for one image; 1 never cuts.
        pe_oversample: Points per token and axis.
        scale: "none", "token" or "metric", as in the model's config.
        point_map: Whether the model takes a point map; else points that are given are ignored.
        camera_token: Whether frames begin with a camera token.
        face_camera: Turn the world about its vertical so that the first camera looks along +y, as in a single image;
            else the world keeps its own heading.
        image_mean: Mean of normalised pixels per channel, for values in [0, 1].
        image_std: Standard deviation of normalised pixels per channel.
        resizer: "torchvision", or "pillow" for a published checkpoint, whose pictures it resized.
        template: Text around the visual part and the question.
        tile_text: Text of the prompt after each tile of an image.
        tile_suffix: Tokens after each tile of an image, before that text.
        frame_suffix: Tokens after each frame of a video.
        clock: Input of the timestamp encoding: "seconds", or "frame_index" (a control: frames are numbered).
        follow: Follow a region that is marked on one frame of a video to the others (`models.regions.follow`).
        time_prompt: State the duration of a video in words before its tokens (4D-RGPT Table 6; needs `seconds`).
        video_frames: Frames of a video that the checkpoint was trained with; None where it does not say.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        tile_size: int = 64,
        grid: int = 16,
        token_grid: int = 2,
        max_tiles: int = 1,
        pe_oversample: int = 1,
        scale: str = "token",
        point_map: bool = True,
        camera_token: bool = True,
        face_camera: bool = True,
        image_mean: Sequence[float] = (0.5, 0.5, 0.5),
        image_std: Sequence[float] = (0.5, 0.5, 0.5),
        resizer: Resizer = "torchvision",
        template: str = "{visual}{question}",
        tile_text: str = "",
        tile_suffix: Sequence[str] = (),
        frame_suffix: Sequence[str] = (),
        clock: str = "seconds",
        time_prompt: bool = False,
        follow: bool = False,
        video_frames: int | None = None,
    ) -> None:
        if clock not in CLOCKS:
            raise ValueError(f"clock={clock!r} is unknown: choose one of {', '.join(CLOCKS)}")
        if resizer not in get_args(Resizer):
            raise ValueError(f"resizer={resizer!r} is unknown: choose one of {', '.join(get_args(Resizer))}")
        super().__init__(tokenizer)
        self.tile_size = tile_size
        self.grid = grid
        self.token_grid = token_grid
        self.max_tiles = max_tiles
        self.pe_oversample = pe_oversample
        self.scale = scale
        self.point_map = point_map
        self.camera_token = camera_token
        self.face_camera = face_camera
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        self.resizer: Resizer = resizer
        self.template = template
        self.tile_text = tile_text
        self.tile_suffix = list(tile_suffix)
        self.frame_suffix = list(frame_suffix)
        self.clock = clock
        self.time_prompt = time_prompt
        self.follow = follow
        self.video_frames = video_frames

    def to_dict(self) -> dict[str, Any]:
        """Describe the processor as `processor_config.json` has it; `auto_map`: see `models.sr3d.auto_file`."""
        return {**super().to_dict(), "auto_map": AUTO_MAP}

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> Any:
        """Save the processor, its tokenizer, and the file through which AutoProcessor finds them."""
        saved = super().save_pretrained(save_directory, **kwargs)
        write_auto_file(save_directory)
        return saved

    @classmethod
    def from_config(cls, config: SR3DConfig, tokenizer: PreTrainedTokenizerBase, **kwargs: Any) -> SR3DProcessor:
        """Build the processor that fits a model; `kwargs` are the arguments that the config does not know.

        Raises ValueError where tokenizer and config disagree about a placeholder, or where pictures would be cut into
        tiles for a model that takes every tile of a region for a frame.
        """
        if config.region_pool == "trajectory" and kwargs.get("max_tiles", 1) > 1:
            raise ValueError(
                f"region_pool 'trajectory' takes tiles for frames: max_tiles must be 1, not {kwargs['max_tiles']}"
            )
        for token, expected in (
            (IMAGE, config.image_token_id),
            (REGION, config.region_token_id),
            (CAMERA, config.camera_token_id),
            (SCALE, config.scale_token_id),
        ):
            found = tokenizer.convert_tokens_to_ids(token)
            if found != expected:
                raise ValueError(
                    f"{token} is {found} in the tokenizer and {expected} in the config: set it in the config"
                )
        processor: SR3DProcessor = cls(
            tokenizer,
            tile_size=config.tile_size,
            grid=config.grid,
            token_grid=config.token_grid,
            pe_oversample=config.pe_oversample,
            scale=config.scale,
            point_map=config.position_encoding or config.scale != "none",
            camera_token=config.camera_token,
            **kwargs,
        )
        return processor

    @classmethod
    def from_args_and_dict(cls, args: list[Any], processor_dict: dict[str, Any], **kwargs: Any) -> SR3DProcessor:
        """Build from a saved config: transformers' own way looks into `__init__`, which fails where that is wrapped."""
        known = inspect.signature(cls).parameters
        processor: SR3DProcessor = cls(*args, **{k: v for k, v in {**processor_dict, **kwargs}.items() if k in known})
        return processor

    def prepare(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        questions: Sequence[str],
        points: PointMap | None = None,
        seconds: Float[Tensor, "time"] | None = None,
        world_T_cam: Float[Tensor, "time 4 4"] | None = None,
        regions: Sequence[Region] = (),
        answers: Sequence[str] | None = None,
        strict: bool = False,
        scale_known: bool = True,
        max_tiles: int | None = None,
    ) -> Sample:
        """Prepare one clip, or one image (time = 1), and all its questions.

        Points are in the frame `world`, or `cam` for one image. They are in metres, unless `scale_known` is False: the
        model is then told that the scale is unknown. The canonical frame is fitted here, to all frames together.
        Frames may have any size; regions and points follow it. `max_tiles` replaces that of the processor.
        `<region0>` in a question points at `regions[0]`; with
        `strict`, every region must be pointed at.
        Raises ValueError for points of a video in camera frames, for points or regions of another size than the video,
        for points of unknown scale where the model takes metres, and where mentions and regions do not match.
        """
        time, _, height, width = video.shape
        single = time == 1
        points = points if self.point_map else None
        plan = plan_tiles(height, width, self.tile_size, (max_tiles or self.max_tiles) if single else 1)
        tiles = rearrange(tile_image(video, plan, self.resizer), "t n c y x -> (t n) c y x")
        if len(plan) > 1:
            tiles = torch.cat([tiles, thumbnail(video, plan, self.resizer)])
        if self.face_camera:
            points, world_T_cam = face_first_camera(points, world_T_cam)
        if points is not None and not scale_known and self.scale == "metric":
            raise ValueError("this model takes points in metres, but their scale is unknown: use metric depth, or none")
        cells = self.grid * self.pe_oversample
        scene = canonical_scene(points, world_T_cam, plan, (time, height, width), cells, self.scale == "metric")
        check_sizes(regions, height, width)
        if self.follow:
            regions = follow(video, regions)
        prompt = self.prompt
        texts = [prompt.question(question, len(regions), single) for question in questions]
        if strict:
            check_all_mentioned(questions, len(regions))
        normalizer = scene.normalizer
        return Sample(
            pixels=tiles,
            points=scene.points,
            points_valid=scene.points_valid,
            seconds=self._ticks(seconds, len(tiles) // time),
            camera_centres=scene.camera_centres,
            camera_known=scene.camera_known,
            scale=float(normalizer.scale) if normalizer is not None and scale_known else None,
            shift=None if normalizer is None else tuple(normalizer.shift.tolist()),
            regions=pack_regions([list(regions)], [plan], [len(tiles)]),
            prefix=prompt.prefix(time, len(tiles) // time, seconds),
            questions=tuple(ids for ids, _ in texts),
            mentions=tuple(mentions for _, mentions in texts),
            answers=None if answers is None else tuple(prompt.answer(answer) for answer in answers),
        )

    def prepare_conversation(self, messages: Sequence[Mapping[str, Any]], regions: Sequence[Region] = ()) -> Sample:
        """Prepare a conversation of texts, images and videos: see `models.sr3d.inputs.conversation`."""
        return prepare_conversation(self, messages, regions)

    @property
    def prompt(self) -> Prompt:
        """The layout of this processor's tokens."""
        return Prompt(
            tokenizer=self.tokenizer,
            template=self.template,
            token_grid=self.token_grid,
            scale_token=self.scale == "token",
            camera_token=self.camera_token,
            tile_text=self.tile_text,
            tile_suffix=self.tile_suffix,
            frame_suffix=self.frame_suffix,
            time_prompt=self.time_prompt,
        )

    def collate(self, samples: Sequence[Sample], packed: bool = True, pad_side: PadSide | None = None) -> BatchFeature:
        """Batch samples: packed, all questions of a sample share one row and its visual prefix; else one row each.

        To generate from, a batch is not packed. Rows without answers are padded on the left, where `generate` wants it.
        """
        if pad_side is None:
            pad_side = "right" if packed or samples[0].answers is not None else "left"
        batch, owner = collate_text(samples, packed, pad_side, self.tokenizer.pad_token_id)
        return BatchFeature({**batch, **collate_visuals(samples, owner, packed, self.image_mean, self.image_std)})

    def __call__(
        self,
        text: Sequence[str | Sequence[str]],
        video: Sequence[UInt8[Tensor, "time 3 height width"]] | None = None,
        images: Sequence[UInt8[Tensor, "3 height width"]] | None = None,
        points: Sequence[PointMap | None] | None = None,
        seconds: Sequence[Float[Tensor, "time"] | None] | None = None,
        world_T_cam: Sequence[Float[Tensor, "time 4 4"] | None] | None = None,
        regions: Sequence[Sequence[Region]] | None = None,
        answers: Sequence[str | Sequence[str]] | None = None,
        packed: bool = False,
    ) -> BatchFeature:
        """Prepare and batch: one clip or image a sample, with one question or many each; regions must all be mentioned.

        Without answers rows are padded on the left, for `generate`. Raises ValueError as `prepare` does, and where the
        lists differ in length.
        """
        if (video is None) == (images is None):
            raise ValueError("give either `video` or `images`")
        clips = [image[None] for image in images] if images is not None else list(video or ())
        for name, column in {
            "text": text,
            "points": points,
            "seconds": seconds,
            "world_T_cam": world_T_cam,
            "regions": regions,
            "answers": answers,
        }.items():
            if column is not None and len(column) != len(clips):
                raise ValueError(f"{len(clips)} clips or images, but {len(column)} entries in `{name}`: give one each")
        samples = [
            self.prepare(
                clip,
                _many(text[i]),
                points=points[i] if points else None,
                seconds=seconds[i] if seconds else None,
                world_T_cam=world_T_cam[i] if world_T_cam else None,
                regions=regions[i] if regions else (),
                answers=_many(answers[i]) if answers else None,
                strict=True,
            )
            for i, clip in enumerate(clips)
        ]
        return self.collate(samples, packed=packed)

    def _ticks(self, seconds: Tensor | None, tiles: int) -> Float[Tensor, "tile"] | None:
        if seconds is None:
            return None
        ticks = torch.arange(len(seconds)) if self.clock == "frame_index" else seconds
        return ticks.float().repeat_interleave(tiles)


def check_sizes(regions: Sequence[Region], height: int, width: int) -> None:
    """Raise ValueError for masks of another size than the frames."""
    for region in regions:
        for frame, mask in region.masks.items():
            if mask.shape != (height, width):
                raise ValueError(
                    f"region {region.name or '(unnamed)'} has a mask of {tuple(mask.shape)} on frame {frame}, "
                    f"the video has {(height, width)} (height, width): make masks at the size of the frames"
                )


def _many(texts: str | Sequence[str]) -> Sequence[str]:
    return [texts] if isinstance(texts, str) else texts


AutoProcessor.register(SR3DConfig, SR3DProcessor, exist_ok=True)
