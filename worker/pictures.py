"""What making a job means for every kind: a turn of its model, progress, and keeping what came out.

What a kind makes of its inputs stands in `worker.kinds`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import redis
import structlog
from numpy.typing import NDArray

from contract import planning
from contract.catalogue import Catalogue
from contract.codec import job_document
from contract.events import Drawn, Observer, Started, Step
from contract.ids import model_fingerprint_of
from contract.jobs import Job
from contract.outcomes import Done, Outcome, Texts
from contract.plan import Plan
from exchange import progress
from exchange.images import ImageStore, StoreUnavailable
from exchange.observing import log_event
from model.errors import Cancelled, DeviceError, ModelError, failure
from worker.encoding import encode_lossless
from worker.engines import Cancellable, Engines, Ticket, Warm
from worker.faults import DeviceFault, ModelFault
from worker.intake import Intake
from worker.kinds import MAKERS, Bench
from worker.parameters import enlargement_of, parameters_text
from worker.previews import Pace, encode_preview
from worker.recipes import Recipe, signed
from worker.remarks import remarks_on
from worker.render import preview_interval, urgency_of
from worker.results import NotKept, Pictures, Result, Words
from worker.signing import Signer
from worker.sources import Shelf, source_of
from worker.watch import Watch

if TYPE_CHECKING:
    from model import Request

log = structlog.get_logger(__name__)


class Studio:
    """The models on hand and the store for what they draw. One object serves many threads."""

    def __init__(
        self,
        engines: Engines,
        store: ImageStore,
        client: redis.Redis,
        catalogue: Catalogue,
        intake: Intake,
        *,
        signer: Signer | None = None,
        pace: Callable[[], Pace] = Pace,
        observe: Observer = log_event,
    ) -> None:
        """signer: gives every picture its content credentials."""
        self._signer = signer
        self._engines = engines
        self._store = store
        self._shelf = Shelf(store)
        self._redis = client
        self._catalogue = catalogue
        self._intake = intake
        self._pace = pace
        self._observe = observe
        self._watch = Watch()

    def owed_s(self) -> float:
        """For how many seconds the engine has owed a step to anybody, or a model has been loading for too long.

        0 while nothing is being drawn.
        """
        return max(self._watch.owed_s(), self._engines.overdue_s())

    def make(self, job: Job, *, started: Callable[[Cancellable], None]) -> Outcome:
        """Make what the store does not have yet. Repeating it makes nothing twice.

        `started` gets what the job waits for, so that others can cancel it: its place in the line for its model, if
        that has to be loaded, then its ticket. UserError for what the model cannot do and for links that lead to no
        picture; LoadFailed, DeviceFault, ModelFault, `model.Cancelled`, and NotKept when the store takes nothing.
        """
        made = None
        try:
            made = self._made_before(job)
        except StoreUnavailable as error:
            log.warning("it is not known whether this was made before", error=str(error))
        if made is not None:
            log.info("made before")
            return made
        job, plan = self._planned(job)
        self._observe(Started(job))
        pictures = self._intake.pictures(job, started)
        with self._engines.lent(job.model, started) as warm:
            begun = time.monotonic()
            result = self._made(job, plan, pictures, warm, started)
            if isinstance(result, Pictures):
                remarks = remarks_on(job, self._catalogue.named(job.model).title, warm.unread)
                result = replace(result, remarks=remarks)
            gpu_s = round(time.monotonic() - begun, 3)
        self._observe(Drawn(job, gpu_s))
        try:
            return self._keep(job, plan, result, gpu_s)
        except StoreUnavailable as error:
            raise NotKept(str(error), result) from error

    def _keep(self, job: Job, plan: Plan, result: Result, gpu_s: float) -> Outcome:
        match result:
            case Pictures(images=images, remarks=remarks):
                self._keep_pictures(job, plan, images, gpu_s)
                return Done(gpu_s, remarks)
            case Words(texts=texts):
                self._store.put_record({**job_document(job), "texts": list(texts), "drawn": _drawn(gpu_s)})
                return Texts(tuple(texts), gpu_s)

    def _made_before(self, job: Job) -> Outcome | None:
        """What an earlier try brought about, as far as the store has it; None when something has to be made."""
        document = self._store.get_document(job.id)
        if job.image_count == 0:
            return None if document is None or "texts" not in document else Texts(tuple(document["texts"]))
        if any(self._store.get_image(job.id, index) is None for index in range(job.image_count)):
            return None
        if document is None:
            self._store.put_record(job_document(job))
        return Done()

    def _planned(self, job: Job) -> tuple[Job, Plan]:
        """`job` with the plan it was accepted with. What version 0.1 accepted had none: it gets one now."""
        model = self._catalogue.named(job.model)
        if not job.request.keeps_picture and model_fingerprint_of(job.id) != model.fingerprint:
            log.warning("drawn with another revision of the model than was asked for", model=job.model)
        plan = job.plan or planning.plan(job, model)
        return replace(job, plan=plan), plan

    def _made(
        self,
        job: Job,
        plan: Plan,
        pictures: list[NDArray[np.uint8]],
        warm: Warm,
        started: Callable[[Cancellable], None],
        indices: Sequence[int] | None = None,
    ) -> Result:
        """What comes out of a job, or of those of its pictures that are wanted."""

        def draw_each(requests: Sequence[Request]) -> Iterator[list[NDArray[np.uint8]]]:
            urgency, interval = urgency_of(job, plan), preview_interval(plan)
            for number, request in enumerate(requests):
                with _blamed(job.model), self._watch.running():
                    ticket = warm.engine.submit(request, urgency=urgency, preview_every=interval)
                    started(ticket)
                    self._follow(job, ticket, number, len(requests))
                    images = ticket.result()
                yield images

        def enlarge(images: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
            with _blamed(job.model):
                return warm.enlarge(images, plan.tile) if warm.enlarge is not None else images

        def upscale(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            with _blamed(job.model):
                return warm.upscale(picture)

        def again(source: Job, index: int) -> NDArray[np.uint8]:
            source, its_plan = self._planned(source)
            result = self._made(
                source, its_plan, self._intake.pictures(source, started), warm, started, indices=(index,)
            )
            assert isinstance(result, Pictures), "only pictures have descendants"
            self._shelf.keep(source.id, index, result.images[0])
            return result.images[0]

        source = source_of(job, self._shelf.find, again) if job.ancestors else None
        wanted = range(job.image_count) if indices is None else indices
        return MAKERS[job.request.kind](Bench(job, plan, pictures, wanted, draw_each, enlarge, upscale, source))

    def _follow(self, job: Job, ticket: Ticket, number: int, of: int) -> None:
        """Publish every step's percentage that the pace allows, with the preview that came with it.

        The ticket is number `number`, from 0, of as many.
        """
        pace = self._pace()
        for event in ticket.events():
            self._watch.sign_of_life()
            self._observe(Step(job, event.step, event.steps))
            if event.preview is None or not pace.allows():
                continue
            preview = encode_preview(event.preview)
            percent = min(99, 100 * (number * event.steps + event.step) // (of * event.steps))
            # A job must not suffer from a Redis that is away for a moment: the next preview follows.
            with contextlib.suppress(redis.exceptions.RedisError):
                progress.publish(self._redis, progress.Progress(job.id, percent, preview))

    def _keep_pictures(self, job: Job, plan: Plan, images: Sequence[NDArray[np.uint8]], gpu_s: float) -> None:
        """Pictures before the record: a reader that finds the record finds the pictures."""
        height, width = images[0].shape[:2]
        for index, image in enumerate(images):
            text = parameters_text(job, index, enlargement=enlargement_of(job, width, height))
            file = signed(self._signer, encode_lossless(image, parameters=text), Recipe(job, index))
            self._store.put_image(job.id, index, file.data, file.extension)
        self._store.put_record({**job_document(job), "drawn": _drawn(gpu_s, width=width, height=height)})


def _drawn(gpu_s: float, **size: int) -> dict[str, Any]:
    """What a record says of the making."""
    return {**size, "gpu_s": gpu_s, "at_ms": int(time.time() * 1000)}


@contextlib.contextmanager
def _blamed(model: str) -> Iterator[None]:
    """DeviceFault or ModelFault for what breaks inside: it says at whose door the failure lies."""
    try:
        yield
    except Cancelled:
        raise
    except (ModelError, RuntimeError) as error:
        reason = failure("The picture failed", error)
        if isinstance(reason, DeviceError):
            raise DeviceFault(str(reason)) from error
        raise ModelFault(model, str(reason)) from error
