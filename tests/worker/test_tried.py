"""What is noted of models that have drawn here: a start tries those anew whose files or circumstances are others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contract.catalogue import EASEL_SMALL
from model import Source
from worker.tried import Tried, circumstances

OFFERED = replace(EASEL_SMALL, name="tiny")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "model" / "unet").mkdir(parents=True)
    for name in ("model/unet/config.json", "ink.safetensors", "edges.bin"):
        (tmp_path / name).write_text("{}")
    return Source(str(tmp_path / "model"), loras={"ink": str(tmp_path / "ink.safetensors")})


def test_a_model_that_drew_is_not_tried_again(source: Source, tmp_path: Path) -> None:
    """What was noted is known to another process; nothing is known of what was not."""
    mark = circumstances(source, OFFERED, "cpu")
    assert mark not in Tried(tmp_path / "tried")
    Tried(tmp_path / "tried").note(mark)
    assert mark in Tried(tmp_path / "tried")
    assert circumstances(source, OFFERED, "cpu") == mark
    assert "" not in Tried(tmp_path / "tried")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a longer file": lambda folder: (folder / "model/unet/config.json").write_text("{ }"),
    "another file": lambda folder: (folder / "model/more.json").write_text("{}"),
    "a file of another time": lambda folder: os.utime(folder / "model/unet/config.json", ns=(1, 1)),
    "a LoRA of another length": lambda folder: (folder / "ink.safetensors").write_text("{ }"),
}


@pytest.mark.parametrize("case", sorted(CHANGES))
def test_changed_files_are_other_circumstances(source: Source, tmp_path: Path, case: str) -> None:
    """Those of the model, and of what is loaded with it."""
    before = circumstances(source, OFFERED)
    CHANGES[case](tmp_path)
    assert circumstances(source, OFFERED) not in ("", before)


def test_other_settings_are_other_circumstances(source: Source) -> None:
    """The catalogue's entry, the source, the device; files that are gone have no circumstances."""
    marks = {
        circumstances(source, OFFERED, "cpu"),
        circumstances(source, OFFERED, "cuda"),
        circumstances(source, replace(OFFERED, family="z-image"), "cpu"),
        circumstances(replace(source, vae_tiling=True), OFFERED, "cpu"),
    }
    assert len(marks) == 4
    Path(source.loras["ink"]).unlink()
    assert circumstances(source, OFFERED) == ""


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    """The next start tries the model again."""
    (tmp_path / "file").write_text("")
    tried = Tried(tmp_path / "file" / "tried")
    tried.note("abc")
    assert "abc" not in tried
