"""Whether a value of the vault lies readable anywhere else: ``make scan``."""

import sys
import time
from pathlib import Path

import dagster as dg

from assets.ingest.sources import BusinessInvalid
from assets.ingest.tokens import DELIVERED_IDS
from assets.ports import PersonalValue
from assets.privacy.scan import Scanned, scan
from assets.privacy.sealing import SealBroken
from assets.privacy.vault_key import VaultKeyRefused
from orchestration.keyring import vault_of
from orchestration.settings import Settings

# Each is looked for in every byte; so many of them show a leak as surely as all would.
MOST_VALUES = 10_000
# Shorter ones, such as first names, are ordinary words.
SHORTEST = 8


def main() -> int:
    """Search every file of the business and of Dagster; returns the process's exit code."""
    settings, started = Settings(), time.monotonic()
    try:
        vault = vault_of(settings, settings.load_business())
        kept = vault.values(at_most=MOST_VALUES)
    except (BusinessInvalid, VaultKeyRefused, SealBroken) as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    telling = {each.value for each in kept if is_telling(each)}
    home = Path(dg.DagsterInstance.get().root_directory)
    found = scan([settings.folder, home], telling)
    sys.stdout.write(f"{told(found)}, {time.monotonic() - started:,.0f} s\n")
    return 1 if found.hits else 0


def is_telling(kept: PersonalValue) -> bool:
    """Whether finding a value means something: an id of digits is in any file by chance."""
    is_number = kept.source == DELIVERED_IDS and kept.value.isdecimal()
    return len(kept.value) >= SHORTEST and not is_number


def told(found: Scanned) -> str:
    """What was searched and found, in words that show no value."""
    hits = "".join(f"\n{file}: {values:,} of them" for file, values in found.hits.items())
    return (
        f"{found.values:,} values of {SHORTEST} characters or more, {found.files:,} files, "
        f"{found.bytes_read:,} bytes: found in {len(found.hits):,} files{hits}"
    )


if __name__ == "__main__":
    sys.exit(main())
