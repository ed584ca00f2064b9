"""What is held about one person, as JSON: ``make export-subject CUSTOMER=…``."""

import argparse
import json
import sys

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.loading.pseudonyms import names_of, refuse_mixture
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.subject_access import Rows, subject
from assets.privacy.vault_key import VaultKeyRefused
from orchestration.resources.locks import ResourceLocked
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings


def main(arguments: list[str]) -> int:
    """Print what is held about the named customer; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customer", required=True)
    customer_id, settings = parser.parse_args(arguments).customer.strip(), Settings()
    if not customer_id:
        sys.stderr.write("say who: make export-subject CUSTOMER=…\n")
        return 2
    if not settings.warehouse_file.exists():
        sys.stderr.write(f"{settings.warehouse_file} is not there: nothing is held about anybody\n")
        return 1
    try:
        held = _held(customer_id, settings)
    except (BusinessInvalid, VaultKeyRefused, DecryptionFailed, ResourceLocked) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(json.dumps(held, indent=1, default=str, ensure_ascii=False) + "\n")
    return 0


def _held(customer_id: str, settings: Settings) -> dict[str, dict[str, Rows]]:
    business, warehouse = settings.load_business(), DuckDBWarehouse(database=str(settings.warehouse_file))
    vault = vault_of(settings, business)
    with warehouse.connect() as connection:
        refuse_mixture(connection, business)
    (name,) = names_of(business, vault, [customer_id])
    return subject(name, warehouse=warehouse, vault=vault, snapshot=settings.snapshot_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
