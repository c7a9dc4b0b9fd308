"""Opening one picture file: known formats only, a limit on its size, and one clear line for whatever is wrong."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, features

try:
    import pillow_heif
except ImportError:
    pillow_heif = None

IMAGE_SUFFIXES = frozenset(
    {
        ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm",
        ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "PPM", "TIFF", "WEBP", "GIF", "AVIF")  # whatever the suffix
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")  # a file of these may hold frames with times
MAX_PIXELS = 2**28  # 268 million: 800 MB as RGB
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_PAGES = (0, 2)  # TIFF NewSubfileType: a picture, a page; others are thumbnails and masks
_PILLOW_LIMIT = threading.Lock()  # Pillow's own limit on pixels is one global number


class _Silence:
    """Ignores warnings while at least one thread is inside: the filters of `warnings` are global."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


_SILENCE = _Silence()


@contextmanager
def open_picture(path: Path, animated: bool = False) -> Iterator[Image.Image]:
    """Open and decode a picture file; its suffix does not matter. The first frame is decoded.

    Args:
        path: the file.
        animated: allow a file that holds several frames.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ImportError: the file is HEIC, and the extra "heic" is not installed.
        ValueError: the file is not a picture, is damaged, is larger than `MAX_PIXELS`, or holds several pictures.
    """
    if not path.exists():
        raise FileNotFoundError(f"no such picture: {path}")
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file; give a picture")
    formats = _formats(path)
    with decoding(path):
        image = _open_header(path, formats)
    with image:
        _refuse_size(path, image)
        with decoding(path):
            pages = _count_pages(image)
        if image.format in ANIMATED and pages > 1 and not animated:
            raise ValueError(f"{path} holds {pages} frames, where one picture is needed; give it alone, as a clip")
        if image.format == "TIFF" and pages > 1:
            raise ValueError(f"{path} holds {pages} pages, where one picture is needed; save each page as a file")
        with decoding(path):
            image.load()
        yield image


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises for the file at `path` into a ValueError that names it; silence its warnings."""
    try:
        with _SILENCE:
            yield
    except MemoryError as error:
        raise ValueError(f"{path} does not fit the memory of this machine; make the picture smaller") from error
    except OSError as error:
        if error.filename is not None:  # of the file system: no permission, a folder, ...
            raise
        raise ValueError(_unreadable(path)) from error
    except Exception as error:
        raise ValueError(_unreadable(path)) from error


def _unreadable(path: Path) -> str:
    return f"{path} cannot be read as a picture: it is truncated or of another format"


def _formats(path: Path) -> tuple[str, ...]:
    """Name the formats to try; HEIC is read by an optional package."""
    with path.open("rb") as file:
        start = file.read(64)
    if start[4:8] != b"ftyp":
        return FORMATS
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12], *(start[k : k + 4] for k in range(16, length, 4))}
    if brands & _AVIF_BRANDS:
        if not features.check("avif"):
            raise ImportError(f"{path} is AVIF, which this build of Pillow cannot read: install Pillow from PyPI")
        return ("AVIF",)
    if not brands & _HEIF_BRANDS:
        return FORMATS
    if pillow_heif is None:
        raise ImportError(f'{path} is HEIC: to read it, pip install "region4d[heic]", or save it as JPEG or PNG')
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _open_header(path: Path, formats: tuple[str, ...]) -> Image.Image:
    """Read the header without Pillow's own limit, which is below 200 megapixels; `MAX_PIXELS` applies instead."""
    with _PILLOW_LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _refuse_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(
            f"{path} has {image.width}x{image.height} pixels; the limit is {MAX_PIXELS / 1e6:.0f} million pixels: "
            "make the picture smaller"
        )


def _count_pages(image: Image.Image) -> int:
    """Count the pictures of a file; of TIFF, those of the size of the first."""
    count: int = getattr(image, "n_frames", 1)
    if image.format != "TIFF" or count == 1:
        return count
    size, same = image.size, 0
    for page in range(count):
        image.seek(page)
        same += image.size == size and image.tag_v2.get(254, 0) in _PAGES  # type: ignore[attr-defined]
    image.seek(0)
    return max(same, 1)
