"""Another key for the vault of one business: ``make rotate-vault-key``."""

import sys
from pathlib import Path

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.vault_key import VaultKeyRefused, make_key, next_to
from orchestration.policies import LONGEST_RUN
from orchestration.resources.locks import ResourceLocked, run_lock
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

RUN_ID = "rotate-vault-key"


def main() -> int:
    """Encrypt the vault with the next key; returns the process's exit code.

    Killed at any point it can be called again: until the last value is encrypted anew both keys are there,
    and whoever reads the vault uses both.
    """
    settings = Settings()
    try:
        business = settings.load_business()
        if not settings.vault_file.exists():
            sys.stderr.write(f"{settings.vault_file} is not there: no value has ever been kept\n")
            return 1
        with run_lock(_lock_file(settings), run_id=RUN_ID, timeout=LONGEST_RUN, log=print):
            sys.stdout.write(f"{_rotated(settings, business)}\n")
    except (BusinessInvalid, VaultKeyRefused, DecryptionFailed, ResourceLocked) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


def _lock_file(settings: Settings) -> Path:
    return DuckDBWarehouse(database=str(settings.warehouse_file)).lock_file


def _rotated(settings: Settings, business: BusinessConfig) -> str:
    vault = vault_of(settings, business)
    if settings.vault_key is not None:
        if settings.vault_key_next is None:
            raise VaultKeyRefused("set VAULT_KEY_NEXT to the key that takes the place of VAULT_KEY")
        done = vault.rotate()
        return f"{done:,} values encrypted anew: from here on give VAULT_KEY_NEXT as VAULT_KEY"
    file = settings.key_file or settings.simulated_key_file
    if not next_to(file).exists():
        make_key(next_to(file))
    done = vault.rotate()
    # The old key goes with this step; until then both lie there, and the vault needs both.
    next_to(file).replace(file)
    return f"{done:,} values encrypted anew; {file} holds the new key, and the old one is gone"


if __name__ == "__main__":
    sys.exit(main())
