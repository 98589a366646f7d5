"""What the caller holds while a request is being drawn."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from model.errors import ModelError
from model.request import Request
from model.ways import Ways, joined


@dataclass(frozen=True, eq=False)
class Step:
    """Step `step` of `steps` has been taken. preview: the images so far as one sheet (h, w, 3) uint8, or None."""

    step: int
    steps: int
    preview: np.ndarray | None = None


class Ticket:
    """Follow, pause or cancel one submitted request, from any thread. The engine acts at the next step boundary."""

    def __init__(
        self, request: Request, urgency: float, preview_every: int, arrival: int, wake: Callable[[], None]
    ) -> None:
        self.request = request
        self.urgency = urgency
        self.preview_every = preview_every
        self.arrival = arrival
        self.submitted_at = time.monotonic()
        self.cancelled = False
        self.paused = False
        self.finished_at: float | None = None
        """`time.monotonic()` at which the rows were free again and result or error stood fast."""
        self.ways = Ways()
        """What drew it, so far."""
        self._wake = wake
        self._events: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._finished = threading.Event()
        self._images: list[np.ndarray] | None = None
        self._error: ModelError | None = None

    def events(self) -> Iterator[Step]:
        """Each step as it is taken; ends when the ticket has its result or its error. One reader per ticket."""
        while (event := self._events.get()) is not None:
            yield event

    def result(self, timeout_s: float | None = None) -> list[np.ndarray]:
        """The images, (H, W, 3) uint8 each. Raises Cancelled or ModelError, or TimeoutError."""
        if not self._finished.wait(timeout_s):
            raise TimeoutError(f"The request is not done after {timeout_s} s.")
        if self._error is not None:
            raise self._error
        assert self._images is not None
        return self._images

    @property
    def done(self) -> bool:
        """Whether `result` would answer at once."""
        return self._finished.is_set()

    def cancel(self) -> None:
        """Give up: the rows are freed at the next step boundary and `result` raises Cancelled."""
        self.cancelled = True
        self._wake()

    def pause(self) -> None:
        """Take no more steps for now. Latents, embeddings and scheduler history are kept; it costs no compute."""
        self.paused = True
        self._wake()

    def resume(self) -> None:
        """Go on where `pause` stopped: the picture is the same as undisturbed."""
        self.paused = False
        self._wake()

    def drawn_by(self, ways: Ways) -> None:
        """For the engine: note what a part of it was drawn by."""
        self.ways = joined((self.ways, ways))

    def report(self, event: Step) -> None:
        """For the engine: hand a step to the caller."""
        self._events.put(event)

    def finish(self, images: list[np.ndarray] | None, error: ModelError | None = None) -> None:
        """For the engine: the end, once. Later calls change nothing."""
        if self._finished.is_set():
            return
        self._images, self._error = images, error
        self.finished_at = time.monotonic()
        self._finished.set()
        self._events.put(None)
