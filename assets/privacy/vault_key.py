"""The vault's key: 32 bytes as 64 hexadecimal digits, from the environment or a file of its owner alone."""

import hashlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

KEY_BYTES = 32
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWNER_ONLY = 0o600
# Where a rotation keeps the key that comes next, until everything is encrypted with it.
NEXT_SUFFIX = ".next"


class VaultKeyRefused(Exception):
    """There is no key, or it is not one, or others may read it; the words say which and what to do."""


@dataclass(frozen=True, slots=True)
class VaultKey:
    """32 secret bytes that are shown nowhere; ``id`` tells one key from another and gives nothing away."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """16 hexadecimal digits of a hash: nothing about 256 random bits can be guessed from it."""
        return hashlib.sha256(b"vault key\0" + self.secret).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The key that encrypts, and while a rotation goes on the one that will."""

    current: VaultKey
    following: VaultKey | None = None

    def by_id(self, key_id: str) -> VaultKey:
        """The key of that id.

        Raises:
            VaultKeyRefused: when it is neither of them.
        """
        for key in (self.current, self.following):
            if key is not None and key.id == key_id:
                return key
        raise VaultKeyRefused(
            f"the vault is encrypted with key {key_id}, and the key given is {self.current.id}: give the key "
            "that it was made with; without it nobody can read the vault"
        )


def key_from(text: str, *, where: str) -> VaultKey:
    """The key that ``text`` writes; ``where`` names its place for whoever has to mend it.

    Raises:
        VaultKeyRefused: when it is not 64 hexadecimal digits. The text itself is not shown.
    """
    digits = text.strip()
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        raise VaultKeyRefused(
            f"{where} holds something else than hexadecimal digits; a key is 64 of them"
        ) from None
    if len(secret) != KEY_BYTES or len(digits) != 2 * KEY_BYTES:
        raise VaultKeyRefused(f"{where} holds {len(digits)} characters; a key is 64 hexadecimal digits")
    return VaultKey(secret)


def key_in(file: Path) -> VaultKey:
    """The key in ``file``.

    Raises:
        VaultKeyRefused: when it is not there, others than its owner may use it, or it holds no key.
    """
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        raise VaultKeyRefused(
            f"{file} is not there: put the vault's key there; a vault that does not exist yet takes "
            "one of `make vault-key`"
        ) from None
    if mode & OTHERS:
        raise VaultKeyRefused(f"{file} has mode {mode:04o}, so others may use it: chmod 600 {file}")
    return key_from(file.read_text(encoding="ascii", errors="replace"), where=str(file))


def keyring_in(file: Path) -> Keyring:
    """The key in ``file``, and the one beside it when a rotation is on its way.

    Raises:
        VaultKeyRefused: as :func:`key_in` does.
    """
    beside = next_to(file)
    return Keyring(current=key_in(file), following=key_in(beside) if beside.exists() else None)


def next_to(file: Path) -> Path:
    """Where the key lies that will take the place of the one in ``file``."""
    return file.with_name(file.name + NEXT_SUFFIX)


def make_key(file: Path) -> VaultKey:
    """A new random key in ``file``, which only its owner may read.

    Raises:
        FileExistsError: when the file is there: another key would lock the vault for ever.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    key = VaultKey(secrets.token_bytes(KEY_BYTES))
    # Written beside and linked: a kill leaves either no key or a whole one, and a second maker loses.
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
