"""Small trials of the base and of each extra, each in a process of its own: `python -m region4d.doctor.trials NAME`.

A trial prints one JSON object as its last line. What is broken raises, hangs or crashes here and not in the doctor.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from region4d.doctor.extras import EXTRAS

FRAMES, HEIGHT, WIDTH = 4, 48, 64


def torch() -> dict[str, Any]:
    """Multiply two matrices on every device, and describe devices and threads."""
    import torch as library

    devices = ["cpu", *(f"cuda:{k}" for k in range(library.cuda.device_count()))]
    mps = library.backends.mps.is_available()
    for device in [*devices, *(["mps"] if mps else [])]:
        ones = library.ones(64, 64, device=device)
        if float((ones @ ones).sum()) != 64.0**3:
            raise ValueError(f"a product of two matrices is wrong on {device}")
    gpus = []
    for k in range(library.cuda.device_count()):
        free, total = library.cuda.mem_get_info(k)
        gpus.append({"name": library.cuda.get_device_name(k), "free_bytes": free, "total_bytes": total})
    threads = library.get_num_threads()
    return {
        "detail": f"torch {library.__version__}, {threads} threads",
        "version": library.__version__,
        "threads": threads,
        "gpus": gpus,
        "mps": mps,
    }


def video() -> dict[str, Any]:
    """Encode a clip and decode it by PyAV."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = write_clip(Path(folder))
        with av.open(str(path)) as container:
            decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    check_frames(len(decoded), decoded[0].shape[:2])
    return {"detail": f"PyAV {av.__version__} decoded the clip that it encoded"}


def ask() -> dict[str, Any]:
    """Answer a question about a small world by the shipped model."""
    from torch import Generator

    from models.queries.query import Query
    from models.sr3d.answering import Answerer
    from scenes.questions import ask_about, region_of
    from scenes.worlds import WorldConfig, make_world, render

    (clip,) = render([make_world(0, WorldConfig(height=64, width=64, frames=2))], "cpu")
    (question,) = ask_about(clip, Generator().manual_seed(0), categories=["depth"])
    query = Query(clip, [region_of(clip, index) for index in question.objects], question.text)
    (answer,) = Answerer.from_folder("sr3d_tiny_3d", "cpu").answer([query])
    if not answer.endswith(" m"):
        raise ValueError(f"the shipped model answered '{answer}' to '{question.text}'")
    return {"detail": f"sr3d_tiny_3d answered '{answer}' (truth: {question.answer})"}


def geom() -> dict[str, Any]:
    """Cast a ray at a box by Open3D."""
    import_all("geom")
    import numpy as np
    import open3d

    box = open3d.t.geometry.TriangleMesh.from_legacy(open3d.geometry.TriangleMesh.create_box())
    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(box)
    ray = open3d.core.Tensor.from_numpy(np.array([[0.5, 0.5, -1.0, 0.0, 0.0, 1.0]], np.float32))
    distance = float(scene.cast_rays(ray)["t_hit"].numpy()[0])
    if abs(distance - 1) > 1e-3:
        raise ValueError(f"a ray hits a box after {distance}, expected 1")
    return {"detail": f"Open3D {open3d.__version__} cast a ray"}


def heic() -> dict[str, Any]:
    """Write and read a HEIC picture."""
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.heic"
        Image.new("RGB", (WIDTH, HEIGHT), (200, 100, 50)).save(path)
        with Image.open(path) as picture:
            picture.load()
            check_frames(FRAMES, (picture.height, picture.width))
    return {"detail": f"pillow-heif {pillow_heif.__version__} read the picture that it wrote"}


def exr() -> dict[str, Any]:
    """Write and read depth as OpenEXR."""
    import numpy as np
    import OpenEXR

    depth = np.full((HEIGHT, WIDTH), 1.5, dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "depth.exr")
        OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Z": OpenEXR.Channel(depth)}).write(path)
        with OpenEXR.File(path) as file:
            same = np.array_equal(file.channels()["Z"].pixels, depth)
    if not same:
        raise ValueError("OpenEXR reads other depth than it wrote")
    return {"detail": "OpenEXR read the depth that it wrote"}


