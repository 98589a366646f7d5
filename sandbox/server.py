"""Puts the sandbox on a port of this machine: REST, gateway, files, page."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from sandbox import accounts, answers, channels, commands, interactions, webhooks
from sandbox.api import Api
from sandbox.cdn import add_cdn
from sandbox.control import add_control
from sandbox.core import Sandbox

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
MARKER = "<!--sandbox-config-->"
# Everything comes from this server: the page must work with the network cable pulled out. Nobody may frame it, because
# a press on it is a press by the person whose token it holds.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@asynccontextmanager
async def running(port: int = 0, data: Path | None = None) -> AsyncIterator[Sandbox]:
    """A sandbox that listens on 127.0.0.1 (``port`` 0 picks a free one) until the block is left.

    ``data`` is a folder in which the world outlives the process. OSError if the port is taken.
    """
    sandbox = Sandbox(data)
    runner = web.AppRunner(application(sandbox), access_log=None, shutdown_timeout=2.0, handler_cancellation=False)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    try:
        await site.start()
        sandbox.wire.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield sandbox
    finally:
        # Nobody new is let in before those inside are sent away: a bot comes back at once.
        await site.stop()
        await sandbox.gateway.close()
        await runner.cleanup()
        await sandbox.close()


def application(sandbox: Sandbox) -> web.Application:
    """All routes of one sandbox."""
    app = web.Application(middlewares=[_local_only])
    app.on_response_prepare.append(_guard)
    api = Api(sandbox)
    for module in (accounts, channels, commands, interactions, answers, webhooks):
        api.add(app, module.ROUTES)
    api.add_rest(app)
    add_cdn(app, sandbox)
    add_control(app, sandbox)

    async def root(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await sandbox.gateway.serve(request)
        return _page(sandbox)

    app.router.add_get("/", root)
    if PAGE.is_dir():
        app.router.add_static("/page/", PAGE)
    return app


@web.middleware
async def _local_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Serve only who asked for this machine by name: a foreign page that has its own name point here gets nothing."""
    if request.host.rsplit(":", 1)[0] not in (HOST, "localhost"):
        return web.Response(status=421, text="The sandbox answers on 127.0.0.1 only.")
    return await handler(request)


async def _guard(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer says to browsers; the page's own rules apply to pages only, so they may go everywhere."""
    sockets = f"ws://{request.host} wss://{request.host}"  # not every browser counts them to 'self'
    response.headers.setdefault("Content-Security-Policy", POLICY.format(sockets=sockets))
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")


def _page(sandbox: Sandbox) -> web.Response:
    """The page, told who its two people are."""
    file = PAGE / "index.html"
    if not file.is_file():
        return web.Response(text="The sandbox is running. Its page is not installed.")
    users = [{"id": u.id, "username": u.username, "token": u.token} for u in sandbox.world.people]
    config = {
        "users": users,
        "guild_id": sandbox.guild_id,
        "channel_id": sandbox.channel_id,
        "application_id": sandbox.application_id,
        "gateway_url": sandbox.gateway_url,
    }
    script = f'<script type="application/json" id="sandbox-config">{json.dumps(config)}</script>'
    html = file.read_text(encoding="utf-8").replace(MARKER, script)
    return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})
