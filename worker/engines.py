"""The models a worker process offers, one or a few of them loaded at a time: lent to jobs, exchanged when nobody uses
them.

Several stay loaded where an operator allows it and where they fit beside each other; each has an engine of its own.
The queue sees to it that jobs of no more models run than may be loaded (`Engines.wants`, `worker.slots`): while they
run, only those models' jobs come in; when another model's job has been passed over often enough nobody comes in, a
batch runs out, and the job that is claimed next brings its model. Loading happens in that job's own slot: the heartbeat
goes on, and other slots may already claim for the new model and wait here.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.errors import EaselError
from contract.plan import Plan
from model.errors import ModelError, NoRoom
from model.painting import PLAINLY, Manner
from worker.leases import RetryLater
from worker.slots import Wants

if TYPE_CHECKING:
    from model import Prompt, Request, Step
    from model.describing import Draw
    from model.unread import Unread
    from model.ways import Ways

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

    @property
    def ways(self) -> Ways: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def events(self) -> Iterator[Step]: ...
    def result(self) -> list[NDArray[np.uint8]]: ...


class Engine(Protocol):
    """What is asked of `model.Engine`; tests hand in their own."""

    def submit(self, request: Request, *, urgency: float = 0.0, preview_every: int = 0) -> Ticket: ...
    def close(self) -> None: ...


Enlarge = Callable[[list[NDArray[np.uint8]], Plan], list[NDArray[np.uint8]]]
"""Makes finished pictures of a plan larger: tiles stay tiles, and what the student drew is enlarged as quickly."""


class Describe(Protocol):
    """What a picture, (H, W, 3), shows: four captions, in other words under another seed. With `draw` the first says
    as little as is drawn in the picture's colour, where the model is small enough for that."""

    def __call__(self, picture: NDArray[np.uint8], seed: int, draw: Draw | None = None) -> Sequence[str]: ...


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
    read: Callable[[Sequence[str]], NDArray[np.float32]] | None = None
    """What the model reads in texts, a vector each: (N, D). None for one that reads none."""
    describe: Describe | None = None
    """None where it is not known what a picture shows."""
    manner: Callable[[Prompt], Manner] = lambda prompt: PLAINLY
    """How pictures of a prompt are painted when they are finished, by a model that cannot draw styles."""


class LoadFailed(RetryLater):
    """A job's model could not be loaded here. It uses up one of the job's tries; the last one fails it."""


class GaveUp(EaselError):
    """The job was stopped while it waited for its model."""


