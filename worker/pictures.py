"""What making a job means for every kind: a turn of its model, progress, and keeping what came out.

What a kind makes of its inputs stands in `worker.kinds`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import redis
import structlog
from numpy.typing import NDArray

from contract import planning
from contract.catalogue import Catalogue
from contract.codec import job_document
from contract.errors import UserError
from contract.events import Drawn, Observer, Stage, Started, Step
from contract.ids import model_fingerprint_of
from contract.jobs import Job
from contract.outcomes import Done, Outcome, Texts
from contract.plan import Plan
from exchange import progress
from exchange.images import ImageStore, StoreUnavailable
from exchange.observing import log_event, timed
from exchange.weather import Weather
from model.errors import Cancelled, DeviceError, ModelError, failure
from model.ways import Ways, joined
from worker.encoding import Encoded, encode_lossless
from worker.engines import Cancellable, Engines, Ticket, Warm
from worker.faults import DeviceFault, ModelFault
from worker.finishing import enlarged, finished, paints
from worker.intake import Intake
from worker.kinds import MAKERS, Bench
from worker.parameters import enlargement_of, parameters_text
from worker.precedence import Precedence
from worker.previews import Pace, encode_preview
from worker.recipes import DrawnBy, Recipe, of_both, signed
from worker.remarks import noted, remarks_in, remarks_on
from worker.render import preview_interval, urgency_of
from worker.results import Animation, NotKept, Pictures, Result, Words
from worker.screening import Screen
from worker.signing import Signer
from worker.sources import Shelf, Source, source_of
from worker.watch import Watch

if TYPE_CHECKING:
    from model import Request
    from model.describing import Draw

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
        screen: Screen | None = None,
        pace: Callable[[], Pace] = Pace,
        observe: Observer = log_event,
    ) -> None:
        """`signer` gives every picture its content credentials, `screen` looks at previews before they are shown."""
        self._screen = screen or Screen(None, client)
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
        self._weather = Weather("the image store")
        self._precedence = Precedence()

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
        source = self._source_of_another(job, started)
        with self._engines.lent(job.model, started) as warm:
            begun = time.monotonic()
            result = self._made(job, plan, pictures, warm, started, source=source)
            if plan.cost:
                remarks = remarks_on(job, self._catalogue.named(job.model).title, warm.unread)
                result = replace(result, remarks=remarks)
            gpu_s = round(time.monotonic() - begun, 3)
        self._observe(Drawn(job, gpu_s))
        try:
            with timed(self._observe, Stage.ENCODE, job):
                outcome = self._keep(job, result, gpu_s)
        except (
            StoreUnavailable,
            OSError,
        ) as error:  # the store as a whole, or a link where this job's folder should be
            self._weather.bad(error)
            raise NotKept(str(error), result) from error
        self._weather.good()
        return outcome

    def shaped(self, job: Job, *, started: Callable[[Cancellable], None]) -> Job:
        """`job` as it is drawn and kept: in the shape of the picture that it changes, where it says no other. Errors as
        `make`."""
        if not planning.awaits_shape(job):
            return job
        pictures = dict(zip(job.links, self._intake.pictures(job, started), strict=True))
        height, width = pictures[job.prompt.parameters.edit[0].value].shape[:2]
        return planning.shaped(job, width, height, self._catalogue.named(job.model))

    def _keep(self, job: Job, result: Result, gpu_s: float) -> Outcome:
        """Pictures before the record: a reader that finds the record finds the pictures."""
        record = {**job_document(job), **noted(result.remarks)}
        match result:
            case Pictures(images=images, remarks=remarks):
                self._keep_pictures(job, images, result.drawn_by)
                height, width = images[0].shape[:2]
                drawn = _drawn(gpu_s, width=width, height=height)
                self._store.put_record({**record, "drawn": drawn, **self._screen.noted(job, result)})
                return Done(gpu_s, remarks)
            case Animation(data=data, remarks=remarks):
                file = signed(self._signer, Encoded(data, "webp"), Recipe(job, 0, result.drawn_by))
                self._store.put_image(job.id, 0, file.data, file.extension)
                self._store.put_record({**record, "drawn": _drawn(gpu_s), **self._screen.noted(job, result)})
                return Done(gpu_s, remarks)
            case Words(texts=texts, influence=influence, remarks=remarks):
                made = {"texts": list(texts), "influence": list(influence), "drawn": _drawn(gpu_s)}
                self._store.put_record({**record, **made})
                return Texts(tuple(texts), gpu_s, tuple(influence), remarks)

    def _made_before(self, job: Job) -> Outcome | None:
        """What an earlier try brought about, as far as the store has it; None when something has to be made."""
        document = self._store.get_document(job.id)
        if job.image_count == 0:
            if document is None or "texts" not in document:
                return None
            influence = tuple(document.get("influence", ()))
            return Texts(tuple(document["texts"]), influence=influence, remarks=remarks_in(document))
        if any(self._store.get_image(job.id, index) is None for index in range(job.image_count)):
            return None
        if document is None:
            self._store.put_record(job_document(job))
        return Done(remarks=remarks_in(document))

    def _planned(self, job: Job) -> tuple[Job, Plan]:
        """`job` with the plan it was accepted with. What version 0.1 accepted had none: it gets one now."""
        model = self._catalogue.named(job.model)
        if not job.request.keeps_picture and model_fingerprint_of(job.id) != model.fingerprint:
            log.warning("drawn with another revision of the model than was asked for", model=job.model)
        plan = job.plan or planning.plan(job, model)
        return replace(job, plan=plan), plan

    def _source_of_another(self, job: Job, started: Callable[[Cancellable], None]) -> Source | None:
        """The picture that a job starts from, where another model drew it; None where its own will do. UserError
        `source_lost` for one that nobody here can draw again."""
        drew = self._catalogue.drew(job.ancestors[-1].id) if job.ancestors else None
        if drew is None or drew.name == job.model or job.ancestors[-1].request.links:
            return None

        def again(source: Job, index: int) -> Source:
            if drew.name not in self._engines.offered:
                raise UserError("source_lost", model=drew.title)
            with self._engines.lent(drew.name, started) as warm:
                return self._drawn_again(source, index, warm, started)

        return source_of(replace(job, model=drew.name), self._shelf.find, again)

    def _drawn_again(self, source: Job, index: int, warm: Warm, started: Callable[[Cancellable], None]) -> Source:
        """A picture that the store has lost, and has again from here on."""
        source, plan = self._planned(source)
        result = self._made(source, plan, self._intake.pictures(source, started), warm, started, indices=(index,))
        assert isinstance(result, Pictures), "only pictures have descendants"
        self._shelf.keep(source.id, index, result.images[0])
        return Source(result.images[0], result.drawn_by)

    def _made(
        self,
        job: Job,
        plan: Plan,
        pictures: list[NDArray[np.uint8]],
        warm: Warm,
        started: Callable[[Cancellable], None],
        indices: Sequence[int] | None = None,
        source: Source | None = None,
    ) -> Result:
        """What comes out of a job, or of those of its pictures that are wanted. `source` is what it starts from, where
        that is at hand."""
        ways: list[Ways] = []

        def draw_each(requests: Sequence[Request]) -> Iterator[list[NDArray[np.uint8]]]:
            urgency, interval = urgency_of(job, plan), preview_interval(plan)
            for number, request in enumerate(requests):
                with _blamed(job.model), self._watch.running():
                    ticket = warm.engine.submit(request, urgency=urgency, preview_every=interval)
                    try:
                        started(ticket)
                        with self._precedence.drawing(job.model, urgency, ticket):
                            self._follow(job, ticket, number, len(requests))
                            images = ticket.result()
                            ways.append(ticket.ways)
                    finally:
                        ticket.cancel()  # when something else breaks, nobody wants it, and it may have been paused
                yield images

        def draw_together(requests: Sequence[Request]) -> list[list[NDArray[np.uint8]]]:
            if not requests:  # such as the things of a map that shows none
                return []
            urgency, interval = urgency_of(job, plan), preview_interval(plan)
            tickets: list[Ticket] = []
            with _blamed(job.model), self._watch.running(), contextlib.ExitStack() as drawing:
                try:
                    for request in requests:
                        tickets.append(warm.engine.submit(request, urgency=urgency, preview_every=interval))
                        started(tickets[-1])
                        drawing.enter_context(self._precedence.drawing(job.model, urgency, tickets[-1]))
                    self._follow(job, tickets[-1], 0, 1)  # whoever came last is drawn last
                    results = [ticket.result() for ticket in tickets]
                    ways.extend(ticket.ways for ticket in tickets)
                    return results
                finally:
                    for ticket in tickets:  # of one that broke the others are not wanted either
                        ticket.cancel()

        def finish(images: list[NDArray[np.uint8]], request: Request) -> list[NDArray[np.uint8]]:
            with _blamed(job.model):
                return finished(warm, plan, images, request)

        def enlarge(images: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
            with _blamed(job.model):
                return enlarged(warm, plan, images)

        def upscale(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            with _blamed(job.model):
                return warm.upscale(picture)

        def describe(picture: NDArray[np.uint8], seed: int, draw: Draw | None = None) -> Sequence[str]:
            assert warm.describe is not None, "it is asked for only where it is"
            with _blamed(job.model):
                return warm.describe(picture, seed, draw)

        def again(lost: Job, index: int) -> Source:
            return self._drawn_again(lost, index, warm, started)

        if source is None and job.ancestors:
            source = source_of(job, self._shelf.find, again)
        wanted = range(job.image_count) if indices is None else indices
        bench = Bench(
            job,
            plan,
            dict(zip(job.links, pictures, strict=True)),
            wanted,
            draw_each,
            finish,
            partial(paints, warm),
            enlarge,
            upscale,
            draw_together=draw_together,
            read=warm.read,
            describe=describe if warm.describe is not None else None,
            source=None if source is None else source.picture,
            find=self._shelf.picture,
        )
        result = MAKERS[job.request.kind](bench)
        if isinstance(result, Words):
            return result
        return replace(result, drawn_by=of_both(() if source is None else source.drawn_by, job, joined(ways)))

    def _follow(self, job: Job, ticket: Ticket, number: int, of: int) -> None:
        """Publish every step's percentage that the pace allows, with the preview that came with it.

        The ticket is number `number`, from 0, of as many.
        """
        pace = self._pace()
        for event in ticket.events():
            self._watch.sign_of_life()
            self._precedence.step()
            self._observe(Step(job, event.step, event.steps))
            if event.preview is None or not pace.allows():
                continue
            shown = self._screen.may_preview(job, event.preview)
            preview = encode_preview(event.preview) if shown else None
            percent = min(99, 100 * (number * event.steps + event.step) // (of * event.steps))
            # A job must not suffer from a Redis that is away for a moment: the next preview follows.
            with contextlib.suppress(redis.exceptions.RedisError):
                progress.publish(self._redis, progress.Progress(job.id, percent, preview))

    def _keep_pictures(self, job: Job, images: Sequence[NDArray[np.uint8]], drawn_by: DrawnBy) -> None:
        height, width = images[0].shape[:2]
        for index, image in enumerate(images):
            text = parameters_text(job, index, enlargement=enlargement_of(job, width, height))
            file = signed(self._signer, encode_lossless(image, parameters=text), Recipe(job, index, drawn_by))
            self._store.put_image(job.id, index, file.data, file.extension)


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
