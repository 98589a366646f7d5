"""Content credentials (C2PA): a signature inside every delivered file that says what made it, and that nothing changed.

The EU AI Act (Article 50) asks generators to mark their pictures so that machines can tell. The manifest says that a
trained model made the picture (IPTC's `trainedAlgorithmicMedia`) and holds the recipe, from which `easel verify` draws
it again. It names neither the person nor the place. https://spec.c2pa.org/
"""

from __future__ import annotations

import datetime
import io
import json
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contract.errors import EaselError

ROOM_BYTES = 20_000
"""What a signature adds to a file at most; a caller with a limit to keep leaves this much."""

MIME_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "mp4": "video/mp4"}

RECIPE = "app.easel.recipe"
"""The label of our own assertion: what `easel verify` needs to draw the picture again."""

_MADE_BY_A_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_BOXES = tuple(b"\x03" + name + b"\0" for name in (b"c2pa", b"c2pa.assertions", b"c2pa.claim.v2", b"c2pa.signature"))
_FRAME = {
    "jpg": (*_BOXES, b"cpadY", b"JP\x02\x11\0\0\0\x01"),
    "webp": (*_BOXES, b"cpadY"),
    "mp4": (*_BOXES, b"cpadY", b"ftypisom\0\0\2\0isomiso2avc1mp41", b"\x81\0\0\0\0manifest\0\0\0\0\0\0\0\0\0"),
}
"""What stands around our credentials: names of boxes, in a JPEG the head of their first segment, and in an MP4 the
file's own kind and the head of their box."""
_CHAIN, _KEY = "certificates.pem", "key.pem"
_VALID_DAYS = 3650
# A preview of every picture inside its own manifest would be ten times the size of all the rest.
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}


class SigningError(EaselError):
    """The certificate or key cannot be used; the text says which file, and why."""


class Verdict(StrEnum):
    """What a file's credentials are worth."""

    TRUSTED = "trusted"
    """Whole and unchanged, signed with the certificate that was expected."""
    VALID = "valid"
    """Whole and unchanged, but signed by somebody whom nobody vouches for."""
    INVALID = "invalid"
    """Changed since it was signed, or signed wrongly."""
    UNSIGNED = "unsigned"
    """It carries no credentials."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a file says of itself. `problems` are the library's codes; `recipe` is None when it holds none of ours."""

    verdict: Verdict
    generator: str | None = None
    signer: str | None = None
    recipe: Mapping[str, Any] | None = None
    problems: tuple[str, ...] = ()


class Signer:
    """Signs files with one certificate chain (PEM, the signer's first) and its key. Threads may share it."""

    def __init__(self, chain: bytes, key: bytes) -> None:
        """SigningError when the two do not belong together or are no P-256 pair, or have run out."""
        _check(chain, key)
        info = c2pa.C2paSignerInfo(alg=c2pa.C2paSigningAlg.ES256, sign_cert=chain, private_key=key, ta_url=None)
        try:
            self._context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS), c2pa.Signer.from_info(info))
        except c2pa.C2paError as error:
            raise SigningError(f"the signing certificate is not taken: {error}") from None
        self.chain = chain

    @classmethod
    def from_files(cls, chain: Path, key: Path) -> Signer:
        """The operator's own certificate. SigningError when a file cannot be read or used."""
        try:
            return cls(chain.read_bytes(), key.read_bytes())
        except OSError as error:
            raise SigningError(f"{error.filename} cannot be read: {error.strerror}") from None

    @classmethod
    def self_made(cls, folder: Path) -> Signer:
        """The certificate in `folder`, made there at the first call: nobody vouches for it, but it is always the same.

        Several processes may ask at once: the first one to finish wins. SigningError when the folder is of no use.
        """
        try:
            if not (folder / _KEY).exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                chain, key = make_certificate()
                _place(folder / _CHAIN, folder / _KEY, chain, key)
        except OSError as error:
            raise SigningError(f"a signing certificate cannot be kept in {folder}: {error.strerror}") from None
        return cls.from_files(folder / _CHAIN, folder / _KEY)

    def sign(self, data: bytes, extension: str, title: str, recipe: Mapping[str, Any], *, version: str) -> bytes:
        """The same file with credentials. `extension` is one of MIME_TYPES, `recipe` a JSON object.

        SigningError when the library does not take the file.
        """
        manifest = {
            "claim_generator_info": [{"name": "Easel", "version": version}],
            "title": title,
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": _MADE_BY_A_MODEL}]},
                },
                # As a text: the library writes a list of small numbers as bytes, and gives back something else.
                {"label": RECIPE, "data": {"json": json.dumps(recipe)}},
            ],
        }
        signed = io.BytesIO()
        try:
            with c2pa.Builder(json.dumps(manifest), self._context) as builder:
                builder.sign(MIME_TYPES[extension], io.BytesIO(data), signed)
        except c2pa.C2paError as error:
            raise SigningError(f"a {extension} file cannot be signed: {error}") from None
        return signed.getvalue()


