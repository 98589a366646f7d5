"""What strangers may make a worker fetch: pictures on the public internet, of a reasonable size, and nothing else."""

from __future__ import annotations

import gzip
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from worker import fetching
from worker.fetching import LinkRefused, agent, fetch, is_public

FILE = b"a picture"


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
                return web.Response(body=FILE)
            case "/echo.png":
                return web.Response(body=str(request.headers).encode())
            case "/packed.png":
                return web.Response(body=gzip.compress(FILE), headers={"Content-Encoding": "gzip"})
            case "/bomb.png":
                return web.Response(body=gzip.compress(bytes(2**24)), headers={"Content-Encoding": "gzip"})
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


async def reason(url: str, *trusted: str) -> str:
    """Why a link is refused."""
    with pytest.raises(LinkRefused) as caught:
        await fetch(url, trusted)
    return caught.value.reason


# ── where ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_operators_own_stand_in_is_trusted(host: str) -> None:
    """The sandbox's pictures may be used as prompts, redirects within it included."""
    assert await fetch(f"{host}/a.png", [host]) == FILE
    assert await fetch(f"{host}/here.png", [host]) == FILE


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/a.png", "not_https"),
        ("ftp://example.org/a.png", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("https:///a.png", "not_https"),
        ("https://me:secret@example.org/a.png", "user_or_port"),
        ("https://example.org:6379/a.png", "user_or_port"),
        ("https://127.0.0.1/a.png", "private"),
        ("https://[::1]/a.png", "private"),
        ("https://[::ffff:10.0.0.1]/a.png", "private"),
        ("https://[64:ff9b::a00:1]/a.png", "private"),
        ("https://169.254.169.254/latest.png", "private"),
        ("https://localhost/a.png", "private"),
        ("https://redis/a.png", "private"),
        ("https://[fe80::1%25eth0]/a.png", "private"),
        ("https://[2606:4700::1111%25eth0]/a.png", "private"),
    ],
)
async def test_private_places_are_refused(url: str, words: str) -> None:
    """No other scheme, no credentials, no port, no address inside the operator's network, no zone of a machine."""
    assert await reason(url) == words


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "localhost.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "８.８.８.８",
        "08.8.8.8",
        "[2606:4700:0:0:0:0:0:1111]",
        "example..org",
        ".example.org",
        "example.123",
        "a" * 64 + ".org",
        "exa mple.org",
        "example.org\\@127.0.0.1",
    ],
)
async def test_hosts_are_written_as_hosts_are(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short, octal, hexadecimal, full-width and percent forms are refused by us, before any resolver sees them."""

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise AssertionError(f"{host} was looked up")

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    assert await reason(f"https://{host}/a.png")


@pytest.mark.parametrize(
    "host", ["example.org", "EXAMPLE.org", "my_bucket.s3.example.org", "bücher.example", "xn--p1ai.рф"]
)
async def test_ordinary_names_are_looked_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Capitals, underscores and other scripts are what hosts are written with."""
    asked: list[str] = []

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        asked.append(host)
        raise OSError("nobody here")

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    assert await reason(f"https://{host}/a.png") == "unreachable"
    assert len(asked) == 1


async def test_what_answers_is_what_was_checked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose private address got past the resolver: no socket is made for it."""
    port = int(host.rpartition(":")[2])

    async def resolve(self: object, host: str, port: int = port, family: int = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    monkeypatch.setattr(fetching, "_PublicResolver", lambda: ThreadedResolver())
    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    assert await reason("https://example.org/a.png") == "private"


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
        ("::10.0.0.1", False),
        ("2606:4700::1111%eth0", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::808:808", False),
        ("3fff::1", False),
        ("192.88.99.1", False),
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
    assert await reason("https://rebound.example/a.png") == "private"


async def test_redirects_are_checked_like_first_links(host: str) -> None:
    """A trusted or public host cannot send the worker inside, down to http, or in circles."""
    assert await reason(f"{host}/inside.png", host) == "private"
    assert await reason(f"{host}/plain.png", host) == "not_https"
    assert await reason(f"{host}/round.png", host) == "redirects"


async def test_trust_is_for_one_origin(host: str) -> None:
    """Another port of the same machine is not the stand-in."""
    port = int(host.rpartition(":")[2])
    assert await reason(f"http://127.0.0.1:{port + 1}/a.png", host) == "not_https"


# ── how much ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_compressed_answer_is_unpacked_within_the_limit(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hosts compress although they were asked not to; a small file that unpacks to a giant stays refused."""
    assert await fetch(f"{host}/packed.png", [host]) == FILE
    monkeypatch.setattr(fetching, "MAX_BYTES", 2**20)
    assert await reason(f"{host}/bomb.png", host) == "too_large"


async def test_bytes_are_limited_whatever_the_host_claims(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A length that is too large is not read at all; a body without a length is cut off."""
    monkeypatch.setattr(fetching, "MAX_BYTES", 3 * 2**20)
    assert await reason(f"{host}/claims.png", host) == "too_large"
    assert await reason(f"{host}/endless.png", host) == "too_large"


async def test_missing_pictures_and_silent_hosts_are_named(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expired link, and a host that is not there."""
    assert await reason(f"{host}/gone.png", host) == "status_404"
    port = int(host.rpartition(":")[2])
    nobody = f"http://127.0.0.1:{port}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert await reason(f"{nobody}/a.png", nobody) == "unreachable"


async def test_nothing_of_ours_is_sent_along(host: str) -> None:
    """No cookies, no authorisation, and no compression that could blow up."""
    headers = (await fetch(f"{host}/echo.png", [host])).decode().lower()
    assert "authorization" not in headers
    assert "cookie" not in headers
    assert "'accept-encoding': 'identity'" in headers


async def test_hosts_are_told_who_asks(host: str) -> None:
    """By a name that is no library's, with the operator's contact, which some hosts ask of every robot."""
    headers = (await fetch(f"{host}/echo.png", [host], contact="https://example.org/bot")).decode()
    assert agent("https://example.org/bot") in headers
    assert "EaselBot" in agent()
    assert "aiohttp" not in headers.lower()
    assert "image/png" in headers
    assert "*/*" in headers
