"""Targets of footage of one's own on disk: one file a clip, named by the frames that the teacher sees."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from jaxtyping import UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from distill.target_cache import FORMAT, pack, unpack
from distill.teachers.teacher import Targets, Teacher
from scenes.clip import Clip
from scenes.readers.lerobot import split_episode
from scenes.storage.atomic import new_file, write_text
from scenes.storage.cache_key import cache_key
from scenes.storage.locks import locked
from training.annotations.line import Media

DIGITS = 2  # of a name, for the folder that its file lies in


class FootageTargets:
    """What a teacher makes of clips; `targets.of(clip)` reads it.

    The file of a clip is named by a hash of its frames, in a folder named by the teacher and FORMAT: lines that show
    the same frames share it, footage may be moved, and a clip never gets the targets of another. Beside the files lie
    notes, which spare a decoding: the frames that some media had, by names, sizes and times of change of their files.
    Several processes may fill it at once and may be killed; a file under its name is complete.

    Args:
        teacher: makes the targets of frames alone.
        root: folder of all targets.
    """

    def __init__(self, teacher: Teacher, root: str | Path = "outputs/targets") -> None:
        self.teacher = teacher
        self.folder = Path(root) / f"footage-{cache_key('targets', FORMAT, teacher.digest)}"

    def of(self, clip: Clip) -> Targets:
        """Read the targets of a clip.

        Raises:
            FileNotFoundError: there are none of these frames.
            ValueError: their file is damaged.
        """
        path = self._path(frames_digest(clip.video))
        if not path.is_file():
            raise FileNotFoundError(
                f"there are no targets of these frames in {self.folder}; if the media were changed, start the training "
                "again"
            )
        with _open(path) as file:
            return unpack(file, 0)

    def has(self, digest: str) -> bool:
        """Tell whether there are whole targets of the frames with this digest."""
        path = self._path(digest)
        if not path.is_file():
            return False
        try:
            with _open(path):
                return True
        except ValueError:
            return False

    def make(self, clip: Clip, digest: str, wait: bool = False) -> bool:
        """Compute the targets of a clip, unless there are some; False if another process is at it and `wait` is not.

        Raises:
            ValueError: a value does not fit float16, or the teacher does not take the clip.
        """
        path = self._path(digest)
        with locked(path.with_suffix(".lock"), wait) as held:
            if held and not self.has(digest):
                with new_file(path) as draft:
                    save_file(pack([self.teacher.targets(clip)]), draft)
        return held

    def note(self, stamp: str) -> tuple[str, int] | None:
        """Read the digest and number of the frames of media, as noted under their stamp."""
        path = self._note(stamp)
        if not stamp or not path.is_file():
            return None
        digest, count = json.loads(path.read_text())
        return str(digest), int(count)

    def write_note(self, stamp: str, digest: str, count: int) -> None:
        """Note the frames of media under their stamp."""
        if stamp:
            write_text(self._note(stamp), json.dumps([digest, count]))

    def forget(self, stamp: str) -> None:
        """Remove a note that is not true any more."""
        self._note(stamp).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:DIGITS] / f"{digest}.safetensors"

    def _note(self, stamp: str) -> Path:
        return self.folder / "notes" / stamp[:DIGITS] / f"{stamp}.json"


def frames_digest(video: UInt8[Tensor, "time 3 height width"]) -> str:
    """Hash frames to 32 hexadecimal digits."""
    digest = hashlib.blake2b(repr(tuple(video.shape)).encode(), digest_size=16)
    digest.update(video.contiguous().view(-1).numpy().data)
    return digest.hexdigest()


def media_stamp(media: Media, root: Path, frames: int) -> str:
    """Hash what tells cheaply that media are the same as before: their files, and which frames of them are taken.

    Of a folder, sizes and times of change are those of itself and of the folders in it: they change where pictures come
    and go, not where one is written over. "" where a file is missing.
    """
    facts: list[object] = [media.kind, media.frames or frames, media.indices, media.seconds]
    for name in media.paths:
        path = split_episode(root / name)[0]
        if not path.exists():
            return ""
        inner = [entry.path for entry in os.scandir(path) if entry.is_dir()] if path.is_dir() else []
        stats = [(each, os.stat(each)) for each in (str(path.resolve()), *sorted(inner))]
        facts += [name, [(each, stat.st_size, stat.st_mtime_ns) for each, stat in stats]]
    return cache_key("media", FORMAT, *facts)


def _open(path: Path) -> safe_open:
    try:
        return safe_open(path, "pt")
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): start the training again") from error
