"""A thread that does one kind of work in order: encoding prompts, or decoding pictures, beside the denoising."""

import queue
import threading
from collections.abc import Callable

import torch


class Lane:
    """Runs what it is given, first in first out, without gradients. On CUDA each lane has a stream of its own."""

    def __init__(self, name: str, device: torch.device) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], None], torch.cuda.Event | None] | None] = queue.SimpleQueue()
        self._device = device
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, work: Callable[[], None]) -> None:
        """Queue `work`, which must handle its own errors.

        On CUDA it begins when what the calling thread has enqueued so far is computed; nobody waits for that here.
        """
        ready = None
        if self._device.type == "cuda":
            ready = torch.cuda.Event()
            ready.record(torch.cuda.current_stream(self._device))
        self._work.put((work, ready))

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        stream = torch.cuda.Stream(self._device) if self._device.type == "cuda" else None
        with torch.inference_mode(), torch.cuda.stream(stream):
            while (item := self._work.get()) is not None:
                work, ready = item
                if stream is not None and ready is not None:
                    stream.wait_event(ready)
                work()
