"""What an operator may set for a worker, and what the settings mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contract.catalogue import EASEL_SMALL, Catalogue
from contract.errors import UserError
from exchange.settings import SettingsError, read_settings
from worker.settings import DEFAULT_MODEL, WorkerSettings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and no settings in the environment."""
    for name in WorkerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_shipped_model_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set, or set to nothing as compose does it: the small model in the repository draws."""
    monkeypatch.setenv("MODEL", "")
    assert (read_settings(WorkerSettings).model, read_settings(WorkerSettings).model_source) == ("", "")
    assert (DEFAULT_MODEL / "model_index.json").is_file()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", ("sdxl",)),
        ("easel-small", ("easel-small",)),
        ("easel-small, sdxl,easel-small", ("easel-small", "sdxl")),
        ("all", ("sdxl", "easel-small", "one, two")),
        ("one, two", ("one, two",)),
        (" , ", ("sdxl",)),
    ],
)
def test_a_worker_draws_with_one_model_or_with_several(
    monkeypatch: pytest.MonkeyPatch, value: str, names: tuple[str, ...]
) -> None:
    """The first of the catalogue unless MODEL says otherwise; the one to begin with comes first."""
    catalogue = Catalogue(tuple(replace(EASEL_SMALL, name=name) for name in ("sdxl", "easel-small", "one, two")))
    monkeypatch.setenv("MODEL", value)
    assert read_settings(WorkerSettings).models_of(catalogue) == names


def test_a_model_that_is_not_in_the_catalogue_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that are."""
    monkeypatch.setenv("MODEL", "easel-small,grand-old-model")
    with pytest.raises(UserError) as caught:
        read_settings(WorkerSettings).models_of(Catalogue((EASEL_SMALL,)))
    assert caught.value.values == {"model": "grand-old-model", "offered": "easel-small"}


def test_a_missing_token_is_named_with_the_ways_to_set_it() -> None:
    """`status` needs no token, so it is asked for only where messages are posted."""
    with pytest.raises(SettingsError, match=r"DISCORD_TOKEN is missing: .*environment, in \.env, or in a file"):
        read_settings(WorkerSettings).require_token()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DTYPE", "float8", "DTYPE is wrong: .*'float32'"),
        ("DEVICE", "gpu", "DEVICE is wrong: .* It means: auto, cpu, cuda"),
    ],
)
def test_errors_say_what_a_setting_may_be(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    """The choices, or an example of each."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        read_settings(WorkerSettings)


def test_the_upload_limit_is_in_mebibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """UPLOAD_LIMIT_MB=0.5 is 524,288 bytes."""
    monkeypatch.setenv("UPLOAD_LIMIT_MB", "0.5")
    assert read_settings(WorkerSettings).upload_limit_bytes == 524_288
