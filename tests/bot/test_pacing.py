"""A channel's edits keep to one budget, the newest wins, and the first preview goes at once."""

from __future__ import annotations

from bot.pacing import EDITS_PER_WINDOW, WINDOW_S, ChannelPace


def drain(pace: ChannelPace[str, str], now_s: float) -> list[tuple[str, str]]:
    sent = []
    while (taken := pace.take(now_s)) is not None:
        sent.append(taken)
    return sent


def test_the_newest_edit_of_a_message_replaces_the_pending_one() -> None:
    """Three edits offered before one can be sent are one edit, the last."""
    pace: ChannelPace[str, str] = ChannelPace()
    for text in ("0%", "10%", "20%"):
        pace.offer("a", text)
    assert drain(pace, 0.0) == [("a", "20%")]


def test_a_message_waits_its_interval_between_edits() -> None:
    """One message alone: 1.5 seconds between two edits."""
    pace: ChannelPace[str, str] = ChannelPace()
    pace.offer("a", "1")
    assert drain(pace, 10.0) == [("a", "1")]
    pace.offer("a", "2")
    assert pace.wait_s(10.0) == 1.5
    assert drain(pace, 11.4) == []
    assert drain(pace, 11.5) == [("a", "2")]


def test_the_interval_grows_with_the_messages_of_the_channel() -> None:
    """Four messages on the move: five seconds between two edits of one of them."""
    pace: ChannelPace[str, str] = ChannelPace()
    for key in "abcd":
        pace.offer(key, "1")
    assert len(drain(pace, 0.0)) == 4
    pace.offer("a", "2")
    assert pace.wait_s(0.0) == 5.0
    pace.forget("b")
    pace.forget("c")
    assert pace.wait_s(0.0) == 2.5


def test_messages_that_only_wait_do_not_slow_the_others() -> None:
    """Ten messages with a word about their place, one on the move: that one keeps its 1.5 seconds."""
    pace: ChannelPace[str, str] = ChannelPace()
    for key in "abcd":
        pace.offer(key, "3 ahead", moving=False)
    drain(pace, 0.0)
    pace.offer("e", "0%")
    drain(pace, 0.0)
    pace.offer("e", "10%")
    assert pace.wait_s(6.0) == 0.0
    drain(pace, 6.0)
    pace.offer("e", "20%")
    assert pace.wait_s(6.0) == 1.5


def test_an_urgent_edit_does_not_wait_for_the_interval() -> None:
    """A first preview, or a final state, is sent at once; a plain edit of the same age waits."""
    pace: ChannelPace[str, str] = ChannelPace()
    pace.offer("a", "0%")
    pace.offer("b", "0%")
    drain(pace, 0.0)
    pace.offer("b", "5%")
    pace.offer("a", "preview", urgent=True)
    assert drain(pace, 0.1) == [("a", "preview")]


def test_a_channel_never_exceeds_its_budget_however_urgent() -> None:
    """In no window of five seconds are there more than five edits, with thirty messages shouting for five minutes."""
    pace: ChannelPace[int, str] = ChannelPace()
    sent_s: list[float] = []
    keys: list[int] = []
    for tick in range(3000):
        now_s = tick / 10
        for key in range(30):
            pace.offer(key, f"{tick}", urgent=tick % 7 == 0)
        while (taken := pace.take(now_s)) is not None:
            sent_s.append(now_s)
            keys.append(taken[0])
    assert all(later - earlier >= WINDOW_S for earlier, later in zip(sent_s, sent_s[EDITS_PER_WINDOW:], strict=False))
    counts = [keys.count(key) for key in range(30)]
    assert min(counts) >= 9
    assert max(counts) - min(counts) <= 1


def test_a_forgotten_message_is_not_edited() -> None:
    """What is pending for a finished message is dropped."""
    pace: ChannelPace[str, str] = ChannelPace()
    pace.offer("a", "1")
    pace.forget("a")
    assert pace.wait_s(0.0) is None
    assert pace.take(0.0) is None
    assert len(pace) == 0


def test_what_yields_lets_all_others_go_first() -> None:
    """A yielding edit was offered first, and goes after the others; it leaves one edit of the window to them."""
    pace: ChannelPace[str, str] = ChannelPace()
    pace.offer("pressed", "blue", yielding=True)
    for key in "abcd":
        pace.offer(key, "1")
    assert drain(pace, 0.0) == [(key, "1") for key in "abcd"]
    pace.offer("e", "preview", urgent=True)
    assert drain(pace, 0.0) == [("e", "preview")]
    assert pace.wait_s(0.0) == WINDOW_S
    for key in "abcde":
        pace.forget(key)
    assert drain(pace, WINDOW_S) == [("pressed", "blue")]


def test_what_yields_is_remembered_no_longer_than_it_waits() -> None:
    """It makes no other message wait, before or after."""
    pace: ChannelPace[str, str] = ChannelPace()
    pace.offer("a", "1")
    for key in "bcd":
        pace.offer(key, "blue", yielding=True)
    drain(pace, 0.0)
    assert len(pace) == 1
    pace.offer("a", "2")
    assert pace.wait_s(0.0) == 1.5
