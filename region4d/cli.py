"""The `region4d` command: one verb a file, imported only when it is asked for."""

from __future__ import annotations

import importlib
import os
import sys

import typer

VERBS = {
    "ask": "Ask about a region of a video, an image or an RGB-D folder.",
    "worlds": "Preview or export procedural worlds.",
    "train": "Train what an experiment describes (Hydra overrides).",
    "extract": "Cache features of a frozen video model (Hydra overrides).",
    "probe": "Measure how much 3D frozen features hold, with controls and a report (Hydra overrides).",
    "lift": "Lift masked objects out of a picture, as meshes with their pose.",
    "lift-study": "Measure lifting against baselines on procedural worlds, with a report (Hydra overrides).",
    "bench": "Score a model on a benchmark (Hydra overrides).",
    "compare": "Train matched arms, score them with paired confidence intervals, write a report (Hydra overrides).",
}
HYDRA_VERBS = {"train", "extract", "probe", "lift-study", "bench", "compare"}


def build_app(asked: str | None) -> typer.Typer:
    """Build the command line, importing only the verb that was asked for."""
    app = typer.Typer(
        name="region4d",
        help="Ask about regions of images and videos in 3D and over time; train, compare and measure the models.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    def not_asked() -> None:
        raise AssertionError("a verb that was not asked for cannot run")

    @app.callback()
    def root() -> None:
        pass

    for verb, summary in VERBS.items():
        name = verb.replace("-", "_")
        run = getattr(importlib.import_module(f"region4d.verbs.{name}"), name) if verb == asked else not_asked
        settings = {"ignore_unknown_options": True} if verb in HYDRA_VERBS else {}
        app.command(verb, help=run.__doc__ if verb == asked else summary, context_settings=settings)(run)
    return app


def main() -> None:
    """Run the command line. A wrong file, box, checkpoint or key is one clear line and exit code 2."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    asked = words[0] if words and words[0] in VERBS else None
    try:
        build_app(asked)()
    except (ValueError, OSError, ImportError) as error:
        if os.environ.get("REGION4D_TRACEBACK"):
            raise
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"region4d: {message}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("region4d: stopped; the same command continues from what is finished", file=sys.stderr)
        sys.exit(130)
