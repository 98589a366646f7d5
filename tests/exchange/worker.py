"""A worker's side of the queue in its plainest form: what the scripts are asked, without threads or RQ."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import redis

from contract.codec import JOB_VERSION
from exchange import scripts
from exchange.keys import QUEUES, STEMS


class PlainWorker:
    """Claims, beats and finishes by hand."""

    def __init__(self, client: redis.Redis, name: str = "host-1-1", queue: str = "render", **wants: Any) -> None:
        self.client = client
        self.name = name
        self.queue = queue
        self.wants = wants
        self.executions: dict[str, str] = {}

    def claim(self, **changes: Any) -> str:
        """The RQ id of the job it got, or why it got none: empty, blocked or suspended."""
        execution = changes.pop("execution", uuid4().hex)
        parameters = {
            "queue": self.queue,
            "worker": self.name,
            "execution": execution,
            "lease_s": 15,
            "started": "2026-11-22T12:00:00.000000Z",
            "must": "",
            "prefer": "",
            "models": "",
            "max_pixels": 0,
            "version": JOB_VERSION,
            "patience_s": 900,
            "skip_limit": 4,
            "scan": 512,
            **self.wants,
            **changes,
        }
        answer = scripts.run(self.client, scripts.CLAIM, scripts.arguments(parameters))
        if answer[0] != b"job":
            return str(answer[0].decode())
        rq_id = answer[1].decode()
        self.executions[rq_id] = execution
        return str(rq_id)

    def finish(self, rq_id: str, how: str = "finished", delay_s: float = 0, **changes: Any) -> bool:
        """Write an outcome; False when the lease was gone."""
        parameters = {
            "queue": self.queue,
            "id": rq_id,
            "execution": self.executions[rq_id],
            "worker": self.name,
            "how": how,
            "delay_s": delay_s,
            "ttl": 60,
            "ended": "2026-11-22T12:00:01.000000Z",
            **changes,
        }
        return bool(scripts.run(self.client, scripts.FINISH, scripts.arguments(parameters))[0])

    def beat(self, rq_id: str) -> int:
        """1 renewed, 2 renewed and has to stop, 0 lost."""
        leases = [[self.queue, rq_id, self.executions[rq_id]]]
        return int(scripts.run(self.client, scripts.BEAT, scripts.arguments({"lease_s": 15, "leases": leases}))[0])

    def lapse(self, rq_id: str) -> None:
        """Let the lease run out, as if this worker had been silent for too long."""
        self.client.zadd(f"rq:wip:{self.queue}", {f"{rq_id}:{self.executions[rq_id]}": 1}, xx=True)


def recover(client: redis.Redis, held_s: float = 5.0) -> list[Any]:
    """What recovery found: retried, released, due, and the ends that only a worker can write."""
    answer = scripts.run(
        client, scripts.RECOVER, scripts.arguments({"queues": QUEUES, "held_s": held_s, "look_s": 10, "stems": STEMS})
    )
    retried, released, due, _, _, *ended = answer
    return [part.decode() if isinstance(part, bytes) else part for part in (retried, released, due, *ended)]
