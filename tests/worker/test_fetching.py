"""What strangers may make a worker fetch: pictures on the public internet, of a reasonable size, and nothing else."""

from __future__ import annotations

import asyncio
import io
import socket
import struct
import zlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from PIL import Image

from tests.worker.conftest import picture
from worker import fetching
from worker.fetching import LONGEST_SIDE, LinkRefused, decode_picture, fetch, is_public


def png(side: int = 8, colour: str = "red", mode: str = "RGB") -> bytes:
    """A plain PNG file."""
    buffer = io.BytesIO()
    Image.new(mode, (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """The origin of a web server on this machine."""

    redirects = {
        "/here.png": "/a.png",
        "/round.png": "/round.png",
        "/inside.png": "https://169.254.169.254/latest/meta-data",
        "/plain.png": "http://example.org/a.png",
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/a.png":
                return web.Response(body=png())
            case "/echo.png":
                return web.Response(body=str(request.headers).encode())
            case "/claims.png":
                return web.Response(headers={"Content-Length": str(2**40)})
            case "/endless.png":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(fetching.MAX_BYTES // 2**20 + 8):
                    await response.write(bytes(2**20))
                return response
            case path if path in redirects:
                return web.Response(status=302, headers={"Location": redirects[path]})
        return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def fetched(url: str, *trusted: str) -> bytes:
    """Fetch from another thread, as a slot does."""
    return await asyncio.to_thread(fetch, url, trusted)


async def reason(url: str, *trusted: str) -> str:
    """Why a link is refused."""
    with pytest.raises(LinkRefused) as caught:
        await fetched(url, *trusted)
    return str(caught.value)


# ── where ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_operators_own_stand_in_is_trusted(host: str) -> None:
    """The sandbox's pictures may be used as prompts, redirects within it included."""
    assert await fetched(f"{host}/a.png", host) == png()
    assert await fetched(f"{host}/here.png", host) == png()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/a.png", "only https"),
        ("ftp://example.org/a.png", "only https"),
        ("file:///etc/passwd", "only https"),
        ("https:///a.png", "only https"),
        ("https://me:secret@example.org/a.png", "user name"),
        ("https://example.org:6379/a.png", "port"),
        ("https://127.0.0.1/a.png", "private network"),
        ("https://127.1/a.png", "private network"),
        ("https://2130706433/a.png", "private network"),
        ("https://0x7f000001/a.png", "private network"),
        ("https://[::1]/a.png", "private network"),
        ("https://[::ffff:10.0.0.1]/a.png", "private network"),
        ("https://169.254.169.254/latest.png", "private network"),
        ("https://localhost/a.png", "private network"),
    ],
)
async def test_private_places_are_refused(url: str, words: str) -> None:
    """No other scheme, no credentials, no port, no address inside the operator's network however it is written."""
    assert words in await reason(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::", False),
        ("ff02::1", False),
        ("::ffff:192.168.0.1", False),
        ("2002:c0a8:0001::", False),
        ("64:ff9b::a00:1", False),
        ("example.org", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    """Addresses that carry a private one inside (mapped, 6to4, NAT64) are not public either."""
    assert is_public(address) is public


async def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS answers with a private address among public ones: nothing is connected to."""

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in ("93.184.216.34", "10.0.0.7")
        ]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    assert "private network" in await reason("https://rebound.example/a.png")


async def test_redirects_are_checked_like_first_links(host: str) -> None:
    """A trusted or public host cannot send the worker inside, down to http, or in circles."""
    assert "private network" in await reason(f"{host}/inside.png", host)
    assert "only https" in await reason(f"{host}/plain.png", host)
    assert "redirects more than" in await reason(f"{host}/round.png", host)


async def test_trust_is_for_one_origin(host: str) -> None:
    """Another port of the same machine is not the stand-in."""
    port = int(host.rpartition(":")[2])
    assert "only https" in await reason(f"http://127.0.0.1:{port + 1}/a.png", host)


# ── how much ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_bytes_are_limited_whatever_the_host_claims(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A length that is too large is not read at all; a body without a length is cut off."""
    monkeypatch.setattr(fetching, "MAX_BYTES", 3 * 2**20)
    assert "larger than 3 MiB" in await reason(f"{host}/claims.png", host)
    assert "larger than 3 MiB" in await reason(f"{host}/endless.png", host)


async def test_missing_pictures_and_silent_hosts_are_named(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expired link, and a host that is not there."""
    assert "answered 404: not found" in await reason(f"{host}/gone.png", host)
    port = int(host.rpartition(":")[2])
    nobody = f"http://127.0.0.1:{port}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert "cannot be reached" in await reason(f"{nobody}/a.png", nobody)


async def test_nothing_of_ours_is_sent_along(host: str) -> None:
    """No cookies, no authorisation, and no compression that could blow up."""
    headers = (await fetched(f"{host}/echo.png", host)).decode().lower()
    assert "authorization" not in headers
    assert "cookie" not in headers
    assert "'accept-encoding': 'identity'" in headers


# ── what ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    """A few bytes that claim 100,000 pixels a side: only the header is looked at."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    for side in (7_000, 10_000, 100_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        with pytest.raises(LinkRefused, match="megapixels"):
            decode_picture(
                b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
            )


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", png()[:50], b"BM" + bytes(100)])
def test_other_files_are_refused(data: bytes) -> None:
    """Text, half files, and formats whose decoders we have no need of."""
    with pytest.raises(LinkRefused, match="no PNG, JPEG, WebP or GIF"):
        decode_picture(data)


def test_pictures_come_out_upright_opaque_and_small_enough() -> None:
    """(H, W, 3) whatever the file was; transparency becomes white."""
    assert np.array_equal(decode_picture(png(8, "#102030")), np.full((8, 8, 3), (16, 32, 48), np.uint8))
    assert np.array_equal(decode_picture(png(8, "#ff000000", "RGBA")), picture(255, 8))
    assert decode_picture(png(8, "white", "L")).shape == (8, 8, 3)
    assert decode_picture(png(3000)).shape == (LONGEST_SIDE, LONGEST_SIDE, 3)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (40, 20)).save(buffer, "JPEG", exif=exif)
    assert decode_picture(buffer.getvalue()).shape == (40, 20, 3)
