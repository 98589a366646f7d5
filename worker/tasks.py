"""The functions RQ calls, by the names in `exchange.tasks`. A process equips them once, at its start.

Importing this needs no torch: a process that only delivers has none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import redis
import structlog

from contract.codec import decode_job
from contract.errors import EaselError
from contract.events import Observer, Stage
from contract.outcomes import Done, decode_outcome, encode_outcome
from exchange.delivery import enqueue_delivery
from exchange.observing import log_event, timed
from worker.leases import RetryLater, current_lease, on_cancel
from worker.results import NotKept

if TYPE_CHECKING:
    from worker.delivery.ending import Delivery
    from worker.engines import Cancellable
    from worker.intake import Intake
    from worker.pictures import Studio


log = structlog.get_logger(__name__)

STORE_DELAY_S = 10.0
"""How long a drawing waits that a full store has thrown away: a device has better things to do than to repeat it."""


class NotEquipped(EaselError):
    """A task was called in a process that cannot do it; another one can."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What this process works with; None for what it does not do."""

    client: redis.Redis
    studio: Studio | None = None
    delivery: Delivery | None = None
    intake: Intake | None = None
    observe: Observer = log_event
    """Hears how long each took."""


_tools: Tools | None = None


def equip(tools: Tools | None) -> None:
    """Hand this process its tools, before any slot takes a job; None takes them away."""
    global _tools
    _tools = tools


def intake(job: str) -> None:
    """Bring in the pictures that a job is made from; its drawing follows from the settling (`worker.settling`). Errors
    as `worker.intake.Intake.take_in`."""
    decoded = decode_job(job)
    if _tools is None or _tools.intake is None:
        raise NotEquipped("this process brings nothing in: it should not serve the intake queue")
    with timed(_tools.observe, Stage.INTAKE, decoded):
        _tools.intake.take_in(decoded, started=lambda reading: on_cancel(decoded.id, reading.cancel))


def render(job: str) -> str:
    """Draw a job's pictures into the store and make their delivery. The outcome, as JSON.

    Of a store that takes nothing the picture does not depend: it is posted at once. Where its place takes only what is
    stored, it is drawn once more later (RetryLater).

    Errors as `worker.pictures.Studio.make`.
    """
    decoded = decode_job(job)
    if _tools is None or _tools.studio is None:
        raise NotEquipped("this process draws nothing: it should not serve the render queue")
    lease = current_lease()

    def started(waiting: Cancellable) -> None:
        on_cancel(decoded.id, waiting.cancel)

    decoded = _tools.studio.shaped(decoded, started=started)
    try:
        outcome = _tools.studio.make(decoded, started=started)
    except NotKept as error:
        if _tools.delivery is None or (lease is not None and lease.reason is not None):
            raise
        if not _tools.delivery.takes_from_memory(decoded):
            raise RetryLater(STORE_DELAY_S, str(error), burns_try=False) from error
        log.warning("the store takes nothing, the result is posted from memory", error=str(error))
        _tools.delivery.hand_over(decoded, error.result)
        return encode_outcome(Done())
    enqueue_delivery(_tools.client, decoded, outcome, lease.key if lease else None)
    return encode_outcome(outcome)


def deliver(job: str, outcome: object) -> dict[str, Any]:
    """End a job and say what became of it, as JSON. Errors as `worker.delivery.ending.Delivery.deliver`."""
    decoded = decode_job(job)
    if _tools is None or _tools.delivery is None:
        raise NotEquipped("this process delivers nothing: it should not serve the deliver queue")
    with timed(_tools.observe, Stage.DELIVER, decoded):
        return asdict(_tools.delivery.deliver(decoded, decode_outcome(outcome)))
