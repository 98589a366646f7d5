"""Where Discord is. Only a loopback stand-in may replace it, unless the operator insists."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from contract.errors import UserError


@dataclass(frozen=True, slots=True)
class Endpoints:
    """A stand-in's addresses: `api_base` is the root of its HTTP routes, `gateway_url` its socket."""

    api_base: str
    gateway_url: str | None

    @property
    def rest_base(self) -> str:
        """What `discord.http.Route.BASE` has to be."""
        return f"{self.api_base}/api/v10"


def discord_endpoints(
    api_base: str | None, gateway_url: str | None = None, *, allow_remote: bool = False
) -> Endpoints | None:
    """The stand-in to use, or None for Discord itself.

    A mistyped address would send the bot's token to a stranger, so an address that is not loopback is refused with
    UserError `remote_api` unless `allow_remote`. UserError `bad_address` for what is not a URL of the right kind.
    """
    if not api_base:
        if gateway_url:
            raise UserError("bad_address", setting="DISCORD_API_BASE", address="")
        return None
    _check(api_base, "DISCORD_API_BASE", ("http", "https"), allow_remote)
    if gateway_url:
        _check(gateway_url, "DISCORD_GATEWAY_URL", ("ws", "wss"), allow_remote)
    return Endpoints(api_base.rstrip("/"), gateway_url)


def _check(address: str, setting: str, schemes: tuple[str, ...], allow_remote: bool) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname
        port_is_a_number = parts.port is None or parts.port >= 0
    except ValueError:
        host, port_is_a_number, parts = None, False, urlsplit("")
    if parts.scheme not in schemes or not host or not port_is_a_number:
        raise UserError("bad_address", setting=setting, address=address)
    if not allow_remote and not _is_loopback(host):
        raise UserError("remote_api", setting=setting, host=host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
