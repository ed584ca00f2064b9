"""One value encrypted so that only its own place in the vault opens it, and tokens that stand for ids."""

import hashlib
import hmac
import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assets.privacy.vault_key import Keyring, VaultKey

# 96 random bits: NIST SP 800-38D allows 2**32 values per key, a thousand times the largest vault foreseen.
NONCE_BYTES = 12
SEPARATOR = "\0"


class DecryptionFailed(Exception):
    """A ciphertext was altered, or was moved from the place it was encrypted for."""


class Place(NamedTuple):
    """Where a value belongs: it opens nowhere else."""

    customer_id: str
    source: str
    column: str

    @property
    def associated_data(self) -> bytes:
        """The bytes that AES-GCM authenticates together with the value."""
        return SEPARATOR.join((self.source, self.column, self.customer_id)).encode()


class Ciphertext(NamedTuple):
    """A value that nobody reads without the key of ``key_id``."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


def encrypt(key: VaultKey, value: str, *, place: Place) -> Ciphertext:
    """``value`` by AES-256-GCM with a nonce of its own.

    Source: NIST SP 800-38D; the library is ``cryptography``.
    """
    nonce = os.urandom(NONCE_BYTES)
    return Ciphertext(key.id, nonce, AESGCM(key.secret).encrypt(nonce, value.encode(), place.associated_data))


def decrypt(keys: Keyring, encrypted: Ciphertext, *, place: Place) -> str:
    """The value that was sealed for ``place``.

    Raises:
        VaultKeyRefused: when the key is another one.
        DecryptionFailed: when the bytes were altered or belong to another place.
    """
    key = keys.by_id(encrypted.key_id)
    try:
        return (
            AESGCM(key.secret).decrypt(encrypted.nonce, encrypted.ciphertext, place.associated_data).decode()
        )
    except InvalidTag:
        raise DecryptionFailed(
            f"a value of source {place.source}, column {place.column} does not belong where it lies or was "
            "altered: the vault was tampered with; take it back from a copy"
        ) from None


def token_of(secret: bytes, kind: str, identifier: str) -> str:
    """What stands for ``identifier`` where it may not be written: 64 hexadecimal digits of HMAC-SHA-256.

    Args:
        secret: The business's own secret; without it nobody can tell whom a token means by trying ids.
        kind: What is identified, such as ``customer_id``: the same text means another thing elsewhere.
        identifier: The id.
    """
    return hmac.new(secret, f"{kind}{SEPARATOR}{identifier}".encode(), hashlib.sha256).hexdigest()
