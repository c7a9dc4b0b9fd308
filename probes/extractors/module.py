"""Any network of one's own, read behind the modules that its user names."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from models.resources import import_from_here
from probes.extractors.extractor import Extractor, tubelet_slots, whole_clip
from probes.extractors.noise import Noise
from probes.extractors.stock import IMAGENET, normalise

Pixels = Callable[[Tensor], Any]


class ModuleExtractor(Extractor):
    """A network that its user built: a slot is one frame of an image network, or one step of a video network.

    Layer k is the output of the k-th hook. Maps (clip, channel, [slot,] row, col) are read as they are; tokens
    (clip, token, channel) need `patch`, and what comes before the tokens of patches (class, registers) is dropped.

    Args:
        network: any module. An image network gets (clip x time, 3, height, width), a video network
            (clip, 3, time, height, width), both as `pixels` makes them.
        hooks: dotted names of the modules that are read, as `network.named_modules()` has them.
        name: see `Extractor`.
        size: see `Extractor`.
        frames: see `Extractor`.
        tubelet: frames that one step of the features of a video network encodes; None for an image network.
        patch: height and width of a token in pixels; None where modules give maps.
        pixels: what the network takes of frames (clip, time, 3, height, width) in 0 to 1: "imagenet" (ImageNet's mean
            and standard deviation), "symmetric" (-1 to 1), "unit" (0 to 1), or a function, whose result is handed to
            the network as it is.

    Raises:
        ValueError: a hook is not a module of the network, or `pixels` is unknown.
    """

    batched = True

    def __init__(
        self,
        network: nn.Module,
        hooks: Sequence[str],
        name: str,
        size: Sequence[int],
        frames: int | None = None,
        tubelet: int | None = None,
        patch: int | None = None,
        pixels: str | Pixels = "imagenet",
    ) -> None:
        super().__init__(name, size, frames)
        self.network, self.hooks, self.tubelet, self.patch = network.eval(), list(hooks), tubelet, patch
        _modules(network, self.hooks)  # a wrong name is refused here
        if isinstance(pixels, str) and pixels not in PIXELS:
            raise ValueError(
                f"pixels={pixels} is unknown; choose one of {', '.join(PIXELS)}, or package.module:function"
            )
        self.pixels: str | Pixels = pixels

    @classmethod
    def from_function(
        cls, build: str, hook: str | int | Sequence[str | int], name: str, pixels: str = "imagenet", **options: Any
    ) -> Extractor:
        """Build what a function of the user's returns: a network, or an `Extractor`, which is taken as it is.

        Args:
            build: the function, "package.module:function", of an installed package or of the working directory. It
                is called without arguments.
            hook: see `hooks`; one or several.
            name: see `Extractor`.
            pixels: see above; a function is "package.module:function" too.
            options: further arguments of this class.

        Raises:
            ValueError: there is no such function, or it returns something else.
            ImportError: the module of the function fails to import.
        """
        built = named_function(build)()
        if isinstance(built, Extractor):
            return built
        if not isinstance(built, nn.Module):
            raise ValueError(f"build={build} returned {type(built).__name__}; return a torch.nn.Module")
        read: str | Pixels = named_function(pixels) if ":" in pixels else pixels
        hooks = [hook] if isinstance(hook, str | int) else hook
        return cls(built, [str(each) for each in hooks], name, pixels=read, **options)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The modules behind the hooks."""
        return _modules(self.network, self.hooks)

    def windows(self, frames: int) -> list[list[int]]:
        """Run the whole clip in one forward."""
        self.slots(frames)  # refuses a wrong length before the forward
        return whole_clip(frames)

    def slots(self, frames: int) -> list[list[int]]:
        """Group frames by tubelets; an image network sees each alone."""
        return tubelet_slots(frames, self.tubelet or 1)

    def settings(self) -> Mapping[str, Any]:
        """List the hooks and how pixels are prepared."""
        pixels = self.pixels if isinstance(self.pixels, str) else getattr(self.pixels, "__qualname__", "function")
        return {"hooks": self.hooks, "tubelet": self.tubelet, "patch": self.patch, "pixels": pixels}

    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Prepare the pixels, and run the network."""
        if not isinstance(self.pixels, str):
            self.network(self.pixels(video))
            return
        layout = "b t c h w -> (b t) c h w" if self.tubelet is None else "b t c h w -> b c t h w"
        self.network(rearrange(PIXELS[self.pixels](video), layout))

    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Bring maps or tokens to the grid.

        Raises:
            ValueError: the output of the module is neither, or does not fit the size of a patch.
        """
        slots = len(self.slots(frames))
        if not isinstance(output, Tensor) or output.ndim not in (3, 4, 5):
            given = f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"a hook of {self.name} gives {given}: name a module that gives maps or tokens")
        if output.ndim == 5:
            return self._slotted(rearrange(output, "b c s r q -> b s r q c"), slots)
        if output.ndim == 4:
            return self._slotted(rearrange(output, "(b s) c r q -> b s r q c", s=slots), slots)
        return self._tokens(output, slots)

    def _tokens(self, output: Tensor, slots: int) -> Tensor:
        if self.patch is None:
            raise ValueError(f"a hook of {self.name} gives tokens: say how many pixels one has, as patch=16")
        rows, cols = (side // self.patch for side in self.size)
        patches = rows * cols * (1 if self.tubelet is None else slots)
        if output.shape[1] < patches:
            raise ValueError(
                f"a hook of {self.name} gives {output.shape[1]} tokens, fewer than the {patches} patches of "
                f"{self.patch} pixels in {self.size[0]}x{self.size[1]}: correct size, patch or tubelet"
            )
        tokens = output[:, output.shape[1] - patches :]
        layout = "(b s) (r q) c -> b s r q c" if self.tubelet is None else "b (s r q) c -> b s r q c"
        grid: Tensor = rearrange(tokens, layout, s=slots, r=rows)
        return grid

    def _slotted(self, grid: Tensor, slots: int) -> Tensor:
        if grid.shape[1] != slots:
            raise ValueError(
                f"a hook of {self.name} gives {grid.shape[1]} steps of time for {slots} slots: correct tubelet"
            )
        return grid


def _imagenet(video: Tensor) -> Tensor:
    return normalise(video, torch.tensor(IMAGENET))


PIXELS: dict[str, Pixels] = {
    "imagenet": _imagenet,
    "symmetric": lambda video: 2 * video - 1,
    "unit": lambda video: video,
}


def named_function(source: str) -> Callable[..., Any]:
    """Import "package.module:function", of an installed package or of the working directory.

    Raises:
        ValueError: the text has another form, or there is no such module or function.
    """
    module, colon, name = source.partition(":")
    if not (colon and module and name):
        raise ValueError(f"'{source}' names no function; write package.module:function")
    import_from_here()
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # something that the module itself imports
        raise ValueError(f"there is no module '{module}' here or among the installed packages") from error
    except AttributeError as error:
        raise ValueError(f"module '{module}' has no '{name}'") from error
    if not callable(found):
        raise ValueError(f"{source} is a {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function


def _modules(network: nn.Module, hooks: Sequence[str]) -> list[nn.Module]:
    modules = dict(network.named_modules())
    for hook in hooks:
        if hook not in modules:
            near = difflib.get_close_matches(hook, modules, n=3, cutoff=0.3) or [each for each in modules if each][:6]
            raise ValueError(f"the network has no module '{hook}'; did you mean {' or '.join(near)}?")
    return [modules[hook] for hook in hooks]