class Engines:
    """Lends the loaded models to many threads; loads another one when a job needs it and there is room, or a model that
    nobody uses.

    `offered` are names in the catalogue. `load` brings a model; it is called by one thread at a time, when the models
    that must make room have been closed and let go of, and may raise anything; with NoRoom it asks for more room.
    `resident` is how many may be loaded at a time.
    """

    def __init__(
        self,
        offered: Sequence[str],
        load: Callable[[str], Warm],
        *,
        max_pixels: int = 0,
        resident: int = 1,
        rest_s: float = REST_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.offered = tuple(offered)
        self._load = load
        self._max_pixels = max_pixels
        self._resident = min(resident, len(self.offered))
        self._rest_s = rest_s
        self._now = now
        self._changed = threading.Condition()
        self._warm: dict[str, Warm] = {}  # the one that was asked for last at the end
        self._users: Counter[str] = Counter()
        self._line: list[_Place] = []
        self._loading_since: float | None = None
        self._failures: dict[str, tuple[float, str]] = {}  # model -> until when it is left alone, why

    def open(self, untried: Sequence[str] = ()) -> None:
        """Load the first of the offered models, before there are slots; and before it each of `untried` once, so that
        what is wrong with one is said now and not in its first job. Raises what a load raises, a ModelError with the
        model's name where there are several."""
        for name in (*untried, self.offered[0]):
            while len(self._warm) >= self._resident:
                self._let_go()
            try:
                self._warm[name] = self._loaded(name)
            except ModelError as error:
                self.close()
                if len(self.offered) == 1:
                    raise
                raise type(error)(f"{name}: {error}") from error

    def close(self) -> None:
        """Close what is loaded."""
        for warm in self._warm.values():
            warm.engine.close()

    def wants(self) -> Wants:
        """Which jobs suit this process now: those that somebody waits here for, else those of a loaded model first.

        A model that could not be loaded is not offered while it rests.
        """
        with self._changed:
            fit = tuple(name for name in self.offered if not self._resting(name))
            if not fit:
                return Wants(none=True)
            loaded = tuple(self._warm)
            choosy = not set(self.offered) <= set(loaded)
            prefer = loaded[-1] if choosy and loaded else ""
            awaited = self._awaited()
            room_for = "" if awaited else ",".join(loaded)
            return Wants(awaited, prefer, fit, self._max_pixels, loaded=room_for, resident=self._resident)

    def refuse(self, name: str, reason: str) -> None:
        """Draw no more with a model that fails job after job, for `REFUSED_S` or until `forgive`. It is unloaded when
        nobody uses it, and loaded anew the next time."""
        log.critical("the model keeps failing and is refused here", model=name, reason=reason, pause_s=REFUSED_S)
        with self._changed:
            self._failures[name] = (self._now() + REFUSED_S, reason)
        self._unload_refused()

    def _unload_refused(self) -> None:
        with self._changed:
            idle = [name for name in self._warm if self._resting(name) and not self._users[name]]
            gone = [self._warm.pop(name) for name in idle]
        for warm in gone:
            log.info("letting go of the model", model=warm.name)
            warm.engine.close()

    def forgive(self) -> None:
        """Try all models again: the operator says that they are mended."""
        with self._changed:
            self._failures.clear()

    def facts(self) -> dict[str, str]:
        """What `easel-worker status` shows of this process."""
        with self._changed:
            loading = self._loading_since is not None
            names = ", ".join(self._warm) or "none"
            loaded = f"loading {self._awaited()}" if loading else names
            facts = next(reversed(self._warm.values())).facts if self._warm else {}
            return {**facts, **self._states(), "loaded": loaded}

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
                self._users[name] -= 1
                self._changed.notify_all()
            self._unload_refused()

    def _borrow(self, name: str, started: Callable[[Cancellable], None]) -> Warm:
        if name not in self.offered:
            raise LoadFailed(self._rest_s, f"this worker does not draw with {name}")
        with self._changed:
            if name in self._warm and not self._line:
                return self._enter(name)
            place = _Place(name, self._changed)
            self._line.append(place)
        try:
            started(place)
            warm = None
            while warm is None:
                with self._changed:
                    self._changed.wait_for(lambda: place.cancelled or self._is_turn_of(place))
                    if place.cancelled:
                        raise GaveUp("stopped while it waited for its model")
                    if self._resting(name):
                        raise LoadFailed(self._rest_s, self._failures[name][1])
                    if name in self._warm:
                        return self._enter(name)
                    self._loading_since = self._now()
                warm = self._bring(place)
            return warm
        finally:
            with self._changed:
                self._line.remove(place)
                self._changed.notify_all()

    def _enter(self, name: str) -> Warm:
        """One more user of a loaded model; under the lock."""
        warm = self._warm[name] = self._warm.pop(name)
        self._users[name] += 1
        return warm

    def _bring(self, place: _Place) -> Warm | None:
        """Load a model for its first user, while nobody else loads; those that nobody uses make room for it.

        None where that is not enough and the others are in use: the job waits until one of them is not.
        """
        name = place.name
        try:
            while len(self._warm) >= self._resident:
                self._let_go()
            warm = self._loaded(name)
        except Exception as error:
            with self._changed:
                self._loading_since = None
                if isinstance(error, NoRoom) and self._warm:
                    log.info("the model waits for room", model=name, beside=list(self._warm), reason=str(error))
                    place.crowded = True
                    return None
                log.error("the model could not be loaded", model=name, error=str(error))
                sentence = f"{name} could not be loaded: {error}"
                self._failures[name] = (self._now() + self._rest_s, sentence)
            raise LoadFailed(self._rest_s, sentence) from error
        with self._changed:
            self._failures.pop(name, None)
            self._warm[name], self._loading_since = warm, None
            return self._enter(name)

    def _loaded(self, name: str) -> Warm:
        while True:
            try:
                return self._load(name)
            except NoRoom:
                if not self._let_go():
                    raise

    def _let_go(self) -> bool:
        """Close the model that was asked for longest ago among those that nobody uses; False where there is none."""
        with self._changed:
            idle = next((name for name in self._warm if not self._users[name]), None)
            if idle is None:
                return False
            old = self._warm.pop(idle)
        log.info("letting go of the model", model=old.name)
        old.engine.close()
        return True

    def _is_turn_of(self, place: _Place) -> bool:
        """A job that needs a loaded model enters unless one came before that needs another; only the first in the
        line may load."""
        if self._loading_since is not None:
            return False
        if place.name in self._warm:
            before = self._line[: self._line.index(place)]
            return all(other.name in self._warm for other in before)
        idle = not self._warm or any(not self._users[name] for name in self._warm)
        return self._line[0] is place and (idle or (len(self._warm) < self._resident and not place.crowded))

    def _awaited(self) -> str:
        """The model that somebody waits for; empty when nobody waits for another one than those that are loaded."""
        return next((place.name for place in self._line if place.name not in self._warm), "")

    def _resting(self, name: str) -> bool:
        failure = self._failures.get(name)
        return failure is not None and self._now() < failure[0]


class _Place:
    """A job's place in the line for a model that is not there at once."""

    def __init__(self, name: str, changed: threading.Condition) -> None:
        self.name = name
        self.cancelled = False
        self.crowded = False
        """Its model did not fit beside those in use."""
        self._changed = changed

    def cancel(self) -> None:
        """Leave the line; too late while its own load runs."""
        with self._changed:
            self.cancelled = True
            self._changed.notify_all()
