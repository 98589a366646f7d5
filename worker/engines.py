"""The models a worker process offers, one of them loaded at a time: lent to jobs, exchanged when nobody uses it.

The queue sees to it that a batch is of one model (`Engines.wants`, `worker.slots`): while jobs run, only their model's
come in; when another model's job has been passed over often enough nobody comes in, the batch runs out, and the job
that is claimed next brings its model. Loading happens in that job's own slot: the heartbeat goes on, and other slots
may already claim for the new model and wait here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.errors import EaselError
from worker.leases import RetryLater
from worker.slots import Wants

if TYPE_CHECKING:
    from model import Request, Step
    from model.unread import Unread

REFUSED_S = 600.0
"""How long a model that failed job after job is not drawn with here."""
REST_S = 5.0
"""A model that could not be loaded is left alone for so long: its jobs go back and may find another worker."""
LOADING_MAX_S = 900.0
"""A load that takes longer counts as a hung device. The first one of a model may have to fetch it, so it is long."""

log = structlog.get_logger(__name__)


class Cancellable(Protocol):
    """What a job waits for: a ticket, or a place in the line for its model."""

    def cancel(self) -> None: ...


class Ticket(Cancellable, Protocol):
    """What is asked of `model.Ticket`."""

    def events(self) -> Iterator[Step]: ...
    def result(self) -> list[NDArray[np.uint8]]: ...


class Engine(Protocol):
    """What is asked of `model.Engine`; tests hand in their own."""

    def submit(self, request: Request, *, urgency: float = 0.0, preview_every: int = 0) -> Ticket: ...
    def close(self) -> None: ...


Enlarge = Callable[[list[NDArray[np.uint8]], bool], list[NDArray[np.uint8]]]
"""Makes finished pictures larger; the second value says whether they are tiles."""


def enlarged_plainly(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four times as large on a side without a network: every pixel becomes a square."""
    return picture.repeat(4, axis=0).repeat(4, axis=1)


@dataclass(frozen=True, slots=True)
class Warm:
    """A model that is loaded: its name in the catalogue, its engine, and what it is in words."""

    name: str
    engine: Engine
    enlarge: Enlarge | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    unread: Callable[[str], Unread] | None = None
    """What of a text the model does not read, where that is known."""
    upscale: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = enlarged_plainly
    """Makes any picture, (H, W, 3), four times as large on a side."""


class LoadFailed(RetryLater):
    """A job's model could not be loaded here. It uses up one of the job's tries; the last one fails it."""


class GaveUp(EaselError):
    """The job was stopped while it waited for its model."""


