"""What a job's end means: a result is handed over, a failure told, a cancelled job stopped; each once.

Results are posted before the waiting message goes, so that a crash between leaves both, never none. Nothing here
knows how a place is reached; that is its `Door`. No torch, so it can run alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace

import redis
import structlog

from contract import events, planning
from contract.catalogue import Catalogue
from contract.codec import job_document
from contract.errors import EaselError, MalformedDocument, UserError
from contract.events import Observer
from contract.jobs import Job
from contract.moderation import SCREENED, Weight, scores_in
from contract.outcomes import Cancelled, Done, Failed, JobState, Outcome, Refused, Stored, Texts
from contract.remarks import Remark
from exchange import accounts
from exchange.delivery import (
    DeliveryState,
    MessageRef,
    begin_post,
    delivery_state,
    enqueue_rendering,
    record_ended,
    record_posted,
)
from exchange.images import ImageStore, StoreUnavailable
from exchange.observing import log_event
from worker.delivery.door import Door, Unavailable
from worker.encoding import is_animated, read_pixels
from worker.intake import input_name
from worker.joining import Picture
from worker.leases import RetryLater
from worker.recipes import drawn_by
from worker.remarks import remarks_in
from worker.results import Animation, Pictures, Result, Words
from worker.screening import CannotScreen, Screen, looks_of

log = structlog.get_logger(__name__)

PATIENCE_MS = 600_000
"""How long pictures may be missing from the store (a network folder lags), or anything unforeseen go wrong, before the
user is told."""

AWAY_PATIENCE_MS = 3 * 86_400_000
"""How long a finished picture waits for a place that is away."""
SHORTEST_DELAY_S, LONGEST_DELAY_S = 5.0, 600.0


class PicturesMissing(EaselError):
    """The job was rendered, but this host does not see its pictures in the store."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a job: delivered as `message` (None when that is deleted again), cancelled, failed with the error
    `kind` told by `way` (None when nobody could be told), or queued, because its pictures have to be drawn again."""

    state: JobState
    message: MessageRef | None = None
    kind: str | None = None
    way: str | None = None


class Delivery:
    """Ends jobs. One object serves many threads."""

    def __init__(
        self,
        doors: Mapping[str, Door],
        store: ImageStore,
        client: redis.Redis,
        catalogue: Catalogue,
        *,
        screen: Screen | None = None,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        observe: Observer = log_event,
    ) -> None:
        """`doors` are the places by the `kind` of a destination. `screen` looks at pictures; without one nothing that
        has to be looked at is handed over."""
        self._doors = doors
        self._store = store
        self._redis = client
        self._catalogue = catalogue
        self._screen = screen or Screen(None, client)
        self._now_ms = now_ms
        self._observe = observe

    def deliver(self, job: Job, outcome: Outcome) -> Ended:
        """End `job` with its outcome. Repeating it is harmless.

        Raises only what a later try may mend: RetryLater while the place is away, PicturesMissing, Redis or store
        errors.
        """
        known = delivery_state(self._redis, job.id)
        try:
            return self._end(job, outcome, known)
        except Unavailable as error:
            return self._wait(job, error)
        except (PicturesMissing, redis.exceptions.RedisError):
            raise
        except Exception as error:
            # Whatever it is may pass. When it does not, a person is waiting who should hear of it.
            if self._tried_for_ms(job) < PATIENCE_MS:
                raise
            log.exception("the delivery keeps failing")
            told = UserError("picture_unchecked") if isinstance(error, CannotScreen) else UserError("job_failed")
            return self._fail(job, known, told, f"{type(error).__name__}: {error}")

    def takes_from_memory(self, job: Job) -> bool:
        """Whether the job's place takes a result that the store does not have."""
        return self._door(job).takes_from_memory

    def hand_over(self, job: Job, result: Result) -> Ended:
        """Post a result from memory, because the store does not take it. Repeating it is harmless.

        RetryLater while the place is away.
        """
        known = delivery_state(self._redis, job.id)
        try:
            if known.posted is not None:
                return self._finish(job, known, known.posted)
            return self._hand_over(job, known, result, kept=False)
        except Unavailable as error:
            return self._wait(job, error)

    def _end(self, job: Job, outcome: Outcome, known: DeliveryState) -> Ended:
        if known.posted is not None:
            return self._finish(job, known, known.posted)
        match outcome:
            case Done() if job.request.in_place:  # its delivery was lost, and its texts with that
                words = self._words(job)
                if words is not None:
                    return self._hand_over(job, known, words)
                return self._unless_handed_over(job, known, "texts_missing")
            case Stored() | Done():
                pictures = self._pictures(job)
                if pictures is not None:
                    remarks = outcome.remarks if isinstance(outcome, Done) else ()
                    return self._hand_over(job, known, replace(pictures, remarks=remarks))
                if self._store.get_input(job.id, "withheld/0") is not None:
                    return self._fail(job, known, self._screen.refusal(job))
                again = self._draw_again if isinstance(outcome, Stored) else self._await_pictures
                return again(job, known)
            case Texts():
                words = Words(outcome.texts, outcome.influence, self._input(job), outcome.remarks)
                return self._hand_over(job, known, words)
            case Cancelled():
                self._door(job).stop(job, known)
                record_ended(self._redis, job.id, JobState.CANCELLED)
                self._observe(events.Cancelled(job))
                return Ended(JobState.CANCELLED)
            case Refused():
                self._observe(events.Refused(job.user.id, outcome.kind, job))
                return self._fail(job, known, outcome.error)
            case Failed(reason=reason):
                # It may have been drawn all the same, such as by a worker that died just then.
                with suppress(StoreUnavailable):
                    made = self._pictures(job) if job.image_count else self._words(job)
                    if made is not None:
                        return self._hand_over(job, known, replace(made, remarks=self._remarks(job)))
                # Or handed over, such as from memory since the store took nothing, by one that died before it said so.
                return self._unless_handed_over(job, known, reason)

    def _unless_handed_over(self, job: Job, known: DeliveryState, reason: str) -> Ended:
        """A failure, unless the place shows a result: then that is the end, and only has to be noted."""
        posted = self._door(job).handed_over(job, known)
        if posted is None:
            return self._fail(job, known, UserError("job_failed"), reason)
        record_posted(self._redis, job.id, posted, JobState.DELIVERED)
        return self._finish(job, known, posted)

    # ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _hand_over(self, job: Job, known: DeliveryState, result: Result, *, kept: bool = True) -> Ended:
        if isinstance(result, Words):
            result = self._without_picture(job, result)
        else:
            result = self._looked_at(job, result)
            if result.adult and self._screen.screening(job).weight.refuses:
                return self._refuse(job, known, kept=kept)
        try:
            posted = self._door(job).post(job, known, result, begin_post(self._redis, job.id).first_try_ms)
        except UserError as error:
            return self._fail(job, known, error, str(error.__cause__ or ""))
        if posted is None:
            log.info("posted before and deleted since")
            self._door(job).clear(job, known, None)
            record_ended(self._redis, job.id, JobState.DELIVERED)
            return Ended(JobState.DELIVERED)
        record_posted(self._redis, job.id, posted, JobState.DELIVERED)
        return self._finish(job, known, posted)

    def _looked_at(self, job: Job, result: Pictures | Animation) -> Pictures | Animation:
        """`result`, and whether it is for adults and is to be hidden. CannotScreen when nobody can say."""
        screening = self._screen.screening(job)
        if not self._screen.asks(job):
            return replace(result, veiled=screening.veiled)
        adult = max(self._scores(job, result)) >= screening.threshold
        if adult:
            self._screen.noticed(job)
        hidden = adult and screening.weight in (Weight.SOFT, Weight.LIGHT)
        return replace(result, adult=adult, veiled=screening.veiled or hidden)

    def _without_picture(self, job: Job, result: Words) -> Words:
        """`result` without the picture that it is about, when that would have to be hidden: there is no veil for it."""
        screening = self._screen.screening(job)
        if result.picture is None or screening.weight.rank < Weight.SOFT.rank:
            return result
        [score] = self._screen.scores([result.picture])
        return replace(result, picture=None) if score >= screening.threshold else result

    def _scores(self, job: Job, result: Pictures | Animation) -> list[float]:
        """As they were noted when the pictures were drawn, else looked at now, and noted."""
        document = None
        with suppress(StoreUnavailable, MalformedDocument):
            document = self._store.get_document(job.id)
        known = scores_in(document)
        if known:
            return known
        scores = self._screen.scores(looks_of(result))
        with suppress(StoreUnavailable):
            self._store.put_record({**(document or job_document(job)), SCREENED: scores})
        return scores

    def _refuse(self, job: Job, known: DeliveryState, *, kept: bool) -> Ended:
        """What may not be shown goes out of sight before anybody is told: only moderators find it there. Of what the
        store never took (`kept` is false) there is nothing to hide."""
        with nullcontext() if kept else suppress(StoreUnavailable):
            self._store.withhold(job.id)
        return self._fail(job, known, self._screen.refusal(job))

    def _finish(self, job: Job, known: DeliveryState, posted: MessageRef) -> Ended:
        """What follows once the last message stands."""
        if known.state is JobState.FAILED:
            self._door(job).stop(job, known)
            return Ended(JobState.FAILED, posted)
        self._door(job).clear(job, known, posted)
        gpu_s = self._gpu_s(job)
        accounts.record(self._redis, job, job.prompt.echo, posted, images=job.image_count, gpu_s=gpu_s)
        self._observe(events.Delivered(job))
        return Ended(JobState.DELIVERED, posted)

    def _gpu_s(self, job: Job) -> float:
        """What the pictures took; 0 when the record cannot be read."""
        try:
            return float((self._store.get_document(job.id) or {}).get("drawn", {}).get("gpu_s", 0.0))
        except (StoreUnavailable, MalformedDocument, AttributeError, TypeError, ValueError) as error:
            log.warning("what a job took is not known", error=str(error))
            return 0.0

    def _draw_again(self, job: Job, known: DeliveryState) -> Ended:
        """A picture that the store has lost is drawn again from its line of generations, by a slot with a GPU."""
        try:
            plan = job.plan or planning.plan(job, self._catalogue.named(job.model))
        except UserError as error:
            return self._fail(job, known, error)
        enqueue_rendering(self._redis, replace(job, plan=plan))
        log.info("picture is not in the store, it is rendered again")
        return Ended(JobState.QUEUED)

    def _await_pictures(self, job: Job, known: DeliveryState) -> Ended:
        """It was drawn just now, so the store may only lag behind."""
        if self._tried_for_ms(job) < PATIENCE_MS:
            raise PicturesMissing(f"the image store has no pictures of {job.id}: do all hosts share IMAGE_STORE?")
        return self._fail(job, known, UserError("job_failed"), "pictures_missing")

    def _pictures(self, job: Job) -> Pictures | Animation | None:
        """The job's pictures from the store; None when one is missing or damaged."""
        files = [file for index in range(job.image_count) if (file := self._file(job, index)) is not None]
        if len(files) < job.image_count:
            return None
        try:
            if len(files) == 1 and is_animated(files[0]):
                return Animation(files[0], drawn_by=drawn_by(files[0]))
            return Pictures(tuple(read_pixels(file) for file in files), drawn_by=drawn_by(files[0]))
        except (OSError, SyntaxError, ValueError) as error:  # all of them mean a damaged file to Pillow
            log.error("a stored picture is damaged", error=str(error))
            return None

    def _words(self, job: Job) -> Words | None:
        """The job's texts from its record; None when there are none, or it cannot be read."""
        try:
            document = self._store.get_document(job.id)
            texts = (document or {}).get("texts")
            if not texts:
                return None
            assert document is not None, "it has texts"
            return Words(list(texts), tuple(document.get("influence", ())), self._input(job), remarks_in(document))
        except (StoreUnavailable, MalformedDocument, TypeError) as error:
            log.warning("the texts of a job cannot be read", error=str(error))
            return None

    def _remarks(self, job: Job) -> tuple[Remark, ...]:
        """Those in the job's record; none when it cannot be read."""
        try:
            return remarks_in(self._store.get_document(job.id))
        except (StoreUnavailable, MalformedDocument) as error:
            log.warning("what was to be said of a picture is not known", error=str(error))
            return ()

    def _input(self, job: Job) -> Picture | None:
        """The picture that a job's texts are about; None when there is none, or the store cannot give it."""
        if not job.links:
            return None
        try:
            file = self._store.get_input(job.id, input_name(0))
            return None if file is None else read_pixels(file)
        except (StoreUnavailable, OSError, SyntaxError, ValueError) as error:  # as of a damaged file
            log.warning("the picture that was described cannot be shown", error=str(error))
            return None

    def _file(self, job: Job, index: int) -> bytes | None:
        """Picture `index` as a file, from the first place that has it."""
        for place in job.places(index):
            file = self._store.get_image(*place)
            if file is not None:
                if place != (job.id, index):
                    self._keep_as_well(job, index, file)
                return file
        return None

    def _keep_as_well(self, job: Job, index: int, file: bytes) -> None:
        """Under the job's own id, because its buttons must outlive the grid. A full store stops nobody."""
        try:
            self._store.put_image(job.id, index, file)
            self._store.put_record(job_document(job))
        except StoreUnavailable as error:
            log.warning("a picture could not be kept under its own job", error=str(error))

    # ── bad news ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _fail(self, job: Job, known: DeliveryState, error: UserError, reason: str = "") -> Ended:
        reason = reason or str(error)
        self._record_reason(job, error.kind, reason)
        told = self._door(job).tell(job, known, error, begin_post(self._redis, job.id).first_try_ms)
        if told is None:
            self._observe(events.Failed(job, error.kind, reason, None))
            record_ended(self._redis, job.id, JobState.FAILED)
            return Ended(JobState.FAILED, kind=error.kind)
        if told.message is not None:
            record_posted(self._redis, job.id, told.message, JobState.FAILED)
        else:
            record_ended(self._redis, job.id, JobState.FAILED)
        self._observe(events.Failed(job, error.kind, reason, told.way))
        if told.way != "edit":
            self._door(job).stop(job, known)
        return Ended(JobState.FAILED, told.message, error.kind, told.way)

    def _wait(self, job: Job, error: Unavailable) -> Ended:
        """Ever more patiently, for days if need be: the picture is made and safe, and nobody else can post it."""
        waited_ms = self._tried_for_ms(job)
        if waited_ms < AWAY_PATIENCE_MS:
            delay_s = min(LONGEST_DELAY_S, max(SHORTEST_DELAY_S, waited_ms / 2000))
            raise RetryLater(delay_s, str(error), burns_try=False) from error
        log.error("the place stayed away, giving up", waited_h=round(waited_ms / 3_600_000))
        self._record_reason(job, "discord_away", str(error))
        record_ended(self._redis, job.id, JobState.FAILED)
        return Ended(JobState.FAILED, kind="discord_away")

    def _record_reason(self, job: Job, kind: str, reason: str) -> None:
        """For the operator. The telling must not depend on it: the store may be what failed."""
        try:
            document = self._store.get_document(job.id) or job_document(job)
            self._store.put_record({**document, "failure": {"kind": kind, "reason": reason, "at_ms": self._now_ms()}})
        except (StoreUnavailable, MalformedDocument) as error:
            log.warning("the reason of a failure could not be kept", error=str(error))

    def _tried_for_ms(self, job: Job) -> int:
        """Milliseconds since the first try; 0 at the first, which this notes."""
        first_try_ms = begin_post(self._redis, job.id).first_try_ms
        return self._now_ms() - first_try_ms if first_try_ms is not None else 0

    def _door(self, job: Job) -> Door:
        return self._doors[job.destination.kind]
