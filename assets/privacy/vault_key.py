"""The vault's key: 32 bytes as 64 hexadecimal digits, from the environment or a file with mode 0600."""

import hashlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

KEY_BYTES = 32
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWNER_ONLY = 0o600
# Suffix of the file with the next key during a rotation.
NEXT_SUFFIX = ".next"


class VaultKeyRefused(Exception):
    """The key is missing, malformed, readable by others or a wrong one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class VaultKey:
    """32 secret bytes, never shown; ``id`` identifies the key without revealing it."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """16 hexadecimal digits of a hash of the secret, which reveal nothing about 256 random bits."""
        return hashlib.sha256(b"vault key\0" + self.secret).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The current key, and during a rotation the next one."""

    current: VaultKey
    following: VaultKey | None = None

    def by_id(self, key_id: str) -> VaultKey:
        """Return the key with ``key_id``.

        Raises:
            VaultKeyRefused: when neither key has this id.
        """
        for key in (self.current, self.following):
            if key is not None and key.id == key_id:
                return key
        raise VaultKeyRefused(
            f"the vault is encrypted with key {key_id}, and the key given is {self.current.id}: provide the "
            "key that it was created with; without it the vault cannot be read"
        )


def key_from(text: str, *, where: str) -> VaultKey:
    """Parse ``text`` as a key; ``where`` names its origin in error messages.

    Raises:
        VaultKeyRefused: when it is not 64 hexadecimal digits. The message does not show the text.
    """
    digits = text.strip()
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        raise VaultKeyRefused(
            f"{where} holds characters other than hexadecimal digits; a key is 64 of them"
        ) from None
    if len(secret) != KEY_BYTES or len(digits) != 2 * KEY_BYTES:
        raise VaultKeyRefused(f"{where} holds {len(digits)} characters; a key is 64 hexadecimal digits")
    return VaultKey(secret)


def key_in(file: Path) -> VaultKey:
    """Read the key in ``file``.

    Raises:
        VaultKeyRefused: when the file is missing, accessible to others than its owner, or holds no key.
    """
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        raise VaultKeyRefused(
            f"{file} is missing: put the vault's key there; for a new vault create one with `make vault-key`"
        ) from None
    if mode & OTHERS:
        raise VaultKeyRefused(f"{file} has mode {mode:04o}, so others may use it: chmod 600 {file}")
    return key_from(file.read_text(encoding="ascii", errors="replace"), where=str(file))


def keyring_in(file: Path) -> Keyring:
    """Read the key in ``file``, and the next key during a rotation.

    Raises:
        VaultKeyRefused: as :func:`key_in` does.
    """
    beside = next_to(file)
    return Keyring(current=key_in(file), following=key_in(beside) if beside.exists() else None)


def next_to(file: Path) -> Path:
    """Path of the next key, which will replace the one in ``file``."""
    return file.with_name(file.name + NEXT_SUFFIX)


def make_key(file: Path) -> VaultKey:
    """Create a random key in ``file``, readable by its owner only.

    Raises:
        FileExistsError: when the file exists: a new key would make the vault unreadable for ever.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    key = VaultKey(secrets.token_bytes(KEY_BYTES))
    # Written to a draft and linked: a kill leaves no key or a complete one, and a concurrent call fails.
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(key.secret.hex() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        file.hardlink_to(draft)
    finally:
        draft.unlink()
    return key
