"""Links become pictures in a process of their own: within one deadline and its limits, gone when it is cancelled."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from PIL import Image

from tests.worker.conftest import picture
from tests.worker.test_decoding import saved, scan_bomb
from worker.reading import LinkUnreadable, Pixels, Reading, ReadingStopped


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """The origin of a web server on this machine; `/silent.png` answers nothing, `/round/n.png` leads on n times."""
    silence = asyncio.Event()
    files = {
        "/a.png": saved(Image.fromarray(picture(100))),
        "/b.png": saved(Image.fromarray(picture(200))),
        "/page.png": b"<html>",
        "/slow.jpg": scan_bomb(6800, 85),
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/silent.png":
            await silence.wait()
        if request.path.startswith("/round/"):
            await asyncio.sleep(0.5)
            left = int(request.path.removeprefix("/round/").removesuffix(".png"))
            return web.Response(status=302, headers={"Location": f"/round/{left - 1}.png" if left else "/a.png"})
        if request.path not in files:
            return web.Response(status=404)
        return web.Response(body=files[request.path])

    app = web.Application()
    app.router.add_get("/{name:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    silence.set()
    await runner.cleanup()


async def pictures(reading: Reading) -> list[Pixels]:
    """Wait as a slot's thread does."""
    return await asyncio.to_thread(reading.result)


async def reason(reading: Reading) -> tuple[str, str]:
    """The link that is refused, its path alone, and why."""
    with pytest.raises(LinkUnreadable) as caught:
        await pictures(reading)
    return "/" + caught.value.link.split("/", 3)[3], caught.value.reason


async def test_pictures_come_in_the_order_of_their_links(host: str) -> None:
    """Also the same one twice."""
    names = ("b", "a", "b")
    read = await pictures(Reading([f"{host}/{name}.png" for name in names], trusted=[host]))
    assert [int(each[0, 0, 0]) for each in read] == [200, 100, 200]
    assert np.array_equal(read[1], picture(100))


async def test_the_link_at_fault_is_named(host: str) -> None:
    """Missing, no picture, or not to be fetched at all."""
    for bad, words in (("/gone.png", "status_404"), ("/page.png", "no_picture")):
        where, why = await reason(Reading([f"{host}/a.png", f"{host}{bad}"], trusted=[host]))
        assert where == bad
        assert why == words
    assert (await reason(Reading([f"{host}/a.png"])))[1] == "not_https"


async def test_one_deadline_holds_for_all_links_and_all_redirects(host: str) -> None:
    """Neither a silent host nor one that leads on and on gets more than that, and others do not wait for it."""
    for bad in ("/silent.png", "/round/4.png"):
        reading = Reading([f"{host}/a.png", f"{host}{bad}"], trusted=[host], deadline_s=1.5)
        assert await reason(reading) == (bad, "too_slow")
    where, _ = await reason(Reading([f"{host}/silent.png", f"{host}/gone.png"], trusted=[host]))
    assert where == "/gone.png"


async def test_a_cancel_ends_it_at_once_whatever_it_waits_for(host: str) -> None:
    """A silent host or a picture that takes long: the process is killed."""
    for name in ("silent.png", "slow.jpg"):
        reading = Reading([f"{host}/{name}"], trusted=[host])
        cancelled: list[float] = []

        def cancel(reading: Reading = reading, cancelled: list[float] = cancelled) -> None:
            cancelled.append(time.monotonic())
            reading.cancel()

        threading.Timer(0.9, cancel).start()
        with pytest.raises(ReadingStopped):
            await pictures(reading)
        assert time.monotonic() - cancelled[0] < 1
        reading.cancel()


async def test_time_and_memory_of_decoding_are_limited(host: str) -> None:
    """A picture that needs more is refused; it takes nothing from others."""
    assert await reason(Reading([f"{host}/slow.jpg"], trusted=[host], cpu_s=1)) == (
        "/slow.jpg",
        "too_slow_to_read",
    )
    where, why = await reason(Reading([f"{host}/slow.jpg"], trusted=[host], memory_bytes=240 * 2**20))
    assert where == "/slow.jpg"
    assert why


async def test_the_process_knows_no_secrets(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What strangers send is handled where there is nothing to steal."""
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1/0")
    reading = Reading([f"{host}/silent.png"], trusted=[host])
    try:
        await asyncio.sleep(0.3)
        environment = await asyncio.to_thread(Path(f"/proc/{reading.pid}/environ").read_bytes)
        assert b"secret" not in environment
    finally:
        reading.cancel()
        with pytest.raises(ReadingStopped):
            await pictures(reading)
