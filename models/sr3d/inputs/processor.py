"""From footage, geometry, regions and questions to the inputs of SR-3D."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor
from transformers import AutoProcessor, BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from models.geometry import PointMap
from models.regions import Region, TilePlan, follow, pack_regions, plan_tiles, thumbnail, tile_image
from models.regions.tiling import Resizer
from models.sr3d.auto_file import AUTO_MAP, write_auto_file
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.canonical import canonical_scene, face_first_camera
from models.sr3d.inputs.collate import PadSide, collate_text, collate_visuals
from models.sr3d.inputs.columns import prepare_columns
from models.sr3d.inputs.conversation import mention_regions, prepare_conversation, without_media
from models.sr3d.inputs.depth_picture import depth_picture
from models.sr3d.inputs.sample import Sample
from models.sr3d.text.mentions import check_all_mentioned
from models.sr3d.text.prompt import Prompt
from models.sr3d.text.tokenizer import PLACEHOLDERS

CLOCKS = ("seconds", "since_first", "frame_index")


class SR3DProcessor(ProcessorMixin):
    """Prepares samples (`prepare`), batches them (`collate`), or both at once (call).

    A video's frames are one tile each. A single image is cut into at most `max_tiles` tiles, and a thumbnail follows
    where there is more than one. `models.sr3d.text.prompt` lays out the tokens.

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
        clock: Input of the timestamp encoding: "seconds", "since_first" (seconds after the first frame that is shown),
            or "frame_index" (a control: frames are numbered).
        follow: Follow a region that is marked on one frame of a video to the others (`models.regions.follow`).
        time_prompt: State the duration of a video in words before its tokens (4D-RGPT Table 6; needs `seconds`).
        duration_line: With `time_prompt`, what a checkpoint begins questions about videos with instead; `{}` is the
            duration.
        one_picture: Regions lie on a single picture, and are refused on a video (SpatialRGPT).
        depth_picture: Where depth is known, the model takes a picture of it, and two tokens a region (SpatialRGPT).
        video_frames: Frames of a video that the checkpoint was trained with; None where it does not say.
        trained_questions: Category -> sentences, all that a model of a small grammar was trained on
            (`models.sr3d.text.trained_questions`); None for a model that reads any sentence, or does not say.
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
        duration_line: str = "",
        one_picture: bool = False,
        depth_picture: bool = False,
        follow: bool = False,
        video_frames: int | None = None,
        trained_questions: Mapping[str, Sequence[str]] | None = None,
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
        self.duration_line = duration_line
        self.one_picture = one_picture
        self.depth_picture = depth_picture
        self.follow = follow
        self.video_frames = video_frames
        self.trained_questions = trained_questions and {name: list(each) for name, each in trained_questions.items()}

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
        if config.region_pool in ("trajectory", "regiongpt") and kwargs.get("max_tiles", 1) > 1:
            raise ValueError(
                f"region_pool {config.region_pool!r} takes tiles for frames: max_tiles must be 1, not "
                f"{kwargs['max_tiles']}"
            )
        for field, token in PLACEHOLDERS.items():
            expected = getattr(config, field)
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
            one_picture=config.region_pool == "regiongpt",
            depth_picture=config.depth_token_id is not None,
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
        if self.one_picture and not single and regions:
            raise ValueError(f"this model points at regions of one picture, not of {time} frames: choose one (--frame)")
        depth = None
        if self.depth_picture and points is not None:
            depth = tile_image(depth_picture(points, world_T_cam), TilePlan(1, 1, self.tile_size), self.resizer)[:, 0]
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
        normalizer = scene.normalizer
        sample = Sample(
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
            questions=(),
            mentions=(),
            answers=None if answers is None else tuple(prompt.answer(answer) for answer in answers),
            depth_pixels=depth,
        )
        sample = self.with_questions(sample, questions, seconds)
        if strict:
            check_all_mentioned(questions, len(regions))
        return sample

    def with_questions(
        self, sample: Sample, questions: Sequence[str], seconds: Float[Tensor, "time"] | None = None
    ) -> Sample:
        """Ask other questions about a clip that is prepared; `seconds` are its timestamps.

        Raises:
            ValueError: A question is empty, mentions a region that the sample lacks, or holds another tag.
        """
        prompt, time = self.prompt, len(sample.camera_centres)
        line = prompt.line(time, seconds) if questions else ""  # a conversation has no duration
        depth, regions = sample.depth_pixels is not None, len(sample.regions.names)
        texts = [prompt.question(text, regions, time == 1, depth, line) for text in questions]
        return replace(sample, questions=tuple(ids for ids, _ in texts), mentions=tuple(m for _, m in texts))

    def with_conversations(
        self,
        sample: Sample | None,
        conversations: Sequence[Sequence[tuple[str, str]]],
        seconds: Float[Tensor, "time"] | None = None,
    ) -> Sample:
        """Give a clip that is prepared, or no media at all (None), conversations to learn from.

        Args:
            sample: the clip with its regions.
            conversations: each a list of turns, (question, answer). Every turn becomes a question that holds the turns
                before it, so that each answer is learned once and sees what was said.
            seconds: timestamps of the clip.

        Raises:
            ValueError: as `with_questions`.
        """
        prompt = self.prompt
        if sample is None:
            sample, image, line = replace(without_media(self), prefix=prompt.head()), False, ""
        else:
            time = len(sample.camera_centres)
            image, line = time == 1, prompt.line(time, seconds)
        depth, regions = sample.depth_pixels is not None, len(sample.regions.names)
        turns = [each for turns in conversations for each in prompt.turns(turns, regions, image, depth, line)]
        questions, mentions, answers = zip(*turns, strict=True)
        return replace(sample, questions=questions, mentions=mentions, answers=answers)

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
            duration_line=self.duration_line,
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
        images: Any = None,
        text: str | Sequence[str | Sequence[str]] | None = None,
        videos: Any = None,
        *,
        regions: Sequence[Region] | Sequence[Sequence[Region]] | None = None,
        points: PointMap | Sequence[PointMap | None] | None = None,
        seconds: Float[Tensor, "time"] | Sequence[Float[Tensor, "time"] | None] | None = None,
        world_T_cam: Float[Tensor, "time 4 4"] | Sequence[Float[Tensor, "time 4 4"] | None] | None = None,
        answers: str | Sequence[str | Sequence[str]] | None = None,
        packed: bool = False,
        padding: bool | str = True,
        return_tensors: str = "pt",
    ) -> BatchFeature:
        """Prepare and batch, as processors of transformers do.

        A text is one question with one image, one video, several images, or nothing to see; a list has one of each per
        sample, with one question or many. Images and videos: see `models.sr3d.inputs.conversation`. Every region must
        be mentioned. Without answers rows are padded on the left, for `generate`.

        Raises:
            ValueError: As `prepare` raises it; lists differ in length; or an option is not supported.
        """
        if text is None:
            raise ValueError("give `text`: a question, or a list of them")
        if padding not in (True, "longest") or return_tensors != "pt":
            raise ValueError(
                f"rows are padded to the longest and are torch tensors: padding={padding!r} and "
                f"return_tensors={return_tensors!r} are not supported"
            )
        columns: dict[str, Any] = {
            "images": images,
            "videos": videos,
            "regions": regions,
            "points": points,
            "seconds": seconds,
            "world_T_cam": world_T_cam,
            "answers": answers,
        }
        return self.collate(prepare_columns(self, text, columns), packed)

    def apply_chat_template(
        self,
        conversation: Sequence[Any],
        chat_template: str | None = None,
        *,
        add_generation_prompt: bool = False,
        tokenize: bool = False,
        return_dict: bool = False,
        return_tensors: str = "pt",
        continue_final_message: bool = False,
        processor_kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Lay out a conversation, or a list of them: as text, or with `tokenize` and `return_dict` as a batch.

        Besides text, images and videos a message may hold regions: `{"type": "region", "region": Region}`.

        Raises:
            ValueError: A part or an option is not supported.
        """
        unsupported = {
            "chat_template": chat_template is not None,
            "continue_final_message": continue_final_message,
            "processor_kwargs": bool(processor_kwargs),
            "return_tensors": return_tensors not in ("pt", "auto"),
            "add_generation_prompt=False": tokenize and not add_generation_prompt,
        }
        if refused := [name for name, given in unsupported.items() if given]:
            raise ValueError(f"apply_chat_template of SR-3D does not support {', '.join(refused)}")
        batched = not isinstance(conversation[0], Mapping)
        conversations = list(conversation) if batched else [conversation]
        if not tokenize:
            plain = [mention_regions(messages, ())[0] for messages in conversations]
            texts = [self.prompt.chat(messages, add_generation_prompt) for messages in plain]
            return texts if batched else texts[0]
        batch = self.collate([self.prepare_conversation(messages) for messages in conversations], packed=False)
        return batch if return_dict else batch["input_ids"]

    def _ticks(self, seconds: Tensor | None, tiles: int) -> Float[Tensor, "tile"] | None:
        if seconds is None:
            return None
        ticks = seconds - seconds[0] if self.clock == "since_first" else seconds
        if self.clock == "frame_index":
            ticks = torch.arange(len(seconds))
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


AutoProcessor.register(SR3DConfig, SR3DProcessor, exist_ok=True)
