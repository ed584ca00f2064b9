"""Search all files for values of the vault: ``make scan``."""

import sys
import time
from functools import partial

from assets.privacy.pii_scan import SHORTEST, scan, searchable_values
from orchestration.cli.session import Session, command
from orchestration.resources.home import searched_folders
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings


# Exit code 1 means that a value was found.
@partial(command, refused=2)
def main() -> int:
    """Search every file of the business and of Dagster; returns the exit code."""
    started, session = time.monotonic(), Session.open(Settings())
    values = searchable_values(vault_of(session.settings, session.business))
    found = scan(searched_folders(session.settings), values)
    hits = "".join(f"\n{file}: {number:,} values" for file, number in found.hits.items())
    sys.stdout.write(
        f"{found.values:,} values of {SHORTEST} characters or more searched in {found.files:,} files, "
        f"{found.bytes_read:,} bytes: found in {len(found.hits):,} files{hits}{found.remarks}, "
        f"{time.monotonic() - started:,.0f} s\n"
    )
    return 1 if found.hits else 0


if __name__ == "__main__":
    sys.exit(main())
