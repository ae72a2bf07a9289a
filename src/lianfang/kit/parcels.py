"""Sealed parcels: what a phone seals to the server's public key, nobody on the way and not the phone itself reads again.

Bytes (in base64url, without padding): 0x01 | key id (8) | ephemeral public key (65, uncompressed) | iv (12) | AES-256-GCM
ciphertext and tag. The AES key is HKDF-SHA256 over the ECDH P-256 secret, salted with both public keys; the parcel's id is
authenticated with it, so that no parcel can be passed off under another's id.
"""

import base64
import binascii
import hashlib
import os
import uuid
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CONTEXT = b"lianfang parcel 1"
VERSION = b"\x01"
KEY_ID, POINT, IV, TAG = 8, 65, 12, 16
HEAD = len(VERSION) + KEY_ID + POINT + IV
CURVE = ec.SECP256R1()
PRIVATE_BYTES = 32


class ParcelDamaged(ValueError):
    """The bytes are no parcel, or were altered, or belong to another id."""


class KeyUnknown(ValueError):
    """The parcel is sealed to a key that this server does not have."""


def new_private_key() -> bytes:
    """Return a new private key (32 bytes)."""
    return ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(PRIVATE_BYTES, "big")


def public_key(private: bytes) -> bytes:
    """Return the public key of a private one (65 bytes, uncompressed); raises `ValueError` for what is no key."""
    key = ec.derive_private_key(int.from_bytes(private, "big"), CURVE)
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def key_id(public: bytes) -> str:
    """Return the 16 hex digits by which a parcel names the key it is sealed to."""
    return hashlib.sha256(public).digest()[:KEY_ID].hex()


def as_text(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Return the bytes of base64url, with or without padding; raises `ParcelDamaged`."""
    stripped = text.rstrip("=")
    try:
        return binascii.a2b_base64(stripped.translate(_PLAIN) + "=" * (-len(stripped) % 4), strict_mode=True)
    except ValueError:  # no base 64, or not ASCII
        raise ParcelDamaged("this is no base64url") from None


_PLAIN = str.maketrans("-_", "+/")


def seal(public: bytes, id: uuid.UUID, content: bytes) -> bytes:
    """Seal content to a public key under a parcel's id, as phones do."""
    ephemeral = ec.generate_private_key(CURVE)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    iv = os.urandom(IV)
    secret = ephemeral.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public))
    body = AESGCM(_key(secret, point, public)).encrypt(iv, content, CONTEXT + id.bytes)
    return VERSION + bytes.fromhex(key_id(public)) + point + iv + body


def open_parcel(sealed: bytes, id: uuid.UUID, keys: Mapping[str, bytes]) -> bytes:
    """Return what a parcel holds; ``keys``: private keys by their id. Raises `KeyUnknown` or `ParcelDamaged`."""
    if len(sealed) < HEAD + TAG or sealed[:1] != VERSION:
        raise ParcelDamaged("this is no parcel of version 1")
    private = keys.get(sealed[1 : 1 + KEY_ID].hex())
    if private is None:
        raise KeyUnknown("sealed to a key that is not here")
    point, iv = sealed[1 + KEY_ID : HEAD - IV], sealed[HEAD - IV : HEAD]
    try:
        mine = ec.derive_private_key(int.from_bytes(private, "big"), CURVE)
        secret = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point))
        key = _key(secret, point, public_key(private))
        return AESGCM(key).decrypt(iv, sealed[HEAD:], CONTEXT + id.bytes)
    except (InvalidTag, ValueError):
        raise ParcelDamaged("the parcel was altered, cut off, or sealed under another id") from None


def _key(secret: bytes, point: bytes, public: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=point + public, info=CONTEXT).derive(secret)
