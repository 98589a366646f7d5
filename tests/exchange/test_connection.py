"""The client factory: which addresses it takes, and what it says when nothing answers."""

import socketserver
import threading
from contextlib import suppress

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.sentinel import SentinelConnectionPool

from exchange.connection import InvalidAddress, NotServing, RedisUnavailable, check, connect, connect_async, unavailable


def test_a_running_server_passes_the_check(client: redis.Redis) -> None:
    """One PING, on a connection of its own."""
    check(client)


def test_nothing_there_is_one_sentence_with_three_ways() -> None:
    """Without the client's own long patience."""
    with pytest.raises(RedisUnavailable) as caught:
        check(connect("redis://127.0.0.1:1"))
    assert not isinstance(caught.value, NotServing)
    assert "\n" not in str(caught.value)
    assert all(way in str(caught.value) for way in ("REDIS_URL", "exchange.embedded", "redis-server"))


def test_a_wrong_password_is_unavailable_too() -> None:
    """The reason is the server's own; the password is not in it."""
    with pytest.raises(RedisUnavailable) as caught:
        check(connect("redis://:hunter2@127.0.0.1:1"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "scheme", "expected"),
    [
        (b"+PONG\r\n", "rediss", "write redis:// in place of rediss://"),
        (b"-NOAUTH Authentication required.\r\n", "rediss", "write redis:// in place of rediss://"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "redis", "leads to a web server"),
        (b"220 mail.example.org ESMTP\r\n", "redis", "does not answer"),
    ],
)
def test_what_listens_there_is_named(said: bytes, scheme: str, expected: str) -> None:
    """A server that speaks another way than the address has it, or is no Redis."""

    class Speaks(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(100)
            self.wfile.write(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Speaks) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(RedisUnavailable, match=expected) as caught:
            check(connect(f"{scheme}://127.0.0.1:{server.server_address[1]}"))
        assert not isinstance(caught.value, NotServing)
        server.shutdown()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("DB index is out of range", "no database of the number in REDIS_URL"),
        ("unknown command 'EVALSHA', with args beginning with: '1'", "no command EVALSHA"),
        ("OOM command not allowed when used memory > 'maxmemory'.", ""),
    ],
)
def test_what_waiting_does_not_bring_is_not_waited_for(word: str, expected: str) -> None:
    """Anything else that a server says may pass."""
    found = unavailable(redis.exceptions.ResponseError(word))
    assert isinstance(found, NotServing) == (not expected)
    assert expected in str(found)


def test_blocking_reads_outlive_the_library_defaults(client: redis.Redis) -> None:
    """The library's own five seconds would end, and repeat, a longer blocking read."""
    options = client.connection_pool.connection_kwargs
    assert options["socket_timeout"] == 30
    assert options["retry"]._retries == 20


def test_tls_and_acl_users_are_part_of_the_address() -> None:
    """`rediss://user:password@host:port/db`."""
    pool = connect("rediss://easel:secret@redis.example:6380/2").connection_pool
    assert pool.connection_class is redis.SSLConnection
    assert [pool.connection_kwargs[name] for name in ("host", "port", "db", "username", "password")] == [
        *("redis.example", 6380, 2, "easel", "secret")
    ]


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_sentinels_lead_to_the_master(scheme: str) -> None:
    """Several hosts, a master's name, a database, credentials."""
    url = f"{scheme}+sentinel://easel:p%40ss@one:26379,two/mymaster/3"
    for pool in (connect(url).connection_pool, connect_async(url).connection_pool):
        assert isinstance(pool, SentinelConnectionPool | AsyncSentinelConnectionPool)
        assert pool.service_name == "mymaster"
        assert pool.connection_kwargs["db"] == 3
        assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"]) == ("easel", "p@ss")
        sentinels = [s.connection_pool.connection_kwargs for s in pool.sentinel_manager.sentinels]
        assert [(s["host"], s["port"]) for s in sentinels] == [("one", 26379), ("two", 26379)]


MALFORMED = [
    "redis://:pa#hunter2@127.0.0.1:6379/0",
    "redis://:hunter2@127.0.0.1:port/0",
    "redis://:hunter2/x@127.0.0.1:6379/0",
    "redis://:hunter2@127.0.0.1:99999/0",
    "redis://:hunter2@127.0.0.1:6379/zero",
    "redis://:hunter2@/0",
    "redis://:hunter2@[::1/0",
    "redis://:hunter2@127.0.0.1:6379/0?hunter2=1",
    "redis://:hunter2@127.0.0.1:6379/0?socket_timeout=hunter2",
    "redis://user:hunter2@ 127.0.0.1/0",
    "redis://default:42?hunter2@host:6379/0",
    " redis://:hunter2@host:6379/0",
    "redis://:hunter2@host:6379/0\r",
    "rediss://:hunter2@127.0.0.1:6380/0?ssl_cert_reqs=hunter2",
    "http://:hunter2@127.0.0.1:6379",
    "redis:hunter2",
    "hunter2",
    "127.0.0.1:6379",
    "unix://:hunter2@",
    "redis+sentinel://:hunter2@one:26379",
    "redis+sentinel://:hunter2@one:port/mymaster",
    "redis+sentinel://:hunter2@one/mymaster/zero",
    "redis+sentinel://:hunter2@one/mymaster/0?hunter2=1",
    f"redis+sentinel://:hunter2@{'a' * 64}/mymaster/0",
    f"redis://:hunter2@{'a' * 64}:6379/0",
    "redis://:hunter2@a..b:6379/0",
    "",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_address_is_one_sentence_without_the_password(url: str) -> None:
    """Of any shape, for threads and for asyncio; a complete address is shown instead."""
    for reach in (connect, connect_async):
        with pytest.raises(InvalidAddress) as caught:
            reach(url)
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "redis://user:password@host:6379/0" in str(caught.value)
        assert caught.value.__cause__ is None


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_an_address(text: str) -> None:
    """Whatever stands in REDIS_URL is a client or that sentence."""
    for url in (text, f"redis://{text}", f"redis://host/{text}", f"redis+sentinel://{text}"):
        with suppress(InvalidAddress):
            connect(url).close()
