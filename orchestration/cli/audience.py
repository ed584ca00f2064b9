"""The newest audience as files to upload: ``make audience``, and ``make audience SEND=yes`` to write them."""

import argparse
import sys
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from assets.activation.delivery import NothingToDeliver, deliver
from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ports import Contacts
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.vault_key import VaultKeyRefused
from orchestration.policies import LONGEST_RUN
from orchestration.resources.locks import run_lock
from orchestration.resources.retry import ResourceLocked
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

# What the log has for a run of Dagster, and the turn for its holder.
RUN_ID = "audience"
NO_CONTACTS = (
    "this business keeps no e-mail addresses and telephone numbers, so an audience cannot be delivered: "
    "nothing was written. Its members are in published.audiences, by your own id.\n"
)


def contacts_of(settings: Settings, business: BusinessConfig) -> Contacts | None:
    """Where ``business`` keeps addresses and numbers; ``None`` when it keeps none."""
    return vault_of(settings, business) if business.vault else None


def main(
    arguments: list[str], contacts_of: Callable[[Settings, BusinessConfig], Contacts | None] = contacts_of
) -> int:
    """Deliver the newest audience to whom ``contacts_of`` reaches; returns the process's exit code."""
    settings = Settings()
    is_dry_run = _parsed(arguments).send != "yes"
    try:
        contacts = contacts_of(settings, settings.load_business())
        if contacts is None:
            sys.stderr.write(NO_CONTACTS)
            return 1
        ledger = _delivered(settings, contacts, is_dry_run=is_dry_run)
    except (BusinessInvalid, ResourceLocked, NothingToDeliver, DecryptionFailed, VaultKeyRefused) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(
        "\n".join([*map(_line, ledger.to_dict("records")), _closing(settings, is_dry_run=is_dry_run)]) + "\n"
    )
    return 0


def _delivered(settings: Settings, contacts: Contacts, *, is_dry_run: bool) -> pd.DataFrame:
    if not settings.warehouse_file.exists():
        raise NothingToDeliver(f"{settings.warehouse_file} is not there yet: launch make run first")
    warehouse = DuckDBWarehouse(database=str(settings.warehouse_file))
    with run_lock(warehouse.turn_file, run_id=RUN_ID, patience=LONGEST_RUN, tell=print):
        return deliver(
            warehouse,
            contacts,
            folder=settings.audiences_dir,
            now=datetime.now(tz=UTC).replace(tzinfo=None),
            is_dry_run=is_dry_run,
        )


def _line(send: Mapping[Hashable, Any]) -> str:
    return (
        f"{send['destination']}: of {send['audience_candidates']:,} best customers {send['no_consent']:,} "
        f"allow no advertising, {send['held_out']:,} are held out, {send['over_cap']:,} lie beyond the cap, "
        f"{send['without_identifier']:,} have no address or number; {send['written']:,} rows, "
        f"SHA-256 {send['file_sha256']}"
    )


def _closing(settings: Settings, is_dry_run: bool) -> str:
    if is_dry_run:
        return "A dry run: nothing was written. make audience SEND=yes writes the files."
    return f"Written to {settings.audiences_dir}; nothing was sent: upload them yourself, then delete them."


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--send", choices=["yes", "no"], default="no")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
