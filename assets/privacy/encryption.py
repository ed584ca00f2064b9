"""Encryption of single values, bound to their place in the vault, and pseudonymous tokens for ids."""

import hashlib
import hmac
import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assets.privacy.vault_key import Keyring, VaultKey

# 96 random bits: NIST SP 800-38D allows 2**32 values per key, a thousand times the largest vault expected.
NONCE_BYTES = 12
SEPARATOR = "\0"


class DecryptionFailed(Exception):
    """A ciphertext was altered or moved from the place it was encrypted for."""


class Place(NamedTuple):
    """Place of a value in the vault; it can be decrypted only there."""

    customer_id: str
    source: str
    column: str

    @property
    def associated_data(self) -> bytes:
        """The associated data that AES-GCM authenticates together with the value."""
        return SEPARATOR.join((self.source, self.column, self.customer_id)).encode()


class Ciphertext(NamedTuple):
    """An encrypted value; ``key_id`` names its key."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


def encrypt(key: VaultKey, value: str, *, place: Place) -> Ciphertext:
    """Encrypt ``value`` by AES-256-GCM with a random nonce.

    Args:
        key: The vault's key.
        value: Plain text.
        place: Where the value is stored, authenticated with it.

    Source: NIST SP 800-38D; the library is ``cryptography``.
    """
    nonce = os.urandom(NONCE_BYTES)
    return Ciphertext(key.id, nonce, AESGCM(key.secret).encrypt(nonce, value.encode(), place.associated_data))


def decrypt(keys: Keyring, encrypted: Ciphertext, *, place: Place) -> str:
    """Decrypt a value that was encrypted for ``place``.

    Args:
        keys: The key, and during a rotation the next one.
        encrypted: The ciphertext.
        place: Where it is stored.

    Raises:
        VaultKeyRefused: when it was encrypted with another key.
        DecryptionFailed: when the bytes were altered or belong to another place.
    """
    key = keys.by_id(encrypted.key_id)
    try:
        return (
            AESGCM(key.secret).decrypt(encrypted.nonce, encrypted.ciphertext, place.associated_data).decode()
        )
    except InvalidTag:
        raise DecryptionFailed(
            f"a value of source {place.source}, column {place.column} was altered or moved: the vault was "
            "tampered with; restore it from a copy"
        ) from None


def token_of(secret: bytes, kind: str, identifier: str) -> str:
    """Pseudonym of ``identifier``: 64 hexadecimal digits of HMAC-SHA-256.

    Args:
        secret: Secret of the business; without it a token cannot be matched to an id by trying ids.
        kind: Type of id, such as ``customer_id``; equal texts of different types get different tokens.
        identifier: The id.
    """
    return hmac.new(secret, f"{kind}{SEPARATOR}{identifier}".encode(), hashlib.sha256).hexdigest()
