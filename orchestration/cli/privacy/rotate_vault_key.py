"""Encrypt the vault of one business with a new key: ``make rotate-vault-key``."""

import sys

from assets.ingest.config.business import BusinessConfig
from assets.privacy.vault_key import VaultKeyRefused, make_key, next_to
from orchestration.cli.session import NothingBuilt, Session, command
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings

RUN_ID = "rotate-vault-key"


@command
def main() -> int:
    """Encrypt the vault with the next key; returns the exit code.

    A killed rotation can be started again: both keys exist until the last value is encrypted with the new
    one, and readers of the vault use both.

    Raises:
        NothingBuilt: If there is no vault; ``command`` prints it.
    """
    settings = Settings()
    session = Session.open(settings)
    if not settings.vault_file.exists():
        raise NothingBuilt(f"{settings.vault_file} does not exist: no value is stored")
    with session.locked(RUN_ID):
        sys.stdout.write(f"{_rotated(settings, session.business)}\n")
    return 0


def _rotated(settings: Settings, business: BusinessConfig) -> str:
    vault = vault_of(settings, business)
    if settings.vault_key is not None:
        if settings.vault_key_next is None:
            raise VaultKeyRefused("set VAULT_KEY_NEXT to the key that replaces VAULT_KEY")
        values = vault.rotate()
        return f"{values:,} values encrypted again: set VAULT_KEY to the value of VAULT_KEY_NEXT from now on"
    file = settings.key_file or settings.simulated_key_file
    if not next_to(file).exists():
        make_key(next_to(file))
    values = vault.rotate()
    # This step replaces the old key; until then both files exist, and the vault needs both.
    next_to(file).replace(file)
    return f"{values:,} values encrypted again; {file} holds the new key, and the old one is deleted"


if __name__ == "__main__":
    sys.exit(main())
