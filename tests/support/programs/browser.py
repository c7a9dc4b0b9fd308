"""A headless Chromium, driven over its DevTools protocol, that remembers which hosts its pages asked."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

FLAGS = (
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist", "--remote-debugging-port=0", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--hide-scrollbars",
)  # fmt: skip
PATIENCE = 60.0  # seconds


class Browser:
    """One tab. `asked` lists the addresses that its pages requested, the frames in them and their workers included."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.number = 0
        self.asked: list[str] = []
        self.said: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self.call("Target.setAutoAttach", **attach)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its result."""
        number = self._send(method, session, **parameters)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            message = json.loads(self.socket.recv(timeout=PATIENCE))
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self._hear(message)
        raise AssertionError(f"no answer to {method}")

    def _send(self, method: str, session: str | None = None, **parameters: Any) -> int:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        return self.number

    def _hear(self, message: dict[str, Any]) -> None:
        heard = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(heard["request"]["url"])
        elif message.get("method") == "Network.webSocketCreated":
            self.asked.append(heard["url"])
        elif message.get("method") == "Target.attachedToTarget":
            self._send("Network.enable", heard["sessionId"])
        elif message.get("method") == "Log.entryAdded":
            self.said.append(heard["entry"]["text"])

    @property
    def hosts(self) -> set[str]:
        """The hosts that were asked; addresses within the page (data:, blob:) have none."""
        return {urlsplit(url).netloc for url in self.asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}

    def go(self, address: str) -> None:
        """Open a page."""
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, script: str, what: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < end, f"{what}: not within {PATIENCE:.0f} s; the browser said {self.said}"
            time.sleep(0.1)

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """Set the size of the window and the colour scheme that its visitor prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def wait_fits(self, width: int) -> None:
        """Wait until nothing reaches beyond the width of the page; gradio moves tabs into a menu after a resize."""
        self.wait(f"document.documentElement.scrollWidth <= {width}", f"a page of {width} pixels")

    def click(self, text: str) -> None:
        """Click the last visible button with this text."""
        found = (
            f"[...document.querySelectorAll('button')].findLast(b => b.offsetParent && b.innerText.trim() === {text!r})"
        )
        self.wait(found, f"a button {text!r}")
        self.run(f"{found}.click()")

    def drag(self, selector: str, *path: tuple[float, float], touch: bool = False) -> None:
        """Drag over an element along shares of its width and height, by the mouse or a finger; one of them: click."""
        self.run(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        box = self.run(
            f"(b => [b.x, b.y, b.width, b.height])(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        places = [{"x": box[0] + across * box[2], "y": box[1] + down * box[3]} for across, down in path]
        if touch:
            for kind, place in zip(("touchStart", *["touchMove"] * (len(path) - 1)), places, strict=True):
                self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[place])
            self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        steps = [
            ("mousePressed", places[0]),
            *(("mouseMoved", place) for place in places),
            ("mouseReleased", places[-1]),
        ]
        for kind, place in steps:
            self.call("Input.dispatchMouseEvent", type=kind, **place, button="left", buttons=1, clickCount=1)

    def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.run(f"document.querySelector({selector!r}).focus()")
        self.call("Input.insertText", text=text)

    def fill(self, selector: str, text: str) -> None:
        """Replace what a field holds."""
        self.wait(f"document.querySelector({selector!r})", f"a field {selector}")
        self.run(f"document.querySelector({selector!r}).select()")
        self.write(selector, text)

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file to upload."""
        self.wait(f"document.querySelector({selector!r})", "a field for files")
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Write what is seen as PNG."""
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Open a tab; the test is skipped, saying so, where there is no Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs a browser: no chromium on this machine (apt-get install chromium)")
    connect = pytest.importorskip("websockets.sync.client", reason="needs websockets, of the extra app").connect
    command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = _port(profile)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as listed:
            (tab,) = [each for each in json.load(listed) if each["type"] == "page"]
        with connect(tab["webSocketDebuggerUrl"], max_size=2**28) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _port(profile: Path) -> int:
    file, end = profile / "DevToolsActivePort", time.monotonic() + PATIENCE
    while not file.is_file() or not file.read_text().strip():
        assert time.monotonic() < end, "chromium did not start"
        time.sleep(0.1)
    return int(file.read_text().split()[0])
