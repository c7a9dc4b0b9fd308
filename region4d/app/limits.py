"""What the server takes and allows: requests of a bounded size, pages that ask no other host."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException

ROOM = 1 << 20  # bytes of a request beside the file in it
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob: data:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob: data:; "
    "frame-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


class Limits:
    """ASGI middleware: refuses requests with too many bytes, and tells browsers to ask no other host."""

    def __init__(self, app: Any, max_bytes: int) -> None:
        self.app, self.most = app, max_bytes + ROOM

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        claimed = dict(scope["headers"]).get(b"content-length", b"0")
        if not claimed.isdigit() or int(claimed) > self.most:
            await self._refuse(send)
            return
        received = 0

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most:
                raise HTTPException(413, self._reason)
            return message

        async def headed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"content-security-policy", POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self.app(scope, counted, headed)

    @property
    def _reason(self) -> str:
        return f"this server takes at most {(self.most - ROOM) >> 20} MB; send a smaller file"

    async def _refuse(self, send: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"detail": self._reason}).encode()})
