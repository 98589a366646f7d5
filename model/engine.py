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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from model.components import Bundle
from model.denoiser import Denoiser, Way, exported_decoder
from model.drawing import pictures
from model.errors import Cancelled, ModelError, failure
from model.lane import Lane
from model.previews import Previewer
from model.request import Request
from model.state import DenoisingState, Shortcuts, check
from model.ticket import Step, Ticket
from model.turns import Candidate, Turns
from model.vae import Decoder

logger = logging.getLogger(__name__)

# The faster forward is prepared in the first idle moment, so that the first picture need not share the processor with
# its preparation; under load that never rests, after this many steps.
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
    ) -> None:
        """max_rows: rows in one forward; None picks 16 on a CPU (more gains nothing there) and 64 on a card.

        shortcuts: an operator's trades of fidelity for speed, none by default; ModelError for those that this model
        cannot take. quicken: a faster forward of the same arithmetic, prepared in the background while the plain one
        serves (see `Denoiser.quicken`); "auto" does it for small UNets on a CPU, where dispatch costs as much as
        arithmetic, and for nothing else. graphs: a folder for exported graphs; what lies there already serves from the
        first step on.
        """
        self.bundle = bundle
        self._shortcuts = shortcuts or Shortcuts()
        self._shortcuts.check(bundle)
        self.denoiser = Denoiser(
            bundle, max_rows or (16 if bundle.device.type == "cpu" else 64), self._shortcuts, graphs
        )
        self._way = self.denoiser.usual_way() if quicken == "auto" else quicken
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
        self._previewer: Previewer | None = None
        self._graphs = graphs
        self._decoder: Decoder | None = None

    @property
    def max_rows(self) -> int:
        """Rows in one forward; halved whenever memory ran out."""
        return self.denoiser.max_rows

    def start(self) -> None:
        """Start the lanes. Requests may be submitted before."""
        if self._way != "off" and self.denoiser.lies_ready(self._way):
            self._quicken()
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
            self._quickening = threading.Thread(target=self._quicken, name="quicken", daemon=True)
            self._quickening.start()

    def _quicken(self) -> None:
        """The denoiser, and with onnxruntime the decoder too."""
        self.denoiser.quicken(self._way)
        if self.denoiser.quickened == "onnx" and self.bundle.vae is not None:
            self._decoder = exported_decoder(self.bundle, self._graphs)

    def _advance(self, chosen: Sequence[_Runner]) -> None:
        """One step for all of `chosen`; a failure ends only the request that causes it."""
        if unfinished := [runner for runner in chosen if not runner.state.done]:  # strength 0 has no step to take
            try:
                predictions = self.denoiser.predict(
                    [runner.state for runner in unfinished], chosen[0].ticket.request.size.tile
                )
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
                if self._previewer is None:
                    self._previewer = Previewer(self.bundle.vae, self.bundle.device)
                sheet = self._previewer.sheet(clean)
            except Exception:  # a preview is a courtesy: without it the picture still comes
                logger.exception("A preview could not be drawn")
        ticket.report(Step(step, steps, sheet))

    def _decode(self, ticket: Ticket, state: DenoisingState) -> None:
        if ticket.cancelled:
            ticket.finish(None, Cancelled("The request was cancelled."))
            return
        try:
            images = pictures(self.bundle, state, self._decoder)
        except ModelError as error:
            ticket.finish(None, error)
        except Exception as error:
            logger.exception("A picture could not be decoded")
            ticket.finish(None, failure("The picture could not be decoded", error))
        else:
            ticket.finish(images)


def _synchronise(device: torch.device) -> None:
    """Wait for this lane's stream, so that the next lane reads finished tensors."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
