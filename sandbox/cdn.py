"""Files out and in: signed links that expire, default avatars, and the slots that people's clients fill."""

import asyncio
import hmac
import mimetypes
from urllib.parse import unquote

from aiohttp import web

from sandbox.core import Sandbox
from sandbox.images import measure, square

GONE = "This content is no longer available."
COLORS = ((88, 101, 160), (116, 127, 141), (60, 140, 110), (200, 150, 60), (190, 80, 80), (170, 90, 150))


def _part(request: web.Request, data: bytes, headers: dict[str, str]) -> web.Response:
    """The file, or the range of it that a player asks for when somebody jumps about in a video."""
    if "Range" not in request.headers:
        return web.Response(body=data, headers=headers)
    try:
        start, stop, _ = request.http_range.indices(len(data))
    except ValueError:
        start, stop = 0, 0
    if start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    headers = headers | {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
    return web.Response(status=206, body=data[start:stop], headers=headers)


def add_cdn(app: web.Application, sandbox: Sandbox) -> None:
    """Serve ``/attachments``, ``/uploads`` and ``/embed/avatars``."""

    async def attachment(request: web.Request) -> web.Response:
        path = unquote(request.path)
        expires, since = request.query.get("ex", ""), request.query.get("is", "")
        mark = sandbox.wire.signature(path, expires, since)
        signed = hmac.compare_digest(mark.encode(), request.query.get("hm", "").encode())
        if not signed or int(expires, 16) < sandbox.clock.now():
            return web.Response(status=404, text=GONE)
        fault = sandbox.faults.next(request.method, path, by="link")
        if fault is not None and fault.kind == "status":
            return web.Response(status=fault.status)
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        data = sandbox.store.read_blob(request.match_info["attachment"])
        if data is None:
            return web.Response(status=404, text=GONE)
        image = measure(data)
        kind = image.content_type if image else mimetypes.guess_type(path)[0] or "application/octet-stream"
        # An uploaded page must not run beside the sandbox's own, which knows tokens.
        headers = {"Content-Type": kind, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        headers |= {"Cache-Control": "private, max-age=3600", "Accept-Ranges": "bytes"}
        if image is None:
            headers["Content-Disposition"] = "attachment"
        return _part(request, data, headers)

    async def upload(request: web.Request) -> web.Response:
        slot = sandbox.uploads.slot(request.match_info["name"])
        if slot is None:
            return web.Response(status=404, text="No such upload.")
        data = bytearray()
        async for chunk in request.content.iter_chunked(1 << 16):
            data += chunk
            if len(data) > sandbox.limits.file_bytes:
                return web.Response(status=413, text="The file is too large.")
        slot.data = bytes(data)
        return web.Response(status=200)

    async def avatar(request: web.Request) -> web.Response:
        color = COLORS[int(request.match_info["index"]) % len(COLORS)]
        return web.Response(body=square(*color), content_type="image/png")

    app.router.add_get(r"/attachments/{channel:\d+}/{attachment:\d+}/{filename}", attachment)
    app.router.add_put("/uploads/{name:.+}", upload)
    app.router.add_get(r"/embed/avatars/{index:\d+}.png", avatar)