def quantized() -> dict[str, Any]:
    """Quantise a matrix to 4 bits and back, on a GPU where there is one."""
    import bitsandbytes
    import torch as library

    device = "cuda" if library.cuda.is_available() else "cpu"
    values = library.linspace(-1, 1, 64 * 64, device=device).reshape(64, 64)
    packed, state = bitsandbytes.functional.quantize_4bit(values, quant_type="nf4")
    error = float((bitsandbytes.functional.dequantize_4bit(packed, state) - values).abs().max())
    if error > 0.2:
        raise ValueError(f"4-bit values are off by {error:.2f} on {device}")
    return {"detail": f"bitsandbytes {bitsandbytes.__version__} quantised a matrix on {device}"}


def flash() -> dict[str, Any]:
    """Attend on a GPU by flash-attn; without a GPU, import it."""
    import flash_attn
    import torch as library

    if not library.cuda.is_available():
        return {"detail": f"flash-attn {flash_attn.__version__} is imported; there is no GPU to try it on"}
    q, k, v = library.randn(3, 1, 16, 2, 32, device="cuda", dtype=library.bfloat16)
    if not bool(flash_attn.flash_attn_func(q, k, v).isfinite().all()):
        raise ValueError("flash-attn returns values that are not finite")
    return {"detail": f"flash-attn {flash_attn.__version__} attended on a GPU"}


def torchcodec() -> dict[str, Any]:
    """Decode a clip by torchcodec."""
    from torchcodec.decoders import VideoDecoder

    with tempfile.TemporaryDirectory() as folder:
        decoder = VideoDecoder(str(write_clip(Path(folder))))
        frames = decoder[0 : len(decoder)]
    check_frames(len(frames), tuple(frames.shape[-2:]))
    return {"detail": "torchcodec decoded a clip"}


def decord() -> dict[str, Any]:
    """Decode a clip by decord."""
    import decord as library

    with tempfile.TemporaryDirectory() as folder:
        reader = library.VideoReader(str(write_clip(Path(folder))))
        check_frames(len(reader), tuple(reader[0].shape[:2]))
    return {"detail": f"decord {library.__version__} decoded a clip"}


def lmms_eval() -> dict[str, Any]:
    """Look up our model among those of lmms-eval, which only logs where a plug-in fails."""
    from lmms_eval.models import get_model

    return {"detail": f"lmms-eval knows the model {get_model('region4d').__name__}"}


TRIALS: dict[str, Callable[[], dict[str, Any]]] = {
    trial.__name__: trial for trial in (torch, video, ask, geom, heic, exr, quantized, flash, torchcodec, decord)
}
TRIALS["eval"] = lmms_eval
BASE = ("torch", "video", "ask")


def import_all(extra: str) -> dict[str, Any]:
    """Import every module of an extra; what has no trial of its own is tried so."""
    for module in EXTRAS[extra].modules:
        importlib.import_module(module)
    return {"detail": "imported"}


def write_clip(folder: Path) -> Path:
    """Encode grey frames as MPEG-4, which every build of PyAV has."""
    import av
    import numpy as np

    path = folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for k in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 40 * k, dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def check_frames(count: int, size: tuple[int, ...]) -> None:
    """Raise ValueError where frames are not those that were written."""
    if (count, *size) != (FRAMES, HEIGHT, WIDTH):
        raise ValueError(f"{count} frames of {size} pixels were read, but {FRAMES} of {(HEIGHT, WIDTH)} were written")


def main(name: str) -> None:
    """Run one trial and print what it found."""
    result = TRIALS[name]() if name in TRIALS else import_all(name)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
