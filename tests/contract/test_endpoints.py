"""A mistyped address must not send the token to a stranger."""

from __future__ import annotations

import pytest

from contract.endpoints import Endpoints, discord_endpoints
from contract.errors import UserError


def test_without_addresses_it_is_discord_itself() -> None:
    """None means: leave the library's own addresses alone."""
    assert discord_endpoints(None) is None
    assert discord_endpoints("", "") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_loopback_is_accepted(host: str) -> None:
    """A stand-in on this machine may replace Discord."""
    found = discord_endpoints(f"http://{host}:8911/", f"ws://{host}:8911")
    assert found == Endpoints(f"http://{host}:8911", f"ws://{host}:8911")
    assert found.rest_base == f"http://{host}:8911/api/v10"


@pytest.mark.parametrize("address", ["http://example.org", "http://127.0.0.1.example.org:80", "http://10.0.0.1:1"])
def test_other_hosts_need_the_second_flag(address: str) -> None:
    """Anything but loopback is refused unless the operator insists."""
    with pytest.raises(UserError) as caught:
        discord_endpoints(address)
    assert caught.value.kind == "remote_api"
    assert discord_endpoints(address, allow_remote=True) == Endpoints(address, None)


@pytest.mark.parametrize("address", ["fox", "ftp://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:fox", "//x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """The setting that is wrong is named."""
    with pytest.raises(UserError) as caught:
        discord_endpoints(address)
    assert caught.value.kind == "bad_address"
    assert caught.value.values["setting"] == "DISCORD_API_BASE"


def test_a_gateway_alone_is_refused() -> None:
    """Half a stand-in would split the bot between two Discords."""
    with pytest.raises(UserError) as caught:
        discord_endpoints(None, "ws://127.0.0.1:1")
    assert caught.value.kind == "bad_address"
