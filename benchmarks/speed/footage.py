"""Time and memory of questions about long and large footage: `region4d speed footage`.

Each input is read in a process of its own, 32 frames from first to last: by region4d (read, answer a question, draw the
picture, as `region4d ask` does), and by PyAV alone (seek, decode to the frame, convert to RGB, keep). Inputs
are written for the purpose: one group of pictures is encoded and its packets are repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np
import torch
from PIL import Image
from rich.progress import track

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import Race, print_races, write_races
from scenes.storage.atomic import write_text

FRAMES = 32
MOST_TIME = 1.5  # times as long as PyAV alone
MOST_MEMORY = 1.5  # GB, of the whole process
_PEAK = "int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1]) / 1e6"  # GB
_ASK = f"""
import json, sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
started = time.perf_counter()
from models.queries.query import Query
from models.sr3d.answering import Answerer
from region4d.footage import FrameChoice, GeometrySource, open_footage, parse_pointers
from scenes.drawing.regions import draw_answer, save_picture
read = time.perf_counter()
pointers = parse_pointers(["0:10,40,60,100", "1:100,40,150,100"], [], [])
footage = open_footage(Path(sys.argv[1]), FrameChoice(int(sys.argv[2])), pointers, GeometrySource(no_depth=True))
seconds = time.perf_counter() - read
question = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
(answer,) = Answerer.from_folder("sr3d_tiny_3d", "cpu").answer([Query(footage.clip, footage.regions, question)])
with TemporaryDirectory() as folder:
    save_picture(draw_answer(footage.clip, footage.regions, question, answer), Path(folder) / "ask.png")
