"""The step engine: many requests, one batch, join and leave between steps.

Three lanes overlap in threads: prompts are encoded (encode lane), requests advanced (engine thread), pictures decoded
(decode lane). One thread owns each module, so nothing is shared that torch could trip over:

    submit ──▶ encode lane ──▶ engine thread ──▶ decode lane ──▶ ticket
               text, VAE in    denoiser, steps    VAE out, previews

Every request has its own scheduler object and generators; rows carry their own timesteps; guidance is combined after
the split. A row's picture does not depend on its neighbours (tests/model/test_exactness.py holds it to that).
"""

import functools
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from model.components import Bundle
from model.denoiser import QUICK, Denoiser, Way, exported_decoder
from model.drawing import decoded, pictures
from model.errors import Cancelled, ModelError, failure
from model.family import Condition
from model.lane import Lane
from model.previews import NEAR_THE_END
from model.request import Request
from model.state import DenoisingState, Shortcuts, check
from model.ticket import Step, Ticket
from model.turns import Candidate, Turns
from model.vae import Decoder
from model.ways import ONNX, TORCH, Ways, place_of

logger = logging.getLogger(__name__)

# The faster forward is prepared in the first idle moment, so that the first picture need not share the processor with
# its preparation; under load that never rests, after this many steps.
WATCHED_S = 0.5
"""Nobody sees the late previews of a request that is drawn more quickly than this: they need not be exact."""
_IDLE_S = 0.2
_STEPS_BEFORE_QUICKENING = 60


@dataclass(eq=False)
class _Runner(Candidate):
    """An admitted request: its ticket, its state, and what `Turns` needs to know of it."""

    ticket: Ticket = None  # type: ignore[assignment]
    state: DenoisingState = None  # type: ignore[assignment]


