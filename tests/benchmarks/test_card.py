"""What an operator with a card runs first, here on the processor."""

import pytest
import torch

from benchmarks import card


def test_it_prints_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the default model: memory, time beside stock, pixels apart, a step."""
    assert card.main(["--device", "cpu", "--pairs", "1", "--steps", "2", "--no-compile"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(card.describe(torch.device("cpu")).partition(";")[0])
    for figure in ("expected_mib", "grid_ratio", "step_s", "peak_share"):
        assert f"  {figure}" in said
    [apart] = [line.split()[1] for line in said.splitlines() if "max_level_diff" in line]
    assert int(apart) <= 1


def test_without_a_card_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And what runs instead."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert card.main([]) == 2
    assert "--device cpu" in capsys.readouterr().err


def test_a_model_that_is_not_there() -> None:
    """Ends it with one sentence."""
    assert card.main(["/nowhere/model", "--device", "cpu"]) == 2


def test_what_is_compiled_is_not_measured() -> None:
    """The calls that compile come before those that are timed, as many as there are; then none is left."""
    seen = []

    def grown(values: torch.Tensor) -> torch.Tensor:
        return values * 2

    compiled = torch.compile(grown, backend="eager")
    sizes = iter((2, 3))

    def work() -> None:
        seen.append(compiled(torch.ones(next(sizes, 4))))

    assert card._settled(work, torch.device("cpu")) > 0
    assert len(seen) > 2
    assert card._settled(work, torch.device("cpu")) == 0
