"""Which tickets pause while something more urgent is drawn on another model."""

from __future__ import annotations

from contextlib import ExitStack

from worker.precedence import GAP, PATIENCE_S, Precedence


class Ticket:
    def __init__(self) -> None:
        self.running = True

    def pause(self) -> None:
        self.running = False

    def resume(self) -> None:
        self.running = True


def test_what_is_relaxed_pauses_while_another_model_draws_something_fast() -> None:
    """And goes on when that has ended."""
    precedence, relaxed, fast = Precedence(), Ticket(), Ticket()
    with precedence.drawing("alpha", 4.0, relaxed):
        assert relaxed.running
        with precedence.drawing("beta", 4.0 - GAP, fast):
            assert (relaxed.running, fast.running) == (False, True)
        assert relaxed.running


def test_who_comes_later_pauses_as_well() -> None:
    """It is behind what runs already."""
    precedence, relaxed, fast = Precedence(), Ticket(), Ticket()
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        first.enter_context(precedence.drawing("beta", 0.0, fast))
        stack.enter_context(precedence.drawing("alpha", GAP, relaxed))
        assert not relaxed.running
        first.close()
        assert relaxed.running


def test_one_engine_gives_its_rows_itself() -> None:
    """On the same model nobody pauses, and small differences are none."""
    precedence, relaxed, fast, other = Precedence(), Ticket(), Ticket(), Ticket()
    with (
        precedence.drawing("alpha", 4.0, relaxed),
        precedence.drawing("alpha", -4.0, fast),
        precedence.drawing("beta", 4.0 - GAP / 2, other),
    ):
        assert relaxed.running
        assert fast.running
        assert not other.running  # behind the fast one of the first model


def test_nobody_pauses_for_ever() -> None:
    """Under a stream of urgent work it goes on after a while, and is not paused again."""
    now = 0.0
    precedence, relaxed = Precedence(lambda: now), Ticket()
    with precedence.drawing("alpha", GAP, relaxed), ExitStack() as stream:
        stream.enter_context(precedence.drawing("beta", 0.0, Ticket()))
        assert not relaxed.running
        now = PATIENCE_S
        stream.enter_context(precedence.drawing("beta", 0.0, Ticket()))
        assert relaxed.running
        stream.enter_context(precedence.drawing("beta", 0.0, Ticket()))
        assert relaxed.running


def test_patience_ends_while_one_urgent_drawing_goes_on() -> None:
    """Its own steps tell the time, though nothing begins or ends."""
    now = 0.0
    precedence, relaxed = Precedence(lambda: now), Ticket()
    with precedence.drawing("alpha", GAP, relaxed), precedence.drawing("beta", 0.0, Ticket()):
        now = PATIENCE_S - 1
        precedence.step()
        assert not relaxed.running
        now = PATIENCE_S
        precedence.step()
        assert relaxed.running
        precedence.step()
        assert relaxed.running
