"""A key that is missing, malformed or readable by others is refused, and a key is never shown."""

from pathlib import Path

import pytest

from assets.privacy.vault_key import (
    Keyring,
    VaultKey,
    VaultKeyRefused,
    key_from,
    key_in,
    keyring_in,
    make_key,
    next_to,
)

DIGITS = "ab" * 32


def test_a_made_key_is_random_private_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "shop.key"
    made = make_key(file)
    assert key_in(file) == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert make_key(tmp_path / "other.key").secret != made.secret
    assert [each.name for each in file.parent.iterdir()] == ["shop.key"]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "shop.key"
    made = make_key(file)
    with pytest.raises(FileExistsError):
        make_key(file)
    assert key_in(file) == made


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "shop.key"
    make_key(file)
    file.chmod(mode)
    with pytest.raises(VaultKeyRefused, match=rf"mode {mode:04o}, so others may use it: chmod 600"):
        key_in(file)


def test_a_missing_key_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(VaultKeyRefused, match=r"is missing: put the vault.s key there; .*`make vault-key`"):
        key_in(tmp_path / "shop.key")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 characters"),
        (DIGITS[:-2], "62 characters"),
        (DIGITS + "ab", "66 characters"),
        (DIGITS[:-2] + "zz", "characters other than hexadecimal digits"),
        ("ab " * 32, "95 characters"),
    ],
)
def test_a_malformed_key_is_refused_without_being_shown(text: str, words: str) -> None:
    with pytest.raises(VaultKeyRefused, match=words) as refused:
        key_from(text, where="VAULT_KEY")
    assert not text or text not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_key_is_in_no_representation() -> None:
    key = key_from(DIGITS, where="VAULT_KEY")
    ring = Keyring(current=key, following=VaultKey(b"\1" * 32))
    assert DIGITS not in f"{key!r}{ring!r}{key.id}"
    assert "ab" * 4 not in key.id
    assert repr(key.secret) not in f"{key!r}{ring!r}"


def test_during_a_rotation_both_keys_are_read(tmp_path: Path) -> None:
    file = tmp_path / "shop.key"
    old = make_key(file)
    assert keyring_in(file) == Keyring(current=old)
    new = make_key(next_to(file))
    ring = keyring_in(file)
    assert (ring.by_id(old.id), ring.by_id(new.id)) == (old, new)
    with pytest.raises(VaultKeyRefused, match="encrypted with key 00, and the key given is"):
        ring.by_id("00")
