"""Files behind links that strangers typed: only https, only public addresses, only so many bytes and so much time.

A host is written the way browsers write it, or refused. Every address of its name has to be public, and a socket is
made only for a public address, so what answers is what was checked, whatever the name leads to by then. Every redirect
is checked like the first link.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import zlib
from collections.abc import Collection
from importlib.metadata import version

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from contract.errors import EaselError, Value

MAX_BYTES = 20 * 1024 * 1024
MAX_REDIRECTS = 4

_ACCEPT = "image/png,image/jpeg,image/webp,image/gif,image/*;q=0.8,*/*;q=0.5"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
_FOR_DOCUMENTS = ipaddress.ip_network("3fff::/20")
"""RFC 9637; this Python's tables call it global, and the next one too."""
_FORMER_RELAYS = ipaddress.ip_network("192.88.99.0/24")
"""RFC 7526."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_LONGEST_NAME = 253
_KNOWN_ANSWERS = frozenset({401, 403, 404, 410, 429})
"""Statuses that say something about the picture: there are words for each."""


class LinkRefused(EaselError):
    """The picture behind a link cannot be had: `error.link_refused.REASON` says why, with these values."""

    def __init__(self, reason: str, **values: Value) -> None:
        super().__init__(f"{reason} {values}" if values else reason)
        self.reason = reason
        self.values = values


def agent(contact: str = "") -> str:
    """How Easel names itself to hosts of pictures. `contact` is a page or address of the operator's.

    Hosts refuse the names of libraries, and some (Wikimedia's) ask every robot for a contact.
    """
    name = f"Mozilla/5.0 (compatible; EaselBot/{version('easel')}"
    return f"{name}; +{contact})" if contact else f"{name})"


async def fetch(url: str, trusted: Collection[str] = (), *, contact: str = "") -> bytes:
    """The bytes behind `url`, at most `MAX_BYTES`. LinkRefused says why not. The caller sets the deadline.

    `trusted` are origins such as `http://127.0.0.1:8911` to which no rule about scheme or address applies: the stand-in
    for Discord that the operator runs.
    """
    headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity", "User-Agent": agent(contact)}
    try:
        place = yarl.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            is_trusted = place.absolute and str(place.origin()) in trusted
            if not is_trusted:
                _check(place, url)
            # A connection for each hop: what is trusted or checked for one is not for the next.
            connector = aiohttp.TCPConnector() if is_trusted else _public_connector()
            async with (
                aiohttp.ClientSession(connector=connector, auto_decompress=False, trust_env=False) as session,
                session.get(place, allow_redirects=False, headers=headers) as answer,
            ):
                if answer.status not in _REDIRECTS:
                    return await _read(answer)
                url = answer.headers.get("Location", "")
                place = place.join(yarl.URL(url))
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, _PrivateAddress):
            raise LinkRefused("private") from error
        raise LinkRefused("unreachable") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise LinkRefused("bad_answer") from error
    raise LinkRefused("redirects", limit=MAX_REDIRECTS)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where it carries another one inside."""
    if "%" in address:  # a zone: it means something on one machine only
        return False
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_public_ipv4(ip)
    if ip in _NAT64:
        return _is_public_ipv4(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    if ip in _FOR_DOCUMENTS:
        return False
    inner = [ip.sixtofour, *(ip.teredo or ())]
    return ip in _UNICAST and ip.is_global and all(_is_public_ipv4(one) for one in inner if one is not None)


def _is_public_ipv4(ip: ipaddress.IPv4Address) -> bool:
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip in _FORMER_RELAYS)


class _PrivateAddress(OSError):
    """A name or address that leads into a private network."""


class _PublicResolver(AbstractResolver):
    """Names to addresses, all of which have to be public."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver. _PrivateAddress when any address of the name is not public."""
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(result["host"]) for result in found):
            raise _PrivateAddress(f"{host} leads into a private network")
        return found

    async def close(self) -> None:
        """See AbstractResolver."""
        await self._resolver.close()


def _public_connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(resolver=_PublicResolver(), use_dns_cache=False, socket_factory=_public_socket)


def _public_socket(peer: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
    """A socket for the peer that is about to be connected to, the last place where its address can be seen."""
    family, kind, protocol, _, address = peer
    if not is_public(str(address[0])):
        raise _PrivateAddress(f"{address[0]} is in a private network")
    return socket.socket(family, kind, protocol)


def _check(url: yarl.URL, text: str) -> None:
    """LinkRefused for anything but https to a public host, written in `text` as hosts are written."""
    if url.scheme != "https" or not url.raw_host:
        raise LinkRefused("not_https")
    if url.raw_user or url.raw_password or url.explicit_port not in (None, 443):
        raise LinkRefused("user_or_port")
    host = url.raw_host
    if _is_address(host):
        if not is_public(host):
            raise LinkRefused("private")
        if host not in text:  # other digits and other spellings, which the URL's parser has put right
            raise LinkRefused("bad_host")
    elif "." not in host:
        raise LinkRefused("private")
    elif len(host) > _LONGEST_NAME or not _NAME.fullmatch(host):
        raise LinkRefused("bad_host")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status != 200:
        known = answer.status in _KNOWN_ANSWERS
        raise LinkRefused(f"status_{answer.status}" if known else "status", status=answer.status)
    too_large = LinkRefused("too_large", limit_mib=MAX_BYTES // 2**20)
    if (answer.content_length or 0) > MAX_BYTES:
        raise too_large
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        data += chunk
        if len(data) > MAX_BYTES:
            raise too_large
    if answer.headers.get("Content-Encoding", "identity").lower() in ("gzip", "x-gzip", "deflate"):
        return _inflated(bytes(data), too_large)  # some hosts compress although asked not to
    return bytes(data)


def _inflated(data: bytes, too_large: LinkRefused) -> bytes:
    try:
        plain = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise LinkRefused("bad_answer") from error
    if len(plain) > MAX_BYTES:
        raise too_large
    return plain
