"""What is wrong with Redis, as far as this user may see it."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import redis

from exchange import keys
from exchange.connection import RedisUnavailable
from exchange.doctor.findings import Finding, broken, risky
from exchange.drains import drained, places_of
from exchange.reading import text
from exchange.settings import CommonSettings
from exchange.weather import sentence

ABOUT = "Redis"
OLDEST = (6, 2)
"""The first version whose commands the scripts use."""
SLOW_S = 0.05
SKEW_S = 30.0
LITTLE_MEMORY = 64 * 2**20
NEARLY_FULL = 0.85
CONNECTIONS = 200
"""What a bot, an API and a few workers hold open together."""


def server_findings(settings: CommonSettings, client: redis.Redis) -> Iterator[Finding]:
    """Address, durability, memory, room for connections, time, and who else is there. `client` was opened with these
    settings. RedisUnavailable."""
    assert settings.redis_url is not None  # it was opened
    try:
        yield from _of_address(settings.redis_url.get_secret_value())
        try:
            facts: Mapping[str, Any] = client.info()
        except redis.exceptions.NoPermissionError:
            yield risky(
                ABOUT, "Whether Redis keeps its jobs at a restart cannot be seen: its user lacks the right +info."
            )
        else:
            yield from _of_facts(facts)
        yield from _of_config(client)
        yield from _of_time(client)
        yield from _of_content(client)
    except redis.exceptions.RedisError as error:
        raise RedisUnavailable(sentence(error)) from error


def _of_address(url: str) -> Iterator[Finding]:
    parts = urlsplit(url.replace("+sentinel", ""))
    if parts.scheme == "unix" or "+sentinel" in url or not parts.hostname or _is_this_host(parts.hostname):
        return
    if parts.password is None:
        yield risky(
            ABOUT,
            f"Redis on {parts.hostname} is reached without a password: whoever reaches it can make jobs; "
            "give it one (requirepass or an ACL user) and put it into REDIS_URL.",
        )
    if parts.scheme == "redis" and not _is_private(parts.hostname):
        yield risky(
            ABOUT,
            f"REDIS_URL sends its password and all prompts unencrypted to {parts.hostname}, which is no private "
            "address: use rediss:// (TLS) or a private network.",
        )


def _of_facts(facts: Mapping[str, Any]) -> Iterator[Finding]:
    kind = "valkey" if "valkey_version" in facts else "redis"
    version = str(facts.get(f"{kind}_version", "0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
        yield broken(ABOUT, f"This {kind} is of version {version}; 6.2 is the oldest that works: upgrade it.")
    if facts.get("cluster_enabled"):
        yield broken(
            ABOUT, "This Redis runs as a cluster, which is not supported: use one server, or Sentinel for a spare one."
        )
    if facts.get("role") not in (None, "master"):
        yield broken(
            ABOUT,
            "This Redis is a replica and takes no writes: name its master in REDIS_URL, or the Sentinels "
            "(redis+sentinel://host:26379/master/0), which follow it.",
        )
    if facts.get("loading"):
        yield broken(ABOUT, "Redis is still reading its file: start again when it has done so.")
    yield from _of_durability(facts)
    yield from _of_memory(facts)
    allowed = int(facts.get("maxclients", 10_000))
    if allowed < CONNECTIONS:
        yield risky(
            ABOUT,
            f"Redis takes {allowed} connections (maxclients); bot and workers need up to {CONNECTIONS}: raise it.",
        )


def _of_durability(facts: Mapping[str, Any]) -> Iterator[Finding]:
    if not facts.get("aof_enabled"):
        yield risky(
            ABOUT,
            "Redis keeps no append-only file (appendonly no): when it restarts, jobs that were accepted are lost; "
            "set appendonly yes.",
        )
    elif facts.get("aof_last_write_status", "ok") != "ok":
        yield broken(
            ABOUT, "Redis cannot write its append-only file: free space on its disk, or mend its rights there."
        )
    if facts.get("rdb_last_bgsave_status", "ok") != "ok":
        yield risky(
            ABOUT,
            "Redis could not save its snapshot the last time: look into its log for a full disk or missing rights.",
        )


def _of_memory(facts: Mapping[str, Any]) -> Iterator[Finding]:
    limit, used = int(facts.get("maxmemory", 0)), int(facts.get("used_memory", 0))
    policy = str(facts.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        yield risky(
            ABOUT,
            f"Redis deletes keys when its memory is short (maxmemory-policy {policy}), and with them jobs that wait: "
            "set maxmemory-policy noeviction.",
        )
    if limit and limit < LITTLE_MEMORY:
        yield risky(
            ABOUT,
            f"Redis may use {limit / 2**20:.0f} MiB (maxmemory), which a busy day fills: give it 256 MiB or more.",
        )
    elif limit and used > NEARLY_FULL * limit:
        yield risky(
            ABOUT,
            f"Redis uses {100 * used / limit:.0f} % of its memory; when it is full, new jobs are refused: raise "
            "maxmemory, or look for what else is in it.",
        )


def _of_config(client: redis.Redis) -> Iterator[Finding]:
    """What only CONFIG shows; a user without that right is not told."""
    try:
        answer: Any = client.config_get("*")
    except redis.exceptions.ResponseError:  # no right, or renamed away
        return
    found = {text(name): text(value) for name, value in answer.items()}
    idle_s = int(found.get("timeout", "0") or 0)
    if 0 < idle_s < 300:
        yield risky(
            ABOUT,
            f"Redis hangs up on clients that are silent for {idle_s} s (timeout): those that listen for progress are; "
            "set timeout 0.",
        )
    fsync = found.get("appendfsync", "everysec")
    if found.get("appendonly") == "yes" and fsync == "no":
        yield risky(
            ABOUT,
            "Redis leaves to the system when its file is written (appendfsync no): a power cut loses up to half a "
            "minute of jobs; set appendfsync everysec.",
        )
    if found.get("appendonly") == "yes" and fsync == "always":
        yield risky(
            ABOUT, "Redis writes to its disk at every command (appendfsync always), which is slow: everysec is enough."
        )
    if int(found.get("min-replicas-to-write", "0") or 0) > 0 and not client.info("replication").get("connected_slaves"):
        yield broken(
            ABOUT,
            "Redis takes writes only while replicas are connected (min-replicas-to-write), and none is: start them, or "
            "set it to 0.",
        )


def _of_time(client: redis.Redis) -> Iterator[Finding]:
    begun = time.perf_counter()
    client.ping()
    took_s = time.perf_counter() - begun
    if took_s > SLOW_S:
        yield risky(
            ABOUT,
            f"Redis took {1000 * took_s:.0f} ms for one question; each step of a job waits for some: put it nearer.",
        )
    seconds, _ = client.time()
    skew_s = time.time() - float(seconds)
    if abs(skew_s) > SKEW_S:
        which = "ahead of" if skew_s > 0 else "behind"
        yield risky(
            "the clock",
            f"The clock of this host is {abs(skew_s):.0f} s {which} that of Redis: waits in logs and metrics are "
            "wrong, and signatures carry a wrong time; let NTP set both.",
        )


def _of_content(client: redis.Redis) -> Iterator[Finding]:
    if client.exists(keys.suspended()):
        yield risky("the queue", "All queues are suspended, so no job begins: `rq resume` ends that.")
    here = set(places_of())
    for place in sorted(drained(client)):
        if place.partition(":")[0] in here:
            yield risky("the queue", f"{place} is drained and begins no job: `easel undrain {place}` ends that.")
    others = sorted(
        name
        for member in (client.smembers(keys.rq_queues()) if text(client.type(keys.rq_queues())) == "set" else ())
        if (name := text(member)) not in {keys.rq_list(queue) for queue in keys.QUEUES}
    )
    if others:
        yield risky(
            ABOUT,
            f"Another program uses RQ in this database ({others[0]}): it can empty our queues; give Easel a database "
            "of its own (the number at the end of REDIS_URL).",
        )
    aside = int(client.llen(keys.quarantined())) if text(client.type(keys.quarantined())) == "list" else 0
    if aside:
        yield risky(ABOUT, f"{aside} entries that are none of ours were put aside; a worker's log tells which.")


def _is_this_host(host: str) -> bool:
    if host in ("localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(host: str) -> bool:
    """Whether a host is on a private network; names that are no address have a dot when they are public."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
