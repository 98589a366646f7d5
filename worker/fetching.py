"""Pictures from links that strangers typed: only https, only public addresses, only so many bytes and pixels.

The host's name is resolved once and the connection goes to the addresses that were checked, so a name that changes its
address between check and use gains nothing; every redirect is checked like the first link.
"""

from __future__ import annotations

import asyncio
import io
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urljoin, urlsplit

import aiohttp
import numpy as np
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from numpy.typing import NDArray
from PIL import Image, ImageOps

from contract.errors import EaselError

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_REDIRECTS = 4
TIMEOUT_S = 20.0
LONGEST_SIDE = 1024
"""Pictures are kept no larger than this: no model here looks closer."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class LinkRefused(EaselError):
    """The picture behind a link cannot be had; the text is a clause for the person who typed it."""


def fetch(url: str, trusted: Collection[str] = ()) -> bytes:
    """The bytes behind `url`, at most `MAX_BYTES`. LinkRefused says why not. Blocks for up to `TIMEOUT_S` seconds.

    `trusted` are origins such as `http://127.0.0.1:8911` to which no rule about scheme or address applies: the stand-in
    for Discord that the operator runs.
    """
    return asyncio.run(_fetch(url, frozenset(trusted)))


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """The first frame of a picture file, (H, W, 3), upright, on white, at most `LONGEST_SIDE` a side.

    LinkRefused for other files and for more than `MAX_PIXELS`; the size is known before anything is decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise LinkRefused(f"it has more than {MAX_PIXELS // 1_000_000} megapixels")
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise LinkRefused(f"it has more than {MAX_PIXELS // 1_000_000} megapixels") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's decoders raise all of them for bad files
        raise LinkRefused("it is no PNG, JPEG, WebP or GIF picture, or a damaged one") from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    ground = Image.new("RGBA", upright.size, "white")
    return np.array(Image.alpha_composite(ground, upright).convert("RGB"))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where it carries another one inside."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner: list[ipaddress.IPv4Address | None] = []
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return all(
        one.is_global and not (one.is_multicast or one.is_reserved or one.is_unspecified)
        for one in (ip, *inner)
        if one is not None
    )


class _PrivateAddress(OSError):
    """A name that leads into a private network."""


class _PublicResolver(AbstractResolver):
    """Names to addresses, all of which have to be public; names in `trusted` may lead anywhere."""

    def __init__(self, trusted: Collection[str]) -> None:
        self._resolver = ThreadedResolver()
        self._trusted = trusted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver. _PrivateAddress when any address of the name is not public."""
        found = await self._resolver.resolve(host, port, family)
        if host not in self._trusted and not all(is_public(result["host"]) for result in found):
            raise _PrivateAddress(f"{host} leads into a private network")
        return found

    async def close(self) -> None:
        """See AbstractResolver."""
        await self._resolver.close()


async def _fetch(url: str, trusted: frozenset[str]) -> bytes:
    resolver = _PublicResolver({urlsplit(origin).hostname or "" for origin in trusted})
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        auto_decompress=False,
        trust_env=False,
    )
    async with session:
        try:
            for _ in range(MAX_REDIRECTS + 1):
                _check(url, trusted)
                headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
                async with session.get(url, allow_redirects=False, headers=headers) as answer:
                    if answer.status not in _REDIRECTS:
                        return await _read(answer)
                    url = urljoin(url, answer.headers.get("Location", ""))
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _PrivateAddress):
                raise LinkRefused("it leads into a private network") from error
            raise LinkRefused("its host cannot be reached") from error
        except TimeoutError as error:
            raise LinkRefused(f"its host took longer than {TIMEOUT_S:.0f} seconds") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise LinkRefused("its host does not answer as it should") from error
    raise LinkRefused(f"it redirects more than {MAX_REDIRECTS} times")


def _check(url: str, trusted: frozenset[str]) -> None:
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" in trusted:
        return
    if parts.scheme != "https" or not parts.hostname:
        raise LinkRefused("only https links are taken")
    if parts.username or parts.password or parts.port not in (None, 443):
        raise LinkRefused("links with a user name or a port are not taken")
    # A bare address is never resolved, so the resolver would not see it.
    if _is_address(parts.hostname) and not is_public(parts.hostname):
        raise LinkRefused("it leads into a private network")


def _is_address(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status != 200:
        raise LinkRefused(f"its host answered {answer.status}" + (": not found" if answer.status == 404 else ""))
    too_large = LinkRefused(f"it is larger than {MAX_BYTES // 2**20} MiB")
    if (answer.content_length or 0) > MAX_BYTES:
        raise too_large
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        data += chunk
        if len(data) > MAX_BYTES:
            raise too_large
    return bytes(data)
