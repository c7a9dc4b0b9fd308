"""Pictures and other files as data URLs, which a page has inside."""

from __future__ import annotations

import base64
import io

from PIL import Image


def data_url(kind: str, data: bytes) -> str:
    """Write the bytes of a file of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def jpeg_url(picture: Image.Image, quality: int = 85) -> str:
    """Write a picture as JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return data_url("image/jpeg", file.getvalue())
