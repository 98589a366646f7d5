"""One model at a time, or a few: who gets it, who waits, what happens when it cannot be loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from model.errors import ModelError, NoRoom
from worker.engines import LOADING_MAX_S, Engines, GaveUp, LoadFailed, Warm


class Model:
    """An engine that knows whether it was closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def submit(self, request: Any, *, urgency: float = 0.0, preview_every: int = 0) -> Any:
        raise AssertionError("nothing is drawn here")

    def close(self) -> None:
        self.closed = True


class Shelf:
    """Loads models; refuses some, and takes as long as the test wants."""

    def __init__(self) -> None:
        self.loaded: list[Model] = []
        self.broken: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.room = 1
        self.refused = 0

    def load(self, name: str) -> Warm:
        if sum(not model.closed for model in self.loaded) >= self.room:
            self.refused += 1
            raise NoRoom("two models at once")
        self.entered.set()
        assert self.gate.wait(20)
        if name in self.broken:
            raise ValueError("weights of straw")
        self.loaded.append(Model(name))
        return Warm(name, self.loaded[-1], facts={"fingerprint": f"of {name}"})

    def names(self) -> list[str]:
        return [model.name for model in self.loaded]


class Cast:
    """Users in threads of their own: each keeps its model until it is told to let go."""

    def __init__(self, engines: Engines, pool: ThreadPoolExecutor) -> None:
        self.engines = engines
        self.pool = pool
        self.leave: dict[Future[str], threading.Event] = {}
        self.inside: dict[Future[str], threading.Event] = {}
        self.handles: list[Any] = []

    def enter(self, name: str) -> Future[str]:
        """Somebody who needs `name`; done when it has left."""
        inside, leave = threading.Event(), threading.Event()

        def use() -> str:
            with self.engines.lent(name, self.handles.append) as warm:
                assert not warm.engine.closed  # type: ignore[attr-defined]
                inside.set()
                assert leave.wait(20)
                assert not warm.engine.closed  # type: ignore[attr-defined]
                return warm.name

        future = self.pool.submit(use)
        self.leave[future], self.inside[future] = leave, inside
        return future

    def let_in(self, name: str) -> Future[str]:
        """`enter`, and wait until it has its model."""
        future = self.enter(name)
        assert self.inside[future].wait(20)
        return future

    def end(self, future: Future[str]) -> str:
        self.leave[future].set()
        return future.result(20)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def engines(shelf: Shelf) -> Engines:
    engines = Engines(["alpha", "beta"], shelf.load, max_pixels=9)
    engines.open()
    return engines


@pytest.fixture
def cast(engines: Engines) -> Iterator[Cast]:
    with ThreadPoolExecutor(8) as pool:
        cast = Cast(engines, pool)
        yield cast
        for leave in cast.leave.values():
            leave.set()


