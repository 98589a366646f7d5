"""Ends of jobs for programs that asked over HTTP: the result waits in the store, and a webhook may hear of it.

Webhooks follow the Standard Webhooks specification (standardwebhooks.com): `webhook-id` is the job's, so a receiver
drops what it has seen; `webhook-signature` is an HMAC of id, time and body with the key's own secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

import redis
import requests
import structlog

from contract.errors import UserError
from contract.jobs import Job, Program
from contract.outcomes import JobState
from contract.sentences import describe
from exchange import keys
from exchange.delivery import DeliveryState, MessageRef, record_error, record_handed_over
from worker.delivery.door import Told, Unavailable
from worker.results import Result

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0
NO_MESSAGE = MessageRef(0, 0)
"""What stands for the message of a result that is not in any channel."""


class Sends(Protocol):
    """What is asked of `requests.post`; tests hand in their own."""

    def __call__(self, url: str, *, data: bytes, headers: dict[str, str], timeout: float) -> Any: ...


class ProgramDoor:
    """A `worker.delivery.door.Door` to programs. `secret` is the operator's API_SECRET: each key's own follows from
    it. Without it there are no webhooks."""

    takes_from_memory = False

    def __init__(
        self,
        client: redis.Redis,
        secret: str | None,
        *,
        send: Sends = requests.post,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._redis = client
        self._secret = secret
        self._send = send
        self._now_s = now_s

    def post(self, job: Job, known: DeliveryState, result: Result, tried_ms: int | None) -> MessageRef | None:
        """The pictures are in the store, and from now on for who asks: the webhook hears how many. Unavailable until it
        has answered with a 2xx."""
        record_handed_over(self._redis, job.id)
        self._notify(job, JobState.DELIVERED, images=job.image_count)
        return NO_MESSAGE

    def handed_over(self, job: Job, known: DeliveryState) -> MessageRef | None:
        """None: it is the store that hands over, and what is there is found before this is asked."""
        return None

    def tell(self, job: Job, known: DeliveryState, error: UserError, tried_ms: int | None) -> Told | None:
        """The error is kept for who asks, and told to the webhook."""
        record_error(self._redis, job.id, error)
        title, message = describe(error, job.locale)
        self._notify(job, JobState.FAILED, error={"code": error.kind, "title": title, "message": message})
        return Told("kept")

    def stop(self, job: Job, known: DeliveryState) -> None:
        """A job that was cancelled is one that ended; of one that failed the webhook has heard."""
        if not self._redis.hexists(keys.state(job.id), "error"):
            self._notify(job, JobState.CANCELLED)

    def clear(self, job: Job, known: DeliveryState, posted: MessageRef | None) -> None:
        """Nothing announced it."""

    def _notify(self, job: Job, state: JobState, **details: object) -> None:
        assert isinstance(job.destination, Program)
        webhook = job.destination.webhook
        if webhook is None or self._secret is None:
            return
        document = {"type": f"job.{state}", "job_id": job.id, "state": state, "prompt": job.prompt.echo, **details}
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = signed_headers(webhook_secret(self._secret, job.destination.key_id), job.id, self._now_s(), body)
        try:
            answer = self._send(webhook, data=body, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise Unavailable(f"the webhook cannot be reached: {type(error).__name__}") from error
        if not 200 <= answer.status_code < 300:
            raise Unavailable(f"the webhook answered {answer.status_code}")
        log.info("webhook told", job_id=job.id, state=state)


def webhook_secret(secret: str, key_id: str) -> bytes:
    """The secret with which the webhooks of one key are signed: told when the key is made."""
    return hmac.new(secret.encode(), f"webhook:{key_id}".encode(), hashlib.sha256).digest()


def signed_headers(secret: bytes, id: str, now_s: float, body: bytes) -> dict[str, str]:
    """The headers of one webhook."""
    moment = str(int(now_s))
    signature = hmac.new(secret, f"{id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
