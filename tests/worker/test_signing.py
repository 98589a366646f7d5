"""Credentials: every file that is delivered says what made it, and any change of it shows."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from worker import mp4
from worker.encoding import Encoded, encode_lossless, encode_message, read_parameters
from worker.signing import ROOM_BYTES, Signer, SigningError, Verdict, make_certificate, read_credentials

RECIPE = {"job": {"seed": 7, "prompt": "a red apple", "aspect": [3, 2], "tags": ["a"], "none": None, "share": 0.1}}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(*make_certificate())


def picture(size: int) -> np.ndarray:
    """Noise, so that no two bytes of a file are alike by chance."""
    return np.random.default_rng(size).integers(0, 255, (size, size, 3), dtype=np.uint8)


def signed(signer: Signer, file: Encoded) -> bytes:
    return signer.sign(file.data, file.extension, "a red apple", RECIPE, version="0.2.0")


def smooth(size: int) -> np.ndarray:
    """Waves: WebP is much better at them than PNG."""
    rows, columns = np.mgrid[0:size, 0:size] / 9
    return (np.stack([np.sin(rows), np.cos(columns), np.sin(rows * columns)], -1) * 120 + 128).astype(np.uint8)


FILES = {
    "png": encode_lossless(picture(32), parameters="a red apple --v 6.1"),
    "jpg": encode_message(picture(672), parameters="a red apple --v 6.1"),
    "webp": encode_lossless(smooth(256), parameters="a red apple --v 6.1", limit_bytes=66_000),
    "mp4": Encoded(mp4.encode([smooth(64), smooth(64)[::-1]], 40, parameters="a red apple --v 6.1"), "mp4"),
}


@pytest.mark.parametrize("extension", FILES)
def test_a_signed_file_says_what_made_it_and_keeps_its_parameters(signer: Signer, extension: str) -> None:
    """The recipe comes back whole, the generator and signer have names, and other tools still find the prompt."""
    file = FILES[extension]
    assert file.extension == extension
    data = signed(signer, file)
    found = read_credentials(data, extension, signer.chain)
    assert found.verdict is Verdict.TRUSTED
    assert found.recipe == RECIPE
    assert (found.generator, found.signer) == ("Easel 0.2.0", "Easel")
    assert (mp4.decode(data)[1] if extension == "mp4" else read_parameters(data)) == "a red apple --v 6.1"
    assert len(data) - len(file.data) <= ROOM_BYTES


@pytest.mark.parametrize("extension", FILES)
def test_one_flipped_bit_shows_wherever_it_lies(signer: Signer, extension: str) -> None:
    """In the pixels, in the words, in the signature: never `trusted`, never `valid`, never an exception."""
    data = signed(signer, FILES[extension])
    draw = np.random.default_rng(1)
    places = [*range(0, len(data), max(1, len(data) // 60)), len(data) - 1]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(draw.integers(8))
        verdict = read_credentials(bytes(damaged), extension, signer.chain).verdict
        assert verdict in (Verdict.INVALID, Verdict.UNSIGNED), f"bit at {place} of {len(data)}"


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"words", FILES["png"].data[:200]])
def test_what_is_no_whole_file_is_invalid_or_unsigned(data: bytes) -> None:
    """A truncated or foreign file is a verdict, not a crash."""
    assert read_credentials(data, "png").verdict in (Verdict.INVALID, Verdict.UNSIGNED)


def test_a_file_without_credentials_is_unsigned() -> None:
    """Nothing is claimed of it."""
    assert read_credentials(FILES["png"].data, "png").verdict is Verdict.UNSIGNED


def test_another_house_is_valid_but_not_trusted(signer: Signer) -> None:
    """Who vouches for a signature is asked apart from whether it is whole."""
    data = signed(Signer(*make_certificate()), FILES["png"])
    assert read_credentials(data, "png").verdict is Verdict.VALID
    assert read_credentials(data, "png", signer.chain).verdict is not Verdict.TRUSTED


def test_a_self_made_certificate_is_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    """The second process finds the first one's; nobody else on the host reads the key."""
    first = Signer.self_made(tmp_path / "signing")
    assert Signer.self_made(tmp_path / "signing").chain == first.chain
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "signing").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "signing").stat().st_mode) == 0o700


def test_a_certificate_of_no_use_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Before anything is drawn: the wrong key, the wrong curve, no certificate, no file."""
    chain, key = make_certificate()
    with pytest.raises(SigningError, match="does not belong"):
        Signer(chain, make_certificate()[1])
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(SigningError, match="P-256"):
        Signer(chain, ec.generate_private_key(ec.SECP384R1()).private_bytes(*pem))
    with pytest.raises(SigningError, match="PEM"):
        Signer(b"nonsense", key)
    with pytest.raises(SigningError, match=r"nowhere\.pem cannot be read"):
        Signer.from_files(tmp_path / "nowhere.pem", tmp_path / "key.pem")
