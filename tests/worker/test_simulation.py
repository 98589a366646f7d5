"""Traces and their replay through the real queue in virtual time."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner

from contract.codec import job_document
from contract.jobs import User
from exchange.images import FolderStore
from exchange.queue import Limits
from tests.contract.factories import imagine, planned
from worker.__main__ import app
from worker.simulation import Waits, compare, describe, simulate
from worker.traces import Arrival, BadTrace, exported, generate, read_trace, service_s, write_trace

MEGAPIXEL = 1_000_000
NO_LIMITS = Limits(0, 0, 0, 0)


def one(arrival_s: float, user: str, seconds: float = 10.0, speed: str = "fast", pressed: int = 0) -> Arrival:
    """A job of one picture with one step a second."""
    return Arrival(arrival_s, user, 1, MEGAPIXEL, round(seconds), seconds, speed, pressed)


def test_a_newcomer_overtakes_a_crowd_of_one(client: redis.Redis) -> None:
    """Forty jobs of one user, then one of another: fair makes the newcomer wait for one job, fifo for all of them."""
    trace = [*(one(0, "whale") for _ in range(40)), one(1, "newcomer")]
    fair = simulate(client, trace, 1, "fair", NO_LIMITS)
    fifo = simulate(client, trace, 1, "fifo")
    assert fair.jobs == fifo.jobs == 41
    assert fair.light.longest <= 19
    assert fifo.light.longest == 399
    assert fair.utilisation == fifo.utilisation == 1.0
    assert fair.fairness > 10 > fifo.fairness


def test_virtual_time_is_exact(client: redis.Redis) -> None:
    """Two GPUs, three jobs of ten seconds: the third waits ten, all in a moment of real time."""
    report = simulate(client, [one(0, "a"), one(0, "b"), one(0, "c")], 2, "fair", NO_LIMITS)
    assert (report.waits.p50, report.waits.longest) == (0.0, 10.0)
    assert report.utilisation == 0.75
    assert report.hours == pytest.approx(20 / 3600, abs=1e-3)


def test_sending_certain_events_together_changes_nothing(client: redis.Redis) -> None:
    """A cap that nobody reaches makes the replay go event by event; order, waits and busy time are the same."""
    trace = list(generate(users=30, gpus=3, hours=0.2, load=1.3, seed=8))
    together = simulate(client, trace, 3, "fair", NO_LIMITS)
    one_by_one = simulate(client, trace, 3, "fair", Limits(0, 1_000_000, 0, 0))
    assert together == one_by_one
    assert together.jobs == len(trace)
    assert together.waits.p90 > 1


def test_caps_hold_in_virtual_time(client: redis.Redis) -> None:
    """With one running job a user, the second waits although a GPU is idle; the other user's does not."""
    trace = [one(0, "a"), one(0, "a"), one(1, "b"), one(2, "a")]
    report = simulate(client, trace, 3, "fair", Limits(0, 1, 0, 0))
    assert report.jobs == 4
    assert report.heavy.longest == 18
    assert report.light == Waits(0, 0, 0, 0)
    assert client.zcard("rq:wip:render") == client.llen("rq:queue:render") == 0


def test_presses_go_before_their_turn_in_the_fair_order_only(client: redis.Redis) -> None:
    """Twenty first grids wait, somebody presses: fair serves the press next, fifo last; a relaxed press waits too."""
    trace = [*(one(0, f"user {number}") for number in range(20)), one(5, "looker", pressed=1)]
    fair, fifo = simulate(client, trace, 1, "fair", NO_LIMITS), simulate(client, trace, 1, "fifo")
    assert fair.pressed == Waits(5, 5, 5, 5)
    assert fifo.pressed == Waits(195, 195, 195, 195)
    relaxed = simulate(client, [*trace[:-1], one(5, "looker", 10, "relax", 1)], 1, "fair", NO_LIMITS)
    assert relaxed.pressed == Waits(195, 195, 195, 195)
    assert simulate(client, trace[:-1], 1, "fair", NO_LIMITS).pressed is None


def test_the_report_reads_well_for_short_and_long_waits(client: redis.Redis) -> None:
    """Seconds, minutes and hours; a bar for each percentile of both fleets, none longer than the widest."""
    now = simulate(client, [one(0, "a", 4000), one(0, "b", 4000), one(1, "c", 4000)], 1, "fair", NO_LIMITS)
    more = simulate(client, [one(0, "a", 4000), one(0, "b", 4000), one(1, "c", 4000)], 2, "fair", NO_LIMITS)
    lines = describe(now, more).splitlines()
    assert lines[3].split() == ["everybody", "67", "min", "2.2", "h", "2.2", "h", "2.2", "h"]
    assert [len(line) - len(line.rstrip("█")) for line in lines[-6:]] == [20, 0, 40, 20, 40, 20]
    idle = simulate(client, [one(0, "a"), one(20, "b")], 1, "fair", NO_LIMITS)
    assert "nobody waits to speak of" in describe(idle, idle)
    alone = replace(now, users=1)
    assert "one user alone" in describe(alone, alone)
    quick = replace(now, light=idle.waits)
    assert "heavy users wait, light ones hardly" in describe(quick, quick)


