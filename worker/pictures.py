"""From a job to stored pictures: plan, draw with the warm engine, tell how far it is, keep what was drawn."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import redis
import structlog
from numpy.typing import NDArray

from contract.catalogue import Catalogue
from contract.codec import job_document
from contract.jobs import GRID_SIZE, Job
from contract.plan import Plan, plan
from exchange import progress
from exchange.delivery import Outcome, done
from exchange.images import ImageStore
from model import NoiseSource, Request, Step
from worker.encoding import encode_lossless
from worker.intake import Intake
from worker.parameters import parameters_text
from worker.previews import Pace, encode_preview
from worker.render import request_for, urgency_of
from worker.watch import Watch

log = structlog.get_logger(__name__)


class Ticket(Protocol):
    """What is asked of `model.Ticket`."""

    def events(self) -> Iterator[Step]: ...
    def result(self) -> list[NDArray[np.uint8]]: ...
    def cancel(self) -> None: ...


class Engine(Protocol):
    """What is asked of `model.Engine`; tests hand in their own."""

    def submit(self, request: Request, urgency: float = 0.0) -> Ticket: ...


Enlarge = Callable[[list[NDArray[np.uint8]], bool], list[NDArray[np.uint8]]]
"""Makes finished pictures larger; the second value says whether they are tiles."""


class Studio:
    """One warm engine and the store for what it draws. One object serves many threads."""

    def __init__(
        self,
        engine: Engine,
        store: ImageStore,
        client: redis.Redis,
        catalogue: Catalogue,
        intake: Intake,
        *,
        enlarge: Enlarge | None = None,
        pace: Callable[[], Pace] = Pace,
    ) -> None:
        self._engine = engine
        self._store = store
        self._redis = client
        self._catalogue = catalogue
        self._intake = intake
        self._enlarge = enlarge
        self._pace = pace
        self._watch = Watch()

    def owed_s(self) -> float:
        """For how many seconds the engine has owed a step to anybody; 0 while nothing is being drawn."""
        return self._watch.owed_s()

    def draw(self, job: Job, *, started: Callable[[Ticket], None]) -> Outcome:
        """Draw what the store does not have yet. Repeating it draws nothing twice.

        `started` gets the ticket, so that others can cancel it. UserError for what the model cannot do and for
        links that lead to no picture; raises `model.Cancelled` and `model.ModelError`, and whatever the store raises.
        """
        if self._is_drawn(job):
            log.info("drawn before")
            if self._store.get_document(job.id) is None:
                self._store.put_record(job_document(job))
            return done()
        offered = self._catalogue.named(job.model)
        asked = plan(job, offered)
        pictures = self._intake.pictures(job)
        begun = time.monotonic()
        with self._watch.running():
            request = request_for(job, asked, image_prompts=pictures)
            ticket = self._engine.submit(request, urgency_of(job, asked))
            started(ticket)
            self._follow(job, ticket)
            images = ticket.result()
        if offered.enlargement > 1 and self._enlarge is not None:
            images = self._enlarge(images, asked.tile)
        gpu_s = round(time.monotonic() - begun, 3)
        self._keep(job, asked, images, gpu_s)
        log.info("drawn", gpu_s=gpu_s, width=asked.width, height=asked.height, steps=asked.num_inference_steps)
        return done(gpu_s=gpu_s)

    def _is_drawn(self, job: Job) -> bool:
        return all(self._store.get_image(job.id, index) is not None for index in range(job.image_count))

    def _follow(self, job: Job, ticket: Ticket) -> None:
        """Publish every step's percentage that the pace allows, with the preview that came with it."""
        pace = self._pace()
        for event in ticket.events():
            self._watch.sign_of_life()
            if event.preview is None or not pace.allows():
                continue
            preview = encode_preview(event.preview)
            percent = min(99, 100 * event.step // event.steps)
            # A job must not suffer from a Redis that is away for a moment: the next preview follows.
            with contextlib.suppress(redis.exceptions.RedisError):
                progress.publish(self._redis, progress.Progress(job.id, percent, preview))

    def _keep(self, job: Job, asked: Plan, images: list[NDArray[np.uint8]], gpu_s: float) -> None:
        """Pictures before the record: whoever finds the record finds the pictures."""
        height, width = images[0].shape[:2]
        for index, image in enumerate(images):
            text = parameters_text(job, asked, index, enlargement=width // asked.width)
            file = encode_lossless(image, parameters=text)
            self._store.put_image(job.id, index, file.data, file.extension)
        drawn = {"width": width, "height": height, "gpu_s": gpu_s, "at_ms": int(time.time() * 1000)}
        self._store.put_record({**job_document(job), "drawn": drawn})


def warm_up(engine: Engine, size: tuple[int, int]) -> None:
    """Draw a throwaway picture of `size` (width, height), so that the first user does not wait for first times."""
    width, height = size
    noises = tuple(NoiseSource(0, index) for index in range(GRID_SIZE))
    engine.submit(
        Request(
            prompt=(("a warm-up", 1.0),),
            noises=noises,
            width=width,
            height=height,
            num_inference_steps=2,
            preview_every=1,
        )
    ).result()
