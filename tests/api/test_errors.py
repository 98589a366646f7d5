"""Errors of the service have the status that a client acts on."""

from __future__ import annotations

import pytest

from api.errors import _STATUS, api_error
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