class Engine:
    """Draws many requests at once. `start`, `submit` from any thread, `close`."""

    def __init__(
        self,
        bundle: Bundle,
        max_rows: int | None = None,
        *,
        shortcuts: Shortcuts | None = None,
        quicken: Way | Literal["auto"] = "auto",
        turns: Turns | None = None,
        graphs: Path | None = None,
        ways: Ways | None = None,
    ) -> None:
        """max_rows: rows in one forward; None picks 16 on a CPU (more gains nothing there) and 64 on a card, or fewer
        where the budget of memory has no room for so many.

        shortcuts: an operator's trades of fidelity for speed, none by default; ModelError for those that this model
        cannot take. quicken: a faster forward of the same arithmetic, prepared in the background while the plain one
        serves (see `Denoiser.quicken`); "auto" does it for small UNets on a CPU, where dispatch costs as much as
        arithmetic, and for nothing else. graphs: a folder for exported graphs; what lies there already serves from the
        first step on. ways: by what it draws from the first picture to the last, as far as that can be had here: to
        draw a picture again as it was drawn (the text encoder's is the bundle's own affair).
        """
        self.bundle = bundle
        self._shortcuts = shortcuts or Shortcuts()
        self._shortcuts.check(bundle)
        most = 16 if bundle.device.type == "cpu" else 64
        rows = max_rows or min(most, bundle.placement.rows or most)
        self.denoiser = Denoiser(bundle, rows, self._shortcuts, graphs)
        self._student = None if bundle.student is None else Denoiser(bundle.student, rows, self._shortcuts, graphs)
        self._waiting: Denoiser | None = None  # is quickened by the first request that needs it
        self._fixed = ways
        self._way = "off" if ways else self.denoiser.usual_way() if quicken == "auto" else quicken
        self._turns = turns or Turns()
        self._wake = threading.Condition()
        self._arrivals = 0
        self._in_preparation = 0
        self._prepared: list[_Runner] = []
        self._runners: list[_Runner] = []  # the engine thread's own
        self._closing = False
        self._steps = 0
        self._encode_lane = Lane("encode", bundle.device)
        self._decode_lane = Lane("decode", bundle.device)
        self._thread = threading.Thread(target=self._run, name="denoise", daemon=True)
        self._quickening: threading.Thread | None = None
        self._graphs = graphs
        self._decoder: Decoder | None = None

    @property
    def max_rows(self) -> int:
        """Rows in one forward; halved whenever memory ran out."""
        return self.denoiser.max_rows

    def start(self) -> None:
        """Start the lanes. Requests may be submitted before."""
        if self._fixed is not None:
            self._draw_by(self._fixed)
        elif self._way != "off" and self.denoiser.lies_ready(self._way):
            self.quicken()
        self._encode_lane.start()
        self._decode_lane.start()
        self._thread.start()

    def close(self) -> None:
        """Cancel what is running and end all threads. Safe to call twice."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._encode_lane.close()
            self._thread.join()
            self._decode_lane.close()
        if self._quickening is not None:
            self._quickening.join()  # torch must not be at work while the interpreter goes down

    def submit(self, request: Request, *, urgency: float = 0.0, preview_every: int = 0) -> Ticket:
        """Admit a request. Raises ModelError at once for what this model cannot draw.

        urgency: where rows are short, smaller goes first (0 is the ordinary request, negative before it).
        preview_every: a preview with every k-th step, 0 for none.
        """
        check(self.bundle, request)
        with self._wake:
            if self._closing:
                raise ModelError("The engine is closing and takes no more requests.")
            self._arrivals += 1
            self._in_preparation += 1
            ticket = Ticket(request, urgency, preview_every, self._arrivals, self._nudge)
        self._encode_lane.put(functools.partial(self._prepare, ticket))
        return ticket

    def read(self, texts: Sequence[str]) -> list[Condition]:
        """What the model reads in each of these texts; empty for a model that reads none. It waits for its turn in the
        encode lane. ModelError when the reading fails."""
        prompts = self.bundle.prompts
        if prompts is None:
            return []
        reading: Future[list[Condition]] = Future()

        def run() -> None:
            try:
                conditions = [prompts.get(text) for text in texts]
                _synchronise(self.bundle.device)
                reading.set_result(conditions)
            except Exception as error:
                reading.set_exception(failure("The words could not be read", error))

        with self._wake:
            if self._closing:
                raise ModelError("The engine is closing and reads no more.")
            self._encode_lane.put(run)
        return reading.result()

    def _nudge(self) -> None:
        with self._wake:
            self._wake.notify()

    # -- encode lane ---------------------------------------------------------------------------------------------

    def _prepare(self, ticket: Ticket) -> None:
        try:
            self._admit(ticket)
        finally:
            with self._wake:
                self._in_preparation -= 1  # before that, the engine's waiting is no idle moment
                self._wake.notify()

    def _admit(self, ticket: Ticket) -> None:
        try:
            if (error := self._verdict(ticket)) is not None:
                raise error
            state = DenoisingState(self.bundle, ticket.request, self._shortcuts)
        except ModelError as error:
            ticket.finish(None, error)
        except Exception as error:
            logger.exception("A request could not be prepared")
            ticket.finish(None, failure("The request could not be prepared", error))
        else:
            _synchronise(self.bundle.device)
            text = ONNX if self.bundle.asleep else TORCH
            images = len(ticket.request.noises)
            ticket.drawn_by(Ways(text=text, place=place_of(self.bundle.device), images=images))
            runner = _Runner(
                batch_key=state.batch_key,
                rows=state.row_count,
                cost=state.row_count * state.latents[0].numel(),
                urgency=ticket.urgency,
                arrival=ticket.arrival,
                ticket=ticket,
                state=state,
            )
            with self._wake:
                self._prepared.append(runner)
                self._wake.notify()

    # -- engine thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with torch.inference_mode():
            while True:
                with self._wake:
                    self._runners += self._prepared
                    self._prepared = []
                    ready = self._boundary()
                    if self._closing:
                        break
                    if not ready:
                        self._rest()
                        continue
                self._advance(self._turns.choose(ready, self.max_rows))
                self._steps += 1
                if self._steps == _STEPS_BEFORE_QUICKENING:
                    self._quicken_once()
        for runner in self._runners:
            runner.ticket.finish(None, Cancelled("The engine was closed."))

    def _boundary(self) -> list[_Runner]:
        """Between two steps: drop what is cancelled, late or closed, and say who could take the next step."""
        staying = []
        for runner in self._runners:
            error = self._verdict(runner.ticket)
            if error is None:
                staying.append(runner)
            else:
                runner.ticket.finish(None, error)
        self._runners = staying
        return [runner for runner in staying if not runner.ticket.paused]

    def _verdict(self, ticket: Ticket) -> ModelError | None:
        if ticket.cancelled:
            return Cancelled("The request was cancelled.")
        if self._closing:
            return Cancelled("The engine was closed.")
        return None

    def _rest(self) -> None:
        """Wait for something to do; a first idle moment is used to prepare the faster forward."""
        if self._may_quicken() and not self._in_preparation:
            if not self._wake.wait(_IDLE_S) and not self._in_preparation:
                self._quicken_once()
        else:
            self._wake.wait()

    def _may_quicken(self) -> bool:
        return self._way != "off" and self._quickening is None and not self.denoiser.quickened

    def _quicken_once(self) -> None:
        if self._may_quicken():
            self._quickening = threading.Thread(target=self.quicken, name="quicken", daemon=True)
            self._quickening.start()

    def _draw_by(self, ways: Ways) -> None:
        """Take these ways and no others."""
        if ways.denoiser in QUICK:
            for denoiser in filter(None, (self.denoiser, self._student)):
                denoiser.quicken(ways.denoiser)
        if ways.decoder == ONNX and self.bundle.pixels_per_latent > 1:
            self._decoder = exported_decoder(self.bundle, self._graphs)

    def quicken(self) -> None:
        """Prepare the faster forwards in the caller's thread: of the denoiser, its student, and with onnxruntime of
        the decoder too, after which the next process may leave the model's parts asleep (`model.asleep`)."""
        self.denoiser.quicken(self._way)
        student = self._student
        if student is not None and student.lies_ready(self._way):
            self._waiting = student  # not every process is asked for a draft
        elif student is not None:
            student.quicken(self._way)
        if self.denoiser.quickened == "onnx" and self.bundle.pixels_per_latent > 1:
            self._decoder = exported_decoder(self.bundle, self._graphs)
        whole = self._decoder is not None and (student is None or student.lies_ready(self._way))
        if whole and self._graphs is not None:
            from model import asleep

            asleep.prepare(self.bundle, self._graphs)

    def _advance(self, chosen: Sequence[_Runner]) -> None:
        """One step for all of `chosen`; a failure ends only the request that causes it."""
        if unfinished := [runner for runner in chosen if not runner.state.done]:  # strength 0 has no step to take
            try:
                request = chosen[0].ticket.request
                denoiser = self._student if request.sampling.student and self._student else self.denoiser
                if denoiser is self._waiting:
                    self._waiting = None
                    denoiser.quicken(self._way)
                predictions = denoiser.predict([runner.state for runner in unfinished], request.size.tile)
            except Exception as error:
                if len(unfinished) > 1:  # who spoilt it? each alone will tell; nothing was advanced yet
                    logger.warning("A batch of %d failed and is split: %s", len(unfinished), error)
                    for runner in unfinished:
                        self._advance([runner])
                    return
                self._fail(unfinished[0], error)
                return
            for runner, prediction in zip(unfinished, predictions, strict=True):
                try:
                    runner.state.advance(prediction)
                except Exception as error:
                    self._fail(runner, error)
                else:
                    runner.rows = runner.state.row_count
                    runner.ticket.drawn_by(Ways(denoiser=prediction.way, shared=len(unfinished) > 1))
                    self._report(runner)
        for runner in chosen:
            if runner.state.done and not runner.ticket.done:
                self._runners.remove(runner)
                self._decode_lane.put(functools.partial(self._decode, runner.ticket, runner.state))

    def _fail(self, runner: _Runner, error: Exception) -> None:
        logger.error("A request failed while denoising", exc_info=error)
        self._runners.remove(runner)
        runner.ticket.finish(None, failure("The picture failed while denoising", error))

    def _report(self, runner: _Runner) -> None:
        """Tell the caller of the step; a preview is drawn in the decode lane, so that the next step need not wait."""
        state, every = runner.state, runner.ticket.preview_every
        if every <= 0:
            runner.ticket.report(Step(state.step, state.steps))
            return
        clean = state.clean if state.step % every == 0 and not state.done else None
        self._decode_lane.put(functools.partial(self._preview, runner.ticket, state.step, state.steps, clean))

    # -- decode lane ---------------------------------------------------------------------------------------------

    def _preview(self, ticket: Ticket, step: int, steps: int, clean: torch.Tensor | None) -> None:
        sheet = None
        if clean is not None:
            try:
                watched = time.monotonic() - ticket.submitted_at > WATCHED_S
                decode = functools.partial(decoded, self.bundle, decoder=self._decoder)
                exact = watched and step >= NEAR_THE_END * steps
                sheet = self.bundle.previewer.sheet(clean, decode=decode if exact else None)
            except Exception:  # a preview is a courtesy: without it the picture still comes
                logger.exception("A preview could not be drawn")
        ticket.report(Step(step, steps, sheet))

    def _decode(self, ticket: Ticket, state: DenoisingState) -> None:
        if ticket.cancelled:
            ticket.finish(None, Cancelled("The request was cancelled."))
            return
        decoder = None if ticket.request.size.tile else self._decoder
        try:
            images = pictures(self.bundle, state, decoder)
        except ModelError as error:
            ticket.finish(None, error)
        except Exception as error:
            logger.exception("A picture could not be decoded")
            ticket.finish(None, failure("The picture could not be decoded", error))
        else:
            ticket.drawn_by(Ways(decoder=TORCH if decoder is None else ONNX))
            ticket.finish(images)


def _synchronise(device: torch.device) -> None:
    """Wait for this lane's stream, so that the next lane reads finished tensors."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
