"""Export the newest audience as files to upload: ``make audience``, with ``SEND=yes`` to write them."""

import sys
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal

from assets.activation.delivery import NothingToDeliver, deliver
from assets.ingest.config.business import BusinessConfig
from assets.ports import Contacts
from orchestration.cli.session import Session, command
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Options, Settings

# Run id in the run lock.
RUN_ID = "audience"
NO_CONTACTS = (
    "this business keeps no e-mail addresses and telephone numbers, so its audiences cannot be exported: "
    "nothing was written. The members are in published.audiences, by customer id."
)


def contacts_of(settings: Settings, business: BusinessConfig) -> Contacts | None:
    """Return the store of addresses and telephone numbers of ``business``; ``None`` if it keeps none."""
    return vault_of(settings, business) if business.vault else None


class AudienceOptions(Options):
    """Whether the files are written."""

    send: Literal["yes", "no"] = "no"


@command
def main(contacts_of: Callable[[Settings, BusinessConfig], Contacts | None] = contacts_of) -> int:
    """Export the newest audience; returns the exit code.

    Args:
        contacts_of: Finds the store of addresses and telephone numbers of a business.

    Raises:
        NothingToDeliver: If the business keeps no addresses; ``command`` prints it.
    """
    is_dry_run, session = AudienceOptions().send != "yes", Session.open(Settings())
    contacts = contacts_of(session.settings, session.business)
    if contacts is None:
        raise NothingToDeliver(NO_CONTACTS)
    session.require_warehouse()
    folder = session.settings.audiences_dir
    with session.locked(RUN_ID):
        sends = deliver(session.warehouse, contacts, folder=folder, now=session.now, is_dry_run=is_dry_run)
    last = (
        "A dry run: nothing was written. make audience SEND=yes writes the files."
        if is_dry_run
        else f"Written to {folder}; nothing was sent: upload the files yourself, then delete them."
    )
    sys.stdout.write("\n".join([*map(_line, sends.to_dict("records")), last]) + "\n")
    return 0


def _line(send: Mapping[Hashable, Any]) -> str:
    return (
        f"{send['destination']}: of {send['audience_candidates']:,} best customers "
        f"{send['no_consent']:,} have not consented to advertising, {send['held_out']:,} are in the holdout, "
        f"{send['over_cap']:,} exceed the cap, {send['without_identifier']:,} have no address or number; "
        f"{send['written']:,} rows, "
        f"SHA-256 {send['file_sha256']}"
    )


if __name__ == "__main__":
    sys.exit(main())
