"""Opening a video file: local files alone, the stream that is shown, and bounded memory of the decoder."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path

import av

PLAYLISTS = frozenset({"concat", "dash", "hls", "imf", "rtsp", "sdp", "webm_dash_manifest"})
THREADED_BYTES = 160 << 20  # of the frames that the threads of a decoder hold at once: one of 8K, six of 4K
BYTES_PER_PIXEL = 3  # of 10-bit 4:2:0; few have more


def open_video(path: Path) -> tuple[av.container.InputContainer, av.VideoStream]:
    """Open a file and choose its video stream: the default one, else the largest; never a cover picture.

    The name is that of a local file, whatever it looks like (`rec:12:30.mp4`, `http:a.mp4`).

    Raises:
        ValueError: the file is not a video, it has sound alone, or it is a playlist.
    """
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be read as a video: {error.strerror}") from error
    try:
        stream = _choose_stream(container, path)
    except ValueError:
        container.close()
        raise
    stream.thread_type = "AUTO"
    pixels = max(1, stream.codec_context.width * stream.codec_context.height)
    stream.thread_count = max(1, min(os.cpu_count() or 1, 16, THREADED_BYTES // (BYTES_PER_PIXEL * pixels)))
    return container, stream


def decode(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    intact: bool = True,
    wanted: Container[int] | None = None,
    to_damage: bool = False,
) -> Iterator[av.VideoFrame]:
    """Decode in order of presentation, without damaged frames and those predicted from them (to the next key frame).

    Start with `intact` False after a jump, which may land between key frames. Where only the times `wanted` matter,
    H.264 frames that no other frame is predicted from are not decoded. `to_damage` ends before the first damage.
    """
    skips = wanted is not None and stream.codec_context.name == "h264"
    packets, follows = container.demux(stream), False
    while True:
        try:
            packet = next(packets)
            if skips and wanted is not None:  # the second field of an interlaced frame may be a packet of its own
                matters = packet.pts in wanted
                stream.codec_context.skip_frame = "DEFAULT" if matters or follows else "NONREF"
                follows = matters
            decoded = packet.decode()
        except StopIteration:
            return
        except av.FFmpegError:  # the next packet may be readable, and the last one flushes the decoder
            intact = False
            if to_damage:
                return
            continue
        for frame in decoded:
            intact = not frame.is_corrupt and (intact or frame.key_frame)
            if intact:
                yield frame
            elif to_damage:
                return


def _choose_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if PLAYLISTS & set(container.format.name.split(",")):
        raise ValueError(f"{path} is a playlist ({container.format.name}), not a video; give one of the files it names")
    videos = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not videos:
        inside = ["sound"] * bool(container.streams.audio) + ["a cover picture"] * bool(container.streams.video)
        raise ValueError(f"no video in {path}{', only ' * bool(inside)}{' and '.join(inside)}")
    if not (videos := [stream for stream in videos if stream.codec_context is not None]):
        raise ValueError(
            f"the codec of the video in {path} is unknown: the file is damaged, or write it again as H.264"
        )

    def preference(stream: av.VideoStream) -> tuple[bool, int]:
        default = bool(stream.disposition & av.stream.Disposition.default)
        return default, stream.codec_context.width * stream.codec_context.height

    return max(videos, key=preference)
