"""Settings come from the environment, `.env` and secret files, and say what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contract.catalogue import EASEL_SMALL, Catalogue
from contract.errors import UserError
from worker.settings import DEFAULT_MODEL, SettingsError, WorkerSettings, load_settings


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
    assert (load_settings().model, load_settings().model_source) == ("", "")
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
    assert load_settings().models_of(catalogue) == names


def test_a_model_that_is_not_in_the_catalogue_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that are."""
    monkeypatch.setenv("MODEL", "easel-small,grand-old-model")
    with pytest.raises(UserError) as caught:
        load_settings().models_of(Catalogue((EASEL_SMALL,)))
    assert caught.value.values == {"model": "grand-old-model", "offered": "easel-small"}


def test_the_environment_wins_over_env_file_and_secrets(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment before `.env` before a file of secrets."""
    (nowhere / "secrets").mkdir()
    (nowhere / "secrets" / "discord_token").write_text("from-secret\n")
    (nowhere / "secrets" / "image_store").write_text("secret-folder")
    (nowhere / ".env").write_text("IMAGE_STORE=env-folder\nSLOTS=2\n")
    monkeypatch.setenv("SLOTS", "3")
    settings = load_settings()
    assert settings.require_token().get_secret_value() == "from-secret"
    assert settings.image_store == "env-folder"
    assert settings.slots == 3


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the token nor a password in the Redis address shows when settings are printed."""
    monkeypatch.setenv("DISCORD_TOKEN", "MTEx.secret")
    monkeypatch.setenv("REDIS_URL", "redis://:password@localhost")
    assert "MTEx" not in repr(load_settings())
    assert "password" not in repr(load_settings())


def test_a_missing_token_is_named_with_the_ways_to_set_it() -> None:
    """`status` needs no token, so it is asked for only where messages are posted."""
    with pytest.raises(SettingsError, match=r"DISCORD_TOKEN is not set: .*environment, \.env, or a file"):
        load_settings().require_token()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SLOTS", "none", "SLOTS .*valid integer"),
        ("SLOTS", "0", "SLOTS .*greater than or equal to 1"),
        ("DTYPE", "float8", "DTYPE .*'float32'"),
        ("DEVICE", "gpu", "DEVICE .*auto, cpu, cuda"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT .*'console' or 'json'"),
        ("DISCORD_TOKEN", "Bot MTEx.a", "no spaces"),
        ("DISCORD_ALLOW_REMOTE_API", "perhaps", "DISCORD_ALLOW_REMOTE_API .*boolean"),
    ],
)
def test_errors_name_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    """A sentence per wrong variable; secret values are not repeated."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings()
    assert "MTEx" not in str(caught.value)


def test_the_upload_limit_is_in_mebibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """UPLOAD_LIMIT_MB=0.5 is 524,288 bytes."""
    monkeypatch.setenv("UPLOAD_LIMIT_MB", "0.5")
    assert load_settings().upload_limit_bytes == 524_288