def read_credentials(data: bytes, extension: str, anchors: bytes | None = None) -> Credentials:
    """What the file says of itself. `anchors` are certificates (PEM) to vouch for a signer; without them the best
    verdict is VALID. Damage of any kind is INVALID, never an exception."""
    settings: dict[str, Any] = {"verify": {"verify_trust": anchors is not None}}
    if anchors is not None:
        settings["trust"] = {"user_anchors": anchors.decode()}
    try:
        with (
            c2pa.Context(c2pa.Settings.from_dict(settings)) as context,
            c2pa.Reader(MIME_TYPES[extension], io.BytesIO(data), context=context) as reader,
        ):
            found = _read(json.loads(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(Verdict.UNSIGNED)
    except (c2pa.C2paError, ValueError) as error:
        return Credentials(Verdict.INVALID, problems=(str(error).partition("\n")[0],))
    if found.recipe is not None and not _frame_is_whole(data, extension):
        return replace(found, verdict=Verdict.INVALID, problems=(*found.problems, "frame.changed"))
    return found


def make_certificate() -> tuple[bytes, bytes]:
    """A chain of two certificates (PEM, the signer's first) and the signer's key, as C2PA wants them."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = _name("Easel root")
    root = _certificate(root_name, root_key, root_name, root_key, is_root=True)
    leaf = _certificate(_name("Easel"), key, root_name, root_key, is_root=False)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return leaf.public_bytes(pem) + root.public_bytes(pem), secret


def _read(document: Mapping[str, Any]) -> Credentials:
    manifest = document.get("manifests", {}).get(document.get("active_manifest"), {})
    generator: Mapping[str, Any] = next(iter(manifest.get("claim_generator_info") or ()), {})
    recipe = next((entry["data"] for entry in manifest.get("assertions", ()) if entry.get("label") == RECIPE), None)
    state = str(document.get("validation_state", "")).lower()
    problems = tuple(str(entry.get("code")) for entry in document.get("validation_status") or ())
    return Credentials(
        verdict=Verdict(state) if state in (Verdict.TRUSTED, Verdict.VALID) else Verdict.INVALID,
        generator=" ".join(str(generator[key]) for key in ("name", "version") if generator.get(key)) or None,
        signer=(manifest.get("signature_info") or {}).get("common_name"),
        recipe=_recipe_in(recipe),
        problems=problems,
    )


def _recipe_in(assertion: object) -> Mapping[str, Any] | None:
    """The recipe in its assertion; None when there is none. ValueError for one that cannot be read.

    Easel before 0.3 wrote it as an object of its own, in which lists of small numbers were lost.
    """
    if not isinstance(assertion, dict):
        return None
    if "json" not in assertion:
        return assertion
    recipe = json.loads(assertion["json"])
    return recipe if isinstance(recipe, dict) else None


def _frame_is_whole(data: bytes, extension: str) -> bool:
    """Whether the bytes of our credentials that their own signature does not cover stand as we write them.

    C2PA hashes the picture and signs the claim; the names of the boxes around them and the padding that is kept free
    for a larger signature are nobody's. A PNG has checksums for all that.
    """
    if extension == "png":
        return _checksums_match(data)
    padding = re.findall(rb"cpadY(..)", data, re.DOTALL)  # CBOR: a text of 3 letters, then bytes with a length of two
    return all(frame in data for frame in _FRAME[extension]) and all(
        b"cpadY" + length + bytes(int.from_bytes(length)) in data for length in padding
    )


def _checksums_match(png: bytes) -> bool:
    place = 8
    while place + 12 <= len(png):
        end = place + 8 + int.from_bytes(png[place : place + 4])
        if png[end : end + 4] != zlib.crc32(png[place + 4 : end]).to_bytes(4):
            return False
        place = end + 4
    return place == len(png)


def _check(chain: bytes, key: bytes) -> None:
    """Said here in plain words; the library's own are about bytes."""
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
    except (ValueError, IndexError):
        raise SigningError("the signing certificate is no certificate in PEM form") from None
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        raise SigningError("the signing key is no key in PEM form, or a password protects it") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise SigningError("the signing key must be an elliptic-curve key on P-256 (ES256)")
    if private.public_key() != certificate.public_key():
        raise SigningError("the signing key does not belong to the first certificate of the chain")
    if certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise SigningError(f"the signing certificate ran out on {certificate.not_valid_after_utc:%Y-%m-%d}")


def _place(chain_file: Path, key_file: Path, chain: bytes, key: bytes) -> None:
    """The chain first: who sees the key sees its chain as well. A key that another process placed stays."""
    for file, data in ((chain_file, chain), (key_file, key)):
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(data)
        beside.replace(file)


def _name(common: str) -> x509.Name:
    # C2PA wants an organisation in the subject; the operator's own certificate says who that is.
    parts = ((NameOID.ORGANIZATION_NAME, "Easel, self-made"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_root: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks of hosts differ
        .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=is_root,
                crl_sign=is_root,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not is_root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