class Engines:
    """Lends the loaded model to many threads; loads another one when a job needs it and nobody uses this one.

    `offered` are names in the catalogue. `load` brings a model; it is called by one thread at a time, when the model
    before has been closed and let go of, and may raise anything.
    """

    def __init__(
        self,
        offered: Sequence[str],
        load: Callable[[str], Warm],
        *,
        max_pixels: int = 0,
        rest_s: float = REST_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.offered = tuple(offered)
        self._load = load
        self._max_pixels = max_pixels
        self._rest_s = rest_s
        self._now = now
        self._changed = threading.Condition()
        self._warm: Warm | None = None
        self._users = 0
        self._line: list[_Place] = []
        self._loading_since: float | None = None
        self._failures: dict[str, tuple[float, str]] = {}  # model -> until when it is left alone, why

    def open(self) -> None:
        """Load the first of the offered models, before there are slots. Raises what its load raises."""
        self._warm = self._load(self.offered[0])

    def close(self) -> None:
        """Close what is loaded."""
        if self._warm is not None:
            self._warm.engine.close()

    def wants(self) -> Wants:
        """Which jobs suit this process now: those that somebody waits here for, else those of the loaded model first.

        A model that could not be loaded is not offered while it rests.
        """
        with self._changed:
            fit = tuple(name for name in self.offered if not self._resting(name))
            if not fit:
                return Wants(none=True)
            choosy = len(self.offered) > 1
            loaded = self._warm.name if self._warm is not None else ""
            prefer = loaded if choosy else ""
            awaited = self._awaited()
            room_for = "" if awaited else loaded
            return Wants(awaited, prefer, models=fit, max_pixels=self._max_pixels, loaded=room_for)

    def refuse(self, name: str, reason: str) -> None:
        """Draw no more with a model that fails job after job, for `REFUSED_S` or until `forgive`."""
        log.critical("the model keeps failing and is refused here", model=name, reason=reason, pause_s=REFUSED_S)
        with self._changed:
            self._failures[name] = (self._now() + REFUSED_S, reason)

    def forgive(self) -> None:
        """Try all models again: the operator says that they are mended."""
        with self._changed:
            self._failures.clear()

    def facts(self) -> dict[str, str]:
        """What `easel-worker status` shows of this process."""
        with self._changed:
            warm, loading = self._warm, self._loading_since is not None
            loaded = f"loading {self._awaited()}" if loading else warm.name if warm is not None else "none"
            return {**(warm.facts if warm is not None else {}), **self._states(), "loaded": loaded}

    def _states(self) -> dict[str, str]:
        refused = [name for name in self.offered if self._resting(name)]
        fit = {"models": ",".join(name for name in self.offered if name not in refused)}
        return {**fit, "refused": ",".join(refused)} if refused else fit

    def overdue_s(self) -> float:
        """For how long a load has taken more time than any should; 0 while none does."""
        since = self._loading_since
        return 0.0 if since is None else max(0.0, self._now() - since - LOADING_MAX_S)

    @contextmanager
    def lent(self, name: str, started: Callable[[Cancellable], None]) -> Iterator[Warm]:
        """The model called `name`, loaded, for the length of the block; it stays loaded meanwhile.

        While waiting, `started` gets something to cancel. LoadFailed when the model cannot be had here, GaveUp
        when the wait was cancelled.
        """
        warm = self._borrow(name, started)
        try:
            yield warm
        finally:
            del warm
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def _borrow(self, name: str, started: Callable[[Cancellable], None]) -> Warm:
        if name not in self.offered:
            raise LoadFailed(self._rest_s, f"this worker does not draw with {name}")
        with self._changed:
            if self._warm is not None and self._warm.name == name and not self._line:
                self._users += 1
                return self._warm
            place = _Place(name, self._changed)
            self._line.append(place)
        try:
            started(place)
            with self._changed:
                self._changed.wait_for(lambda: place.cancelled or self._is_turn_of(place))
                if place.cancelled:
                    raise GaveUp("stopped while it waited for its model")
                if self._resting(name):
                    raise LoadFailed(self._rest_s, self._failures[name][1])
                if self._warm is not None and self._warm.name == name:
                    self._users += 1
                    return self._warm
                self._loading_since = self._now()
            return self._bring(name)
        finally:
            with self._changed:
                self._line.remove(place)
                self._changed.notify_all()

    def _bring(self, name: str) -> Warm:
        """Load a model for its first user. Nobody uses the one before, and nobody else loads meanwhile."""
        try:
            self._let_go()
            warm = self._load(name)
        except Exception as error:
            log.error("the model could not be loaded", model=name, error=str(error))
            with self._changed:
                self._failures[name] = (self._now() + self._rest_s, f"{name} could not be loaded: {error}")
                self._loading_since = None
                sentence = self._failures[name][1]
            raise LoadFailed(self._rest_s, sentence) from error
        with self._changed:
            self._failures.pop(name, None)
            self._warm, self._loading_since = warm, None
            self._users += 1
        return warm

    def _let_go(self) -> None:
        with self._changed:
            old, self._warm = self._warm, None
        if old is not None:
            log.info("letting go of the model", model=old.name)
            old.engine.close()

    def _is_turn_of(self, place: _Place) -> bool:
        """A job that needs the loaded model enters unless one came before that needs another; only the first in the
        line may load."""
        if self._loading_since is not None:
            return False
        if self._warm is not None and self._warm.name == place.name:
            before = self._line[: self._line.index(place)]
            return all(other.name == place.name for other in before)
        return self._users == 0 and self._line[0] is place

    def _awaited(self) -> str:
        """The model that somebody waits for; empty when nobody waits for another one than the one in use."""
        loaded = self._warm.name if self._warm is not None else ""
        return next((place.name for place in self._line if place.name != loaded), "")

    def _resting(self, name: str) -> bool:
        failure = self._failures.get(name)
        return failure is not None and self._now() < failure[0]


class _Place:
    """A job's place in the line for a model that is not there at once."""

    def __init__(self, name: str, changed: threading.Condition) -> None:
        self.name = name
        self.cancelled = False
        self._changed = changed

    def cancel(self) -> None:
        """Leave the line; too late while its own load runs."""
        with self._changed:
            self.cancelled = True
            self._changed.notify_all()
