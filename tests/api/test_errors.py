"""Errors of the service have the status that a client acts on."""

from __future__ import annotations

import pytest

from api.errors import _STATUS, ApiError, api_error
from contract.errors import UserError
from contract.locales import book


def test_every_kind_with_a_status_of_its_own_exists() -> None:
    """A name that nobody raises would leave the real one at 400."""
    english = book("en-US")
    assert [kind for kind in _STATUS if f"error.{kind}.title" not in english] == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [("rate_limited", 429), ("banned", 403), ("store_unreachable", 503), ("blocked_word", 400), ("no_such_job", 404)],
)
def test_a_status_says_whether_to_wait_to_mend_or_to_give_up(kind: str, status: int) -> None:
    """429 and 503 are tried again by clients, 4xx are not."""
    assert api_error(UserError(kind), "en-US").status == status


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (ApiError(401, "Send your key."), {"WWW-Authenticate": "Bearer"}),
        (
            api_error(UserError("cooldown", seconds=60, again=784_887_151), "zh-CN"),
            {"Retry-After": "Tue, 15 Nov 1994 08:12:31 GMT"},
        ),
        (
            api_error(UserError("rate_limited", limit=2, again=784_887_151), "en-US"),
            {"Retry-After": "Tue, 15 Nov 1994 08:12:31 GMT"},
        ),
        (api_error(UserError("rate_limited", limit=0), "en-US"), {}),
        (api_error(UserError("queue_full", limit=2), "en-US"), {"Retry-After": "10"}),
        (api_error(UserError("store_unreachable"), "en-US"), {"Retry-After": "10"}),
    ],
)
def test_headers_say_how_to_go_on(error: ApiError, headers: dict[str, str]) -> None:
    """With a key, or at the moment that the sentence names too."""
    assert error.headers == headers
