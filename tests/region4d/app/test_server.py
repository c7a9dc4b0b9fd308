"""The app as a visitor's program reaches it, without a browser."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from region4d.app.marks import to_canvas
from region4d.app.opening import KnownQuestion, open_world
from region4d.app.systems import System
from region4d.app.work import THREAD
from tests.support.clips.footage import write_footage
from tests.support.floor import floor_pixels, on_floor

try:
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError
except ImportError:
    pytest.skip("needs gradio, of the extra app", allow_module_level=True)


PATIENCE = 60  # seconds for a request; the client's own 5 are too few where other tests take the cores
LARGEST_OF_WORLD_6 = [{"region": 0, "frame": 0, "box": [69, 58, 146, 160]}]


def visitor(site: str) -> Client:
    return Client(site, verbose=False, httpx_kwargs={"timeout": PATIENCE})


def boxes(*corners: tuple[int, int, int, int]) -> list[dict[str, object]]:
    """Draw boxes on the first frame, one a region."""
    return [{"region": k, "frame": 0, "box": list(box)} for k, box in enumerate(corners)]


def short(known: list[KnownQuestion]) -> KnownQuestion:
    return next(each for each in known if each.text == "How tall is <region0>?")


def test_a_world_is_answered_by_both_models_with_the_truth(site: str) -> None:
    known = short(list(open_world(6, 4, False).questions))
    client = visitor(site)
    client.predict(6, 4, False, api_name="/open_world")
    cards, scene = client.predict(to_canvas(known.marks), known.text, api_name="/ask")
    assert f"<b>Exact answer</b> {known.truth}" in cards
    assert cards.count('class="r4d-answer"') == 2
    assert "sr3d_tiny_3d" in cards
    assert "sr3d_tiny_2d" in cards
    assert 'sandbox="allow-scripts"' in scene


def test_two_visitors_do_not_see_each_others_footage(site: str) -> None:
    one, other = visitor(site), visitor(site)
    one.predict(6, 4, False, api_name="/open_world")
    known = short(list(open_world(6, 4, False).questions))
    with pytest.raises(AppError, match="there is no footage"):
        other.predict(to_canvas(known.marks), known.text, api_name="/ask")
    other.predict(3, 2, False, api_name="/open_world")
    cards, _ = other.predict(boxes((50, 50, 90, 90)), known.text, api_name="/ask")
    assert "Exact answer" not in cards
    assert "2 frames of 320x240" in cards
    cards, _ = one.predict(to_canvas(known.marks), known.text, api_name="/ask")
    assert known.truth in cards
    assert "4 frames of 320x240" in cards


def test_an_upload_is_answered_and_none_of_its_bytes_stay(site: str, tmp_path: Path) -> None:
    client = visitor(site)
    path = write_footage(tmp_path / "clip.mp4", [0, 40, 80, 120])
    client.predict(handle_file(str(path)), 4, api_name="/open_upload")
    cards, _ = client.predict(boxes((10, 10, 50, 50)), "How tall is <region0>?", api_name="/ask")
    assert "no depth: colours alone" in cards
    files = Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*")
    left = [each for each in files if each.is_file() and each.name != "lifted.glb"]  # of tests before
    assert sum(each.stat().st_size for each in left) == 0  # gradio leaves empty files behind


def test_a_text_file_named_mp4_is_one_clear_message(site: str, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("these are notes\n")
    with pytest.raises(AppError, match=r"^'notes.mp4' cannot be read as a video: [^\n]*$"):
        visitor(site).predict(handle_file(str(tmp_path / "notes.mp4")), 4, api_name="/open_upload")


def test_a_video_of_two_hours_is_one_clear_message(site: str, tmp_path: Path) -> None:
    path = write_footage(tmp_path / "long.mp4", [0, 40, 7_200_000])
    with pytest.raises(AppError, match=r"^'long.mp4' lasts 7200 s; this server takes 60 s: cut it$"):
        visitor(site).predict(handle_file(str(path)), 4, api_name="/open_upload")


def test_two_points_are_measured_beside_the_answers_of_both_models(site: str) -> None:
    clip = open_world(6, 4, False).clip
    ends = floor_pixels(clip, 2)
    one, other = (on_floor(clip, 2, *end) for end in ends)
    client = visitor(site)
    client.predict(6, 4, False, api_name="/open_world")
    marks = [{"region": k, "frame": 2, "point": list(end)} for k, end in enumerate(ends)]
    card, scene = client.predict(marks, api_name="/measure")
    assert f"{float((one - other).norm()):#.3g} m" in card
    assert card.count('class="r4d-time"') == 2
    assert "discs around the two points" in card
    assert "<iframe" in scene
    with pytest.raises(AppError, match="there is no footage"):
        visitor(site).predict(marks, api_name="/measure")


def test_clicks_are_segmented_before_they_are_asked_about(site: str) -> None:
    client = visitor(site)
    client.predict(6, 2, False, api_name="/open_world")
    clicks = [{"region": 0, "frame": 0, "click": [160, 140]}]
    with pytest.raises(AppError, match="no segmenter has made a mask"):
        client.predict(clicks, "How tall is <region0>?", api_name="/ask")
    marks = client.predict(clicks, api_name="/segment")
    assert [mark for mark in marks if "mask" in mark]
    cards, _ = client.predict(marks, "How tall is <region0>?", api_name="/ask")
    assert cards.count('class="r4d-answer"') == 2


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd"])
def test_a_path_outside_of_the_folders_is_refused(site: str, path: str) -> None:
    with pytest.raises(AppError, match="is not inside the folders"):
        visitor(site).predict(path, 4, api_name="/open_folder")


def test_a_folder_of_the_server_is_opened_and_none_of_its_files_is_served(site: str, rooms: Path) -> None:
    client = visitor(site)
    opened = client.predict("world-2", 4, api_name="/open_folder")
    assert "RGB-D folder" in opened
    assert reply(site, "GET", f"/gradio_api/file={rooms / 'red.png'}")[0] == 403


def test_a_claim_of_ten_gigabytes_is_refused_before_it_is_sent(site: str) -> None:
    status, text, _ = reply(site, "POST", "/gradio_api/upload", {"Content-Length": str(10 << 30)})
    assert status == 413
    assert "at most 8 MB" in text


def test_more_bytes_than_the_limit_are_refused_without_a_claim(site: str) -> None:
    address = urlsplit(site)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request("POST", "/gradio_api/queue/join", (b" " * 2**20 for _ in range(10)), encode_chunked=True)
    assert connection.getresponse().status == 413


def test_pages_tell_the_browser_to_ask_no_other_host(site: str) -> None:
    _, _, headers = reply(site, "GET", "/")
    policy = str(headers["content-security-policy"])
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_the_server_listens_on_loopback(site: str) -> None:
    assert urlsplit(site).hostname == "127.0.0.1"


@pytest.mark.parametrize("value", [[[0, 0, 1, 2]], "boxes", [{"region": 0, "frame": 99, "box": [1, 1, 5, 5]}]])
def test_malformed_regions_are_one_message(site: str, value: object) -> None:
    client = visitor(site)
    client.predict(6, 1, False, api_name="/open_world")
    with pytest.raises(AppError, match="region"):
        client.predict(value, "How tall is <region0>?", api_name="/ask")


def test_the_worlds_page_shows_objects_pictures_and_points(site: str) -> None:
    pictures, scene = visitor(site).predict(3, 2, True, api_name="/world")
    for part in ("<th>object</th>", "data:image/png;base64,", "data:video/mp4;base64,"):
        assert part in pictures
    assert "<iframe" in scene


def test_a_lift_that_is_cancelled_ends_on_the_server_too(site: str) -> None:
    client = visitor(site)
    client.predict(6, 1, False, api_name="/open_world")
    job = client.submit(LARGEST_OF_WORLD_6, "thorough", api_name="/lift")
    end = time.monotonic() + 30
    while not job.outputs():  # how far it is
        assert time.monotonic() < end
        time.sleep(0.02)
    job.cancel()
    while any(thread.name == THREAD for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert 'role="progressbar"' in job.outputs()[-1][0]  # and not the card of a lifted object


@pytest.mark.long
def test_an_object_is_lifted_and_its_file_is_that_of_this_visitor(site: str) -> None:
    client = visitor(site)
    client.predict(6, 4, False, api_name="/open_world")
    card, pictures, scene, download = client.predict(LARGEST_OF_WORLD_6, "quick", api_name="/lift")
    assert "<b>Exact</b>" in card
    assert "depth: exact, of the world (metric)" in card
    assert "expected overlap" in card
    assert pictures.count("data:image/jpeg;base64,") == 2
    assert 'title="The mesh in the points"' in scene
    assert Path(download["value"]).read_bytes()[:4] == b"glTF"


def test_a_lift_without_a_mark_or_footage_is_one_message(site: str) -> None:
    client = visitor(site)
    with pytest.raises(AppError, match="there is no footage"):
        client.predict(LARGEST_OF_WORLD_6, "quick", api_name="/lift")
    client.predict(6, 1, False, api_name="/open_world")
    with pytest.raises(AppError, match="no object is marked; draw a region"):
        client.predict([], "quick", api_name="/lift")


def test_a_world_is_probed_at_the_layer_that_is_asked_for(site: str) -> None:
    client = visitor(site)
    client.predict(6, 8, False, api_name="/open_world")
    errors, depth, scene, features, _ = client.predict("video_mae", 2, api_name="/probe")
    assert "from layer 2 by a linear head" in errors
    assert "<th>without looking</th>" in errors
    assert depth.count("<img") == 16
    assert 'title="true points and predicted points"' in scene
    assert features.count("<b>layer ") == 12
    with pytest.raises(AppError, match="dino is not in the list of choices"):
        client.predict("dino", None, api_name="/probe")


def reply(site: str, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    """Send a request without a body."""
    address = urlsplit(site)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.putrequest(method, path)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return response.status, response.read().decode(errors="replace"), {k.lower(): v for k, v in response.getheaders()}


def test_an_answer_that_is_cancelled_ends_before_its_last_word(
    site: str, systems: list[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    ended = threading.Event()

    def words(*_: object) -> Iterator[str]:
        try:
            for number in range(300):
                time.sleep(0.1)
                said.append(f"word {number}")
                yield " ".join(said)
        finally:
            ended.set()

    client = visitor(site)
    client.predict(6, 4, False, api_name="/open_world")
    monkeypatch.setattr(systems[0].answerer, "stream", words)
    job = client.submit(boxes((41, 33, 69, 85)), "How tall is <region0>?", api_name="/ask")
    end = time.monotonic() + 30
    while not any("word 0" in cards for cards, *_ in job.outputs()):
        assert time.monotonic() < end
        time.sleep(0.05)
    job.cancel()
    assert ended.wait(20)
    assert len(said) < 300
