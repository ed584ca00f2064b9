"""Whether a value of the vault lies readable anywhere else: ``make scan``."""

import sys
import time
from pathlib import Path

import dagster as dg

from assets.ingest.config.business import BusinessInvalid
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.pii_scan import SHORTEST, Scanned, scan, searchable_values
from assets.privacy.vault_key import VaultKeyRefused
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings


def main() -> int:
    """Search every file of the business and of Dagster; returns the process's exit code."""
    settings, started = Settings(), time.monotonic()
    try:
        values = searchable_values(vault_of(settings, settings.load_business()))
    except (BusinessInvalid, VaultKeyRefused, DecryptionFailed) as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    home = Path(dg.DagsterInstance.get().root_directory)
    found = scan([settings.folder, home], values)
    sys.stdout.write(f"{told(found)}, {time.monotonic() - started:,.0f} s\n")
    return 1 if found.hits else 0


def told(found: Scanned) -> str:
    """What was searched and found, in words that show no value."""
    hits = "".join(f"\n{file}: {values:,} of them" for file, values in found.hits.items())
    return (
        f"{found.values:,} values of {SHORTEST} characters or more, {found.files:,} files, "
        f"{found.bytes_read:,} bytes: found in {len(found.hits):,} files{hits}"
    )


if __name__ == "__main__":
    sys.exit(main())
