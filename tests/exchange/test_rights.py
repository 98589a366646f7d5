"""Rights are tried out before anything is begun: what is missing is one sentence, with the rule that gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from exchange.connection import connect
from exchange.rights import _OF_CLIENTS, PROBE_KEYS, RULE, ForgetfulServer, RightsMissing, _of_scripts, check_rights

ROOT = Path(__file__).parents[2]


@pytest.fixture
def limited(redis_url: str, client: redis.Redis) -> Iterator[Any]:
    """A client of a user `easel` with the given rules."""
    clients = []

    def made(*rules: str) -> redis.Redis:
        client.execute_command("ACL", "SETUSER", "easel", "reset", "on", ">secret", *rules)
        clients.append(connect(f"unix://easel:secret@{urlsplit(redis_url).path}"))
        return clients[-1]

    yield made
    for each in clients:
        each.close()
    client.acl_deluser("easel")


def test_the_documented_rule_is_enough(limited: Any, client: redis.Redis) -> None:
    """And nothing of the trial stays behind."""
    check_rights(limited(*RULE.split()))
    assert client.keys("*") == []


@pytest.mark.parametrize(
    ("less", "named"),
    [
        (["-zadd"], "zadd"),
        (["-hincrbyfloat"], "hincrbyfloat"),
        (["-rename"], "rename"),
        (["-lpos"], "lpos"),
        (["-blmove"], "blmove"),
        (["-subscribe"], "subscribe"),
        (["-publish"], "publish"),
        (["-evalsha", "-eval"], "eval"),
        (["-scan"], "scan"),
        (["-sunion"], "sunion"),
        (["-xadd"], "xadd"),
        (["-lpush"], "lpush"),
        (["-rpush"], "rpush"),
        (["-sismember"], "sismember"),
        (["-ttl"], "ttl"),
        (["-watch"], "watch"),
        (["-multi"], "multi"),
        (["-exec"], "exec"),
        (["resetkeys", "~easel:*"], "key"),
        (["resetkeys", "~rq:*"], "key"),
        (["resetchannels", "&easel:*"], "channel"),
        (["resetchannels", "&rq:*"], "channel"),
        (["resetchannels"], "channel"),
    ],
)
def test_what_is_missing_is_named(limited: Any, less: list[str], named: str) -> None:
    """A command, a family of keys, a channel: each in one line with the rule."""
    with pytest.raises(RightsMissing) as caught:
        check_rights(limited(*RULE.split(), *less))
    sentence = str(caught.value)
    assert named in sentence.lower()
    assert RULE in sentence
    assert "\n" not in sentence
    assert "secret" not in sentence


def test_processes_that_start_together_stop_none_of_them(
    limited: Any, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tries a transaction on the same key."""
    begin = redis.client.Pipeline.multi

    def meanwhile(pipe: Any) -> None:
        client.set(PROBE_KEYS[0], "another's")
        begin(pipe)

    monkeypatch.setattr(redis.client.Pipeline, "multi", meanwhile)
    check_rights(limited(*RULE.split()))


def test_every_command_of_ours_is_tried() -> None:
    """What a module asks of a client by name, in the exchange and beside it."""
    beyond = {"EVAL", "EVALSHA", "SCRIPT_LOAD", "TRANSACTION", "MULTI", "WATCH", "PING", "SCAN_ITER", "BLMOVE", "INFO"}
    commands = {name.upper() for name in dir(redis.Redis) if not name.startswith("_")} - {"DELETE"}
    asked: set[str] = set()
    for package in ("exchange", "service", "bot", "api", "worker"):
        for file in (ROOT / package).rglob("*.py"):
            if "doctor" not in file.as_posix() and file.stem not in ("rights", "embedded", "simulation"):
                asked |= {
                    name.upper() for name in re.findall(r"\b(?:_redis|client|pipe)\.([a-z_]+)\(", file.read_text())
                }
    missing = (asked & commands) - set(_OF_CLIENTS) - _of_scripts() - beyond
    assert missing <= NO_COMMANDS, missing


NO_COMMANDS = {"CLOSE", "PIPELINE", "PUBSUB", "EXECUTE", "FROM_URL", "ACLOSE", "RESET", "REGISTER_SCRIPT"}
"""Methods of a client that ask the server nothing of their own."""


@pytest.mark.parametrize(
    ("server", "default", "refused"),
    [
        ({"redis_version": "7.0.15"}, ["off", "sanitize-payload"], True),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.0"}, ["off"], True),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, ["off"], False),
        ({"redis_version": "8.6.1"}, ["off"], False),
        ({"redis_version": "7.0.15"}, ["on"], False),
    ],
)
def test_a_server_that_would_forget_its_jobs_is_refused(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, server: dict[str, str], default: list[str], refused: bool
) -> None:
    """`user default off` with an append-only file, on a version that reads it back as that user."""
    monkeypatch.setattr(client, "info", lambda part: server if part == "server" else {"aof_enabled": 1})
    user = {"flags": default, "commands": ["-@all"], "keys": [], "channels": []}
    monkeypatch.setattr(client, "acl_getuser", lambda name: user)
    if not refused:
        check_rights(client)
        return
    with pytest.raises(ForgetfulServer, match="user default off >LONG-RANDOM-PASSWORD"):
        check_rights(client)
    user.update(commands=[], categories=["+@all"], keys=["~*"], channels=["&*"])
    check_rights(client)