whole = time.perf_counter() - started
print(json.dumps({{
    "read": seconds, "import": read - started, "whole": whole, "peak": {_PEAK}, "frames": len(footage.clip)
}}))
"""
_PYAV = f"""
import json, sys, time
from pathlib import Path
started = time.perf_counter()
import av
path, count, frames = Path(sys.argv[1]), int(sys.argv[2]), []
read = time.perf_counter()
if path.is_dir():
    pictures = sorted(path.iterdir())
    for i in range(count):
        with av.open(str(pictures[i * (len(pictures) - 1) // (count - 1)])) as container:
            frames.append(next(container.decode(video=0)).to_ndarray(format="rgb24"))
else:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        step = int(1 / stream.average_rate / stream.time_base)
        for i in range(count):
            wanted = i * (stream.frames - 1) // (count - 1) * step
            container.seek(wanted, stream=stream)
            frames.append(next(f for f in container.decode(stream) if f.pts >= wanted).to_ndarray(format="rgb24"))
end = time.perf_counter()
print(json.dumps({{
    "read": end - read, "import": read - started, "whole": end - started, "peak": {_PEAK}, "frames": len(frames)
}}))
"""
ARMS = {"region4d": _ASK, "PyAV alone": _PYAV}


@dataclass(frozen=True)
class Footage:
    """An input to write: `repeats` times a group of `group` frames of (height, width), or as many pictures."""

    name: str
    height: int
    width: int
    group: int
    repeats: int
    pictures: bool = False

    def write(self, folder: Path) -> Path:
        """Write the input, unless it is there."""
        path = folder / (f"{self.name} ({self.width}x{self.height})".replace(" ", "_") + ".mp4" * (not self.pictures))
        if not path.exists():
            (self._write_pictures if self.pictures else self._write_video)(path)
        return path

    def _images(self) -> Iterator[np.ndarray]:
        random = np.random.default_rng(0)
        small = random.integers(0, 256, (self.height // 40, self.width // 40, 3), np.uint8)
        still = np.array(Image.fromarray(small).resize((self.width, self.height)))
        for index in range(self.group):
            image = still.copy()
            left = (index * 8) % (self.width // 2)
            image[self.height // 4 : self.height // 2, left : left + self.width // 4] = random.integers(0, 256, 3)
            yield image

    def _write_pictures(self, folder: Path) -> None:
        folder.mkdir()
        for index, image in enumerate(self._images()):
            Image.fromarray(image).save(folder / f"{index:05d}.jpg", quality=90)
        for index in range(self.group, self.group * self.repeats):
            os.link(folder / f"{index % self.group:05d}.jpg", folder / f"{index:05d}.jpg")

    def _write_video(self, path: Path) -> None:
        one, draft = path.with_suffix(".group.mp4"), path.with_suffix(".draft.mp4")
        options = {"preset": "ultrafast", "bf": "2", "crf": "23", "x264-params": "scenecut=0:open-gop=0"}
        with av.open(str(one), "w") as container:
            stream = container.add_stream("libx264", rate=30, options=options)
            stream.height, stream.width, stream.pix_fmt, stream.gop_size = (
                self.height,
                self.width,
                "yuv420p",
                self.group,
            )
            for image in self._images():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
        with av.open(str(one)) as group, av.open(str(draft), "w") as container:
            given = group.streams.video[0]
            copy = container.add_stream_from_template(given)
            packets = [(p.pts, p.dts, p.is_keyframe, bytes(p)) for p in group.demux(given) if p.size]
            length = int(self.group / 30 / given.time_base)
            for repeat in range(self.repeats):
                for pts, dts, key, data in packets:
                    packet = av.Packet(data)
                    packet.pts, packet.dts = pts + repeat * length, dts + repeat * length
                    packet.is_keyframe, packet.time_base, packet.stream = key, Fraction(given.time_base), copy
                    container.mux(packet)
        one.unlink()
        draft.rename(path)


INPUTS = (
    Footage("2 h of video, a key frame every 250", 1080, 1920, 250, 864),
    Footage("2 h of video, a key frame every 1200", 1080, 1920, 1200, 180),
    Footage("20 s of 8K video", 4320, 7680, 30, 20),
    Footage("5000 pictures", 720, 1280, 50, 100, pictures=True),
)


def time_footage(
    output: Path, command: str, repeats: int = 3, folder: Path | None = None, inputs: tuple[Footage, ...] = INPUTS
) -> None:
    """Time reading against PyAV alone, print a table, write a record and a table with peak memory beside it.

    Args:
        output: where the JSON record goes.
        command: the command line, for the record.
        repeats: runs of each arm, in turns.
        folder: where inputs are written and kept; a temporary folder by default.
        inputs: what to read.
    """
    with tempfile.TemporaryDirectory() as temporary:
        paths = {one.name: one.write(folder or Path(temporary)) for one in track(inputs, "write inputs")}
        races, memory = [], {}
        for name, path in paths.items():
            runs: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
            for _ in track(range(repeats), name):
                for arm, code in ARMS.items():
                    runs[arm].append(_run(code, path))
            reading = {arm: [run["read"] for run in those] for arm, those in runs.items()}
            races.append(Race(f"read {FRAMES} frames: {name}", reading, 1 / MOST_TIME))
            memory[name] = {
                arm: {key: median(run[key] for run in those) for key in ("read", "import", "whole", "peak")}
                for arm, those in runs.items()
            }
    print_races(races)
    config = {"frames": FRAMES, "repeats": repeats, "processes": memory}
    write_races(output, command, races, collect_manifest(config))
    table = footage_table(memory)
    write_text(output.with_suffix(".md"), table)
    print(table)


def footage_table(memory: dict[str, dict[str, dict[str, float]]]) -> str:
    """Lay out medians as Markdown: time to read, to import and of the process, peak of its resident memory."""
    lines = [
        "| input | read, s | PyAV alone, s | ratio | imports, s | ask, s | ask, peak GB | PyAV alone, peak GB |",
        "|" + " --- |" * 8,
    ]
    for name, arms in memory.items():
        ours, alone = arms["region4d"], arms["PyAV alone"]
        numbers = (
            ours["read"],
            alone["read"],
            ours["read"] / alone["read"],
            ours["import"],
            ours["whole"],
            ours["peak"],
            alone["peak"],
        )
        lines.append(f"| {name} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |")
    lines.append(f"| aim | | | {MOST_TIME:g} | | | {MOST_MEMORY:g} | |")
    return "\n".join(lines) + "\n"


def _run(code: str, path: Path) -> dict[str, float]:
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(FRAMES)],
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"reading {path} failed: {done.stderr.strip()}")
    numbers: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if numbers["frames"] != FRAMES:
        raise RuntimeError(f"{path} gave {numbers['frames']:g} frames, expected {FRAMES}")
    return numbers
