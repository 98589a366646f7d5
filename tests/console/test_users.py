"""`users` and `audit`: what an operator sees of a person and does about them."""

from __future__ import annotations

import redis

from exchange.accounts import record
from exchange.delivery import MessageRef
from tests.console.conftest import Easel
from tests.exchange.jobs import job


def test_a_person_is_shown(easel: Easel, client: redis.Redis) -> None:
    """What they made; a stranger has made nothing."""
    record(client, job(), "a fox", MessageRef(31, 4000), images=4, gpu_s=1.5)
    document = easel("users", "show", "811", "--json").document
    assert [entry["prompt"] for entry in document["history"]] == ["a fox"]
    assert (document["blocked"], document["open_jobs"]) == (None, [])
    assert "a fox" in easel("users", "show", "811").said
    assert "may make pictures" in easel("users", "show", "5").said


def test_a_person_is_blocked_and_let_in_again(easel: Easel) -> None:
    """With a reason and an end; the audit has both."""
    assert easel("users", "block", "5", "--why", "spam", "--days", "2").status == 0
    assert "blocked until" in easel("users", "show", "5").said
    assert easel("users", "unblock", "5").status == 0
    assert easel("users", "unblock", "5").status == 4
    deeds = easel("audit", "--json").document["deeds"]
    assert [(deed["did"], deed["about"]) for deed in deeds] == [("unban", "user 5"), ("ban", "user 5")]
    assert "spam" in easel("audit", "--last", "2").said


def test_a_person_is_forgotten(easel: Easel, client: redis.Redis) -> None:
    """History and usage go."""
    record(client, job(), "a fox", MessageRef(31, 4000), images=4, gpu_s=1.5)
    assert easel("users", "forget", "811", "--json").document == {"user_id": "811", "jobs": 0}
    assert easel("users", "show", "811", "--json").document["history"] == []


def test_nobody_has_such_an_id(easel: Easel) -> None:
    """A name is no id: said as every wrong word is."""
    assert easel("users", "show", "ada").status == 2


def test_a_person_and_a_role_have_quotas(easel: Easel) -> None:
    """Shown with the person, and with all that holds."""
    said = easel("users", "quota", "5", "--fast-minutes", "30", "--cooldown-s", "any", "--json")
    assert said.document == {"whose": "user 5", "holds": {"fast_minutes": 30, "cooldown_s": None}}
    assert easel("users", "role", "7", "--jobs-per-hour", "any", "--json").status == 0
    assert easel("users", "show", "5", "--json").document["quota"]["fast_minutes"] == 30
    held = easel("policy", "show", "--json").document["quotas"]
    assert held["user:5"]["fast_minutes"] == 30
    assert held["role:7"]["jobs_per_hour"] is None
