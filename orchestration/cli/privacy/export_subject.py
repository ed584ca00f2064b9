"""Print everything stored about one customer, as JSON: ``make export-subject CUSTOMER=…``."""

import json
import sys

from assets.ingest.loading.pseudonyms import names_of, refuse_mixture
from assets.privacy.known_ids import UnknownCustomers, known_ids
from assets.privacy.subject_access import subject
from orchestration.cli.session import Session, UsageError, command
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings, SubjectOptions


@command
def main() -> int:
    """Print the data of the named customer; returns the exit code.

    Raises:
        UsageError: Unless one customer is named; ``command`` prints it.
        UnknownCustomers: If nothing knows the id; ``command`` prints it.
    """
    ids = SubjectOptions().ids
    if len(ids) != 1:
        raise UsageError("name the customer: make export-subject CUSTOMER=…")
    session = Session.open(Settings())
    session.require_warehouse()
    vault = vault_of(session.settings, session.business)
    with session.warehouse.connect() as connection:
        refuse_mixture(connection, session.business)
    if not known_ids(ids, business=session.business, warehouse=session.warehouse, vault=vault):
        raise UnknownCustomers("no table, no file and not the vault knows this id")
    (name,) = names_of(session.business, vault, ids)
    data = subject(name, warehouse=session.warehouse, vault=vault, snapshot=session.settings.snapshot_file)
    sys.stdout.write(json.dumps(data, indent=1, default=str, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