def test_one_more_gpu_is_worth_something() -> None:
    """The same trace, shorter waits, more idling."""
    trace = list(generate(users=40, gpus=2, hours=0.3, load=1.2, seed=5))
    now, more = compare(trace, 2, "fair")
    assert (now.gpus, more.gpus, now.jobs) == (2, 3, len(trace))
    assert more.waits.p90 < now.waits.p90
    assert more.utilisation < now.utilisation
    assert "with one more GPU (3)" in describe(now, more)


def test_generated_traffic_has_the_measured_shape() -> None:
    """A tenth of the users ask for about 65 % of the jobs; service has the measured percentiles."""
    trace = list(generate(users=3000, gpus=100, hours=2, load=0.9, seed=1))
    seconds = sorted(arrival.seconds for arrival in trace)
    assert [seconds[int(len(seconds) * share)] for share in (0.5, 0.9, 0.99)] == pytest.approx([9, 42, 120], rel=0.1)
    jobs = sorted(Counter(arrival.user for arrival in trace).values(), reverse=True)
    assert sum(jobs[:300]) / sum(jobs) == pytest.approx(0.65, abs=0.05)
    assert sum(seconds) / (100 * 7200) == pytest.approx(0.9, abs=0.05)
    assert trace == list(generate(users=3000, gpus=100, hours=2, load=0.9, seed=1))


def test_service_times_meet_the_measured_percentiles() -> None:
    """Exactly, and never beyond the ends."""
    assert [round(service_s(score), 6) for score in (0.0, 1.2816, 2.3263)] == [9, 42, 120]
    assert service_s(-9) == pytest.approx(2)
    assert service_s(9) == pytest.approx(300)


def test_traces_survive_the_disk(tmp_path: Path) -> None:
    """Written, read back, sorted by arrival; a missing speed is fast, and what has no such column was not pressed."""
    trace = [one(5, "b", pressed=1), one(1, "a", speed="relax")]
    write_trace(tmp_path / "trace.csv", trace)
    assert read_trace(tmp_path / "trace.csv") == [trace[1], trace[0]]
    (tmp_path / "short.csv").write_text("arrival_s,user,images,pixels,steps,seconds\n0,x,4,65536,20,3.5\n")
    [short] = read_trace(tmp_path / "short.csv")
    assert (short.speed, short.pressed) == ("fast", 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arrival_s,user\n", "holds no job"),
        ("arrival_s\udcff,user\n", "line 1.*decode"),
        ("arrival_s,user,images,pixels,steps,seconds\n0,x,four,1,1,1\n", "line 2.*four"),
        ("when,who\n1,x\n", "line 2.*arrival_s"),
    ],
)
def test_a_bad_trace_is_named(tmp_path: Path, text: str, words: str) -> None:
    """File, line and what is wrong."""
    (tmp_path / "trace.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadTrace, match=words):
        read_trace(tmp_path / "trace.csv")


def test_the_command_line_generates_and_simulates(tmp_path: Path) -> None:
    """`easel trace generate`, then `easel simulate`, in one JSON line."""
    path = str(tmp_path / "trace.csv")
    made = CliRunner().invoke(
        app, ["trace", "generate", path, "--users", "20", "--gpus", "1", "--hours", "0.1", "--seed", "3"]
    )
    assert made.exit_code == 0, made.output
    run = CliRunner().invoke(app, ["simulate", "--trace", path, "--gpus", "1", "--policy", "fifo", "--json"])
    assert run.exit_code == 0, run.output
    document = json.loads(run.stdout.splitlines()[-1])
    assert document["now"]["policy"] == "fifo"
    assert document["one_more"]["gpus"] == 2


def test_own_traffic_becomes_a_trace(store: FolderStore, tmp_path: Path) -> None:
    """From the records of pictures: in the order of arrival, people as numbers, what cannot be read left out."""
    jobs = [planned(imagine(interaction=number, user=User(user, "x"))) for number, user in ((1, 811), (2, 5), (3, 811))]
    for number, each in enumerate(jobs):
        at_ms = 1_790_000_000_000 - number * 1000
        store.put_record({**job_document(replace(each, created_ms=at_ms)), "drawn": {"gpu_s": 1.5}})
    damaged = imagine(interaction=9)
    store.put_image(damaged.id, 0, b"\x89PNG\r\n\x1a\n")
    trace = exported(store, since_ms=0)
    assert [(arrival.arrival_s, arrival.user, arrival.seconds) for arrival in trace] == [
        (0.0, "1", 1.5),
        (1.0, "2", 1.5),
        (2.0, "1", 1.5),
    ]
    assert all(arrival.images == 4 and arrival.pixels and arrival.steps for arrival in trace)
    write_trace(tmp_path / "own.csv", trace)
    assert read_trace(tmp_path / "own.csv") == trace
    assert exported(store, since_ms=1_790_000_000_000)[0].arrival_s == 0
    assert len(exported(store, since_ms=1_790_000_000_000)) == 1
