"""A value can be decrypted with its key in its own place only."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.privacy.encryption import DecryptionFailed, Place, decrypt, encrypt, token_of
from assets.privacy.vault_key import Keyring, VaultKey, VaultKeyRefused

KEY = VaultKey(b"\7" * 32)
RING = Keyring(current=KEY)
ANN = Place("C1", "customers", "email")
ADDRESS = "ann@example.org"


@given(st.text(max_size=300))
def test_every_text_is_decrypted_to_itself(text: str) -> None:
    assert decrypt(RING, encrypt(KEY, text, place=ANN), place=ANN) == text


def test_equal_values_have_different_ciphertexts() -> None:
    encrypted = [encrypt(KEY, ADDRESS, place=ANN) for _ in range(100)]
    assert len({each.nonce for each in encrypted}) == len({each.ciphertext for each in encrypted}) == 100
    assert all(ADDRESS.encode() not in each.ciphertext for each in encrypted)


@pytest.mark.parametrize(
    "elsewhere",
    [Place("C2", "customers", "email"), Place("C1", "leads", "email"), Place("C1", "customers", "phone")],
)
def test_a_value_moved_to_another_place_is_refused(elsewhere: Place) -> None:
    with pytest.raises(DecryptionFailed, match="was altered or moved"):
        decrypt(RING, encrypt(KEY, ADDRESS, place=ANN), place=elsewhere)


def test_an_altered_value_is_refused() -> None:
    encrypted = encrypt(KEY, ADDRESS, place=ANN)
    altered = bytes([encrypted.ciphertext[0] ^ 1]) + encrypted.ciphertext[1:]
    with pytest.raises(DecryptionFailed):
        decrypt(RING, encrypted._replace(ciphertext=altered), place=ANN)


def test_another_key_is_refused_with_its_id() -> None:
    other = VaultKey(b"\10" * 32)
    with pytest.raises(
        VaultKeyRefused, match=f"encrypted with key {KEY.id}, and the key given is {other.id}"
    ):
        decrypt(Keyring(current=other), encrypt(KEY, ADDRESS, place=ANN), place=ANN)


def test_a_token_is_an_hmac_that_depends_on_secret_kind_and_id() -> None:
    secret = b"\1" * 32
    expected = hmac.new(secret, b"customer_id\0C1", hashlib.sha256).hexdigest()
    assert token_of(secret, "customer_id", "C1") == expected
    others = {
        token_of(b"\2" * 32, "customer_id", "C1"),
        token_of(secret, "visitor_id", "C1"),
        token_of(secret, "customer_id", "C2"),
    }
    assert len(others | {expected}) == 4