def until(condition: Callable[[], object]) -> None:
    """Wait for another thread to have got so far."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("this did not happen in time")


@pytest.mark.parametrize(("resident", "loaded"), [(1, "alpha"), (2, "gamma, alpha")])
def test_models_that_are_new_are_loaded_once_before_the_first(shelf: Shelf, resident: int, loaded: str) -> None:
    """Those that have no place are closed again; the first is the one that jobs find."""
    shelf.room = resident
    engines = Engines(["alpha", "beta", "gamma"], shelf.load, resident=resident)
    engines.open(["beta", "gamma"])
    assert shelf.names() == ["beta", "gamma", "alpha"]
    assert sum(not model.closed for model in shelf.loaded) == resident
    assert engines.facts()["loaded"] == loaded
    assert engines.wants().prefer == "alpha"


def test_a_new_model_that_cannot_be_loaded_ends_the_start(shelf: Shelf) -> None:
    """By its name; what was loaded before it is closed."""

    def load(name: str) -> Warm:
        if name == "gamma":
            raise ModelError("It has weights of straw.")
        return shelf.load(name)

    engines = Engines(["alpha", "beta", "gamma"], load, resident=2)
    with pytest.raises(ModelError, match=r"^gamma: It has weights of straw"):
        engines.open(["beta", "gamma"])
    assert [model.closed for model in shelf.loaded] == [True]


def test_many_share_the_loaded_model(cast: Cast, shelf: Shelf) -> None:
    """Nobody waits and nothing is loaded again."""
    users = [cast.let_in("alpha") for _ in range(3)]
    assert [cast.end(user) for user in users] == ["alpha"] * 3
    assert shelf.names() == ["alpha"]
    assert cast.handles == []


def test_another_model_waits_until_the_last_one_has_left(cast: Cast, shelf: Shelf, engines: Engines) -> None:
    """Then it is loaded, the old one is closed, and the claims have asked for it all the while."""
    first, second = cast.let_in("alpha"), cast.let_in("alpha")
    other = cast.enter("beta")
    until(lambda: engines.wants().must == "beta")
    cast.end(first)
    assert shelf.names() == ["alpha"]
    cast.end(second)
    assert cast.inside[other].wait(20)
    assert [model.closed for model in shelf.loaded] == [True, False]
    assert engines.wants().must == ""
    assert engines.wants().prefer == "beta"
    assert cast.end(other) == "beta"


def test_who_comes_after_a_waiting_one_does_not_go_before_it(cast: Cast, shelf: Shelf, engines: Engines) -> None:
    """Else a model in demand would never be let go of."""
    first = cast.let_in("alpha")
    other = cast.enter("beta")
    until(lambda: engines.wants().must == "beta")
    late = cast.enter("alpha")
    until(lambda: len(cast.handles) == 2)
    assert not cast.inside[late].is_set()
    cast.end(first)
    assert cast.inside[other].wait(20)
    assert engines.wants().must == "alpha"
    cast.end(other)
    assert cast.inside[late].wait(20)
    assert cast.end(late) == "alpha"
    assert shelf.names() == ["alpha", "beta", "alpha"]


def test_one_load_serves_all_who_wait_for_it(cast: Cast, shelf: Shelf, engines: Engines) -> None:
    """A batch of the new model gathers while it is being loaded, which is not a hung device yet."""
    shelf.gate.clear()
    waiting = [cast.enter("beta") for _ in range(3)]
    assert shelf.entered.wait(20)
    until(lambda: len(cast.handles) == 3)
    assert engines.wants().must == "beta"
    assert engines.facts()["loaded"] == "loading beta"
    assert engines.overdue_s() == 0
    shelf.gate.set()
    assert [cast.end(user) for user in waiting] == ["beta"] * 3
    assert shelf.names() == ["alpha", "beta"]
    assert engines.facts() == {"fingerprint": "of beta", "models": "alpha,beta", "loaded": "beta"}


def test_a_model_that_cannot_be_loaded_fails_its_jobs_and_no_others(cast: Cast, shelf: Shelf, engines: Engines) -> None:
    """Everybody who waits for it hears why; it rests, is not offered meanwhile, and the other model comes back."""
    shelf.broken.add("beta")
    shelf.gate.clear()
    waiting = [cast.enter("beta") for _ in range(2)]
    until(lambda: len(cast.handles) == 2)
    shelf.gate.set()
    for user in waiting:
        with pytest.raises(LoadFailed, match="beta could not be loaded: weights of straw") as caught:
            user.result(20)
        assert caught.value.burns_try
        assert caught.value.delay_s > 0
    assert engines.wants().models == ("alpha",)
    assert engines.facts()["loaded"] == "none"
    with pytest.raises(LoadFailed, match="straw"):
        cast.enter("beta").result(20)
    assert cast.end(cast.let_in("alpha")) == "alpha"
    assert shelf.names() == ["alpha", "alpha"]


def test_after_its_rest_a_model_is_tried_again(shelf: Shelf) -> None:
    """Its folder may have been mended meanwhile."""
    now = 100.0
    engines = Engines(["alpha", "beta"], shelf.load, rest_s=30, now=lambda: now)
    shelf.broken.add("beta")
    with pytest.raises(LoadFailed), engines.lent("beta", lambda place: None):
        pass
    assert engines.wants().models == ("alpha",)
    shelf.broken.clear()
    now += 31
    assert engines.wants().models == ("alpha", "beta")
    with engines.lent("beta", lambda place: None) as warm:
        assert warm.name == "beta"


def test_a_job_that_is_stopped_leaves_the_line(cast: Cast, shelf: Shelf, engines: Engines) -> None:
    """The batch that was to run out for it goes on as if it had never asked."""
    first = cast.let_in("alpha")
    other = cast.enter("beta")
    until(lambda: cast.handles)
    cast.handles[0].cancel()
    with pytest.raises(GaveUp):
        other.result(20)
    assert engines.wants().must == ""
    assert cast.end(cast.let_in("alpha")) == "alpha"
    assert cast.end(first) == "alpha"
    assert shelf.names() == ["alpha"]


def test_a_load_without_end_is_a_hung_device() -> None:
    """After a quarter of an hour the seconds beyond it count; the heartbeat ends the process by them."""
    now = 0.0
    begun, gate = threading.Event(), threading.Event()

    def load(name: str) -> Warm:
        begun.set()
        assert gate.wait(20)
        return Warm(name, Model(name))

    engines = Engines(["alpha"], load, now=lambda: now)
    with ThreadPoolExecutor(1) as pool:
        user = pool.submit(lambda: engines.lent("alpha", lambda place: None).__enter__())
        assert begun.wait(20)
        now = LOADING_MAX_S + 70
        assert engines.overdue_s() == 70
        gate.set()
        user.result(20)
    assert engines.overdue_s() == 0


def test_one_model_alone_prefers_nothing(shelf: Shelf) -> None:
    """Its name in the claim says it all, and no claim has to compare model keys."""
    engines = Engines(["alpha"], shelf.load)
    engines.open()
    wants = engines.wants()
    assert (wants.must, wants.prefer, wants.models) == ("", "", ("alpha",))


def test_what_is_not_offered_is_not_loaded(cast: Cast, shelf: Shelf) -> None:
    """A job that strayed here goes back for a worker that can."""
    with pytest.raises(LoadFailed, match="does not draw with gamma"):
        cast.enter("gamma").result(20)
    assert shelf.names() == ["alpha"]


def test_two_models_stay_where_they_fit(shelf: Shelf) -> None:
    """A third takes the place of the one that was asked for longest ago; jobs of both run beside each other."""
    shelf.room = 2
    engines = Engines(["alpha", "beta", "gamma"], shelf.load, resident=2)
    engines.open()
    with ThreadPoolExecutor(8) as pool:
        cast = Cast(engines, pool)
        alpha, beta = cast.let_in("alpha"), cast.let_in("beta")
        assert (engines.facts()["loaded"], engines.wants().loaded) == ("alpha, beta", "alpha,beta")
        assert engines.wants().resident == 2
        cast.end(beta)
        cast.end(alpha)
        cast.end(cast.let_in("alpha"))
        cast.end(cast.let_in("gamma"))
        assert shelf.names() == ["alpha", "beta", "gamma"]
        assert [model.closed for model in shelf.loaded] == [False, True, False]


def test_a_model_in_use_makes_no_room(shelf: Shelf) -> None:
    """Who needs a third model waits until one of the two has no users."""
    shelf.room = 2
    engines = Engines(["alpha", "beta", "gamma"], shelf.load, resident=2)
    engines.open()
    with ThreadPoolExecutor(8) as pool:
        cast = Cast(engines, pool)
        alpha, beta = cast.let_in("alpha"), cast.let_in("beta")
        gamma = cast.enter("gamma")
        until(lambda: engines.wants().must == "gamma")
        assert not cast.inside[gamma].is_set()
        cast.end(alpha)
        assert cast.inside[gamma].wait(20)
        assert not shelf.loaded[1].closed
        cast.end(gamma)
        cast.end(beta)


def test_two_that_do_not_fit_take_turns(shelf: Shelf) -> None:
    """More may be resident than there is room for: the one before is closed when the load says so."""
    engines = Engines(["alpha", "beta"], shelf.load, resident=2)
    engines.open()
    with ThreadPoolExecutor(8) as pool:
        cast = Cast(engines, pool)
        cast.end(cast.let_in("beta"))
        assert [model.closed for model in shelf.loaded] == [True, False]


def test_who_finds_no_room_beside_a_model_in_use_waits_for_it(shelf: Shelf) -> None:
    """No job loses a try because others draw; meanwhile only its model's jobs are asked for, and it may be stopped."""
    engines = Engines(["alpha", "beta"], shelf.load, resident=2)
    engines.open()
    with ThreadPoolExecutor(8) as pool:
        cast = Cast(engines, pool)
        first, second = cast.let_in("alpha"), cast.let_in("alpha")
        stopped = cast.enter("beta")
        until(lambda: shelf.refused == 1)
        cast.handles[0].cancel()
        with pytest.raises(GaveUp):
            stopped.result(20)
        other = cast.enter("beta")
        until(lambda: shelf.refused == 2)
        late = cast.enter("alpha")
        until(lambda: len(cast.handles) == 3)
        cast.end(first)
        assert not cast.inside[late].is_set()
        assert engines.wants().must == "beta"
        assert engines.wants().models == ("alpha", "beta")
        cast.end(second)
        assert cast.inside[other].wait(20)
        assert cast.end(other) == "beta"
        assert cast.inside[late].wait(20)
        assert cast.end(late) == "alpha"
        assert shelf.names() == ["alpha", "beta", "alpha"]


def test_without_room_for_one_the_job_is_told(shelf: Shelf) -> None:
    """When nothing is left to close."""
    shelf.room = 0
    engines = Engines(["alpha"], shelf.load)
    with pytest.raises(NoRoom):
        engines.open()
    with pytest.raises(LoadFailed, match="two models at once"), engines.lent("alpha", lambda place: None):
        pass


def test_all_loaded_prefers_nothing(shelf: Shelf) -> None:
    """Where every model is there, no job is passed over for another's model."""
    shelf.room = 2
    engines = Engines(["alpha", "beta"], shelf.load, resident=2)
    engines.open()
    assert engines.wants().prefer == "alpha"
    with engines.lent("beta", lambda place: None):
        assert engines.wants().prefer == ""


def test_a_model_that_keeps_failing_is_unloaded(cast: Cast, shelf: Shelf, engines: Engines) -> None:
    """When its last user has left; its jobs find another worker meanwhile, and forgiven it is loaded anew."""
    user = cast.let_in("alpha")
    engines.refuse("alpha", "numbers that are none")
    assert engines.wants().models == ("beta",)
    assert not shelf.loaded[0].closed
    cast.end(user)
    assert shelf.loaded[0].closed
    assert engines.facts()["loaded"] == "none"
    with pytest.raises(LoadFailed, match="numbers that are none"):
        cast.enter("alpha").result(20)
    engines.forgive()
    cast.end(cast.let_in("alpha"))
    assert shelf.names() == ["alpha", "alpha"]
