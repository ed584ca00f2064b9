"""Export an audience as files to upload: ``make audience``, with ``SEND=yes`` to write them."""

import sys
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal

from assets.activation.audience import NAME
from assets.activation.delivery import deliver
from assets.ingest.config.business import BusinessConfig
from assets.ports import Contacts
from orchestration.cli.session import Session, UsageError, command
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Options, Settings

# Run id in the run lock.
RUN_ID = "audience"


def contacts_of(settings: Settings, business: BusinessConfig) -> Contacts | None:
    """Return the store of addresses and telephone numbers of ``business``; ``None`` if it keeps none."""
    return vault_of(settings, business) if business.vault else None


class AudienceOptions(Options):
    """Which audience, and whether its files are written."""

    audience: str = NAME
    send: Literal["yes", "no"] = "no"


@command
def main(contacts_of: Callable[[Settings, BusinessConfig], Contacts | None] = contacts_of) -> int:
    """Export the newest audience; returns the exit code.

    Args:
        contacts_of: Finds the store of addresses and telephone numbers of a business.

    Raises:
        UsageError: If the business has no such audience.
    """
    options, session = AudienceOptions(), Session.open(Settings())
    names = [NAME, *(rule.name for rule in session.business.audiences)]
    if options.audience not in names:
        raise UsageError(f"there is no audience {options.audience!r}: AUDIENCE is one of {', '.join(names)}")
    is_dry_run = options.send != "yes"
    session.require_warehouse()
    folder = session.settings.audiences_dir
    with session.locked(RUN_ID):
        sends = deliver(
            session.warehouse,
            contacts_of(session.settings, session.business),
            folder=folder,
            now=session.now,
            is_dry_run=is_dry_run,
            name=options.audience,
            with_ids=not session.business.has_tokens,
        )
    last = (
        "A dry run: nothing was written. make audience SEND=yes writes the files."
        if is_dry_run
        else f"Written to {folder}; nothing was sent: upload the files yourself, then delete them."
    )
    sys.stdout.write("\n".join([*map(_line, sends.to_dict("records")), last]) + "\n")
    return 0


def _line(send: Mapping[Hashable, Any]) -> str:
    return (
        f"{send['destination']}: of {send['audience_candidates']:,} candidates of {send['audience']} "
        f"{send['no_consent']:,} have not consented to advertising, {send['held_out']:,} are in the holdout, "
        f"{send['over_cap']:,} exceed the cap, {send['without_identifier']:,} have no address or number; "
        f"{send['written']:,} rows, "
        f"SHA-256 {send['file_sha256']}"
    )


if __name__ == "__main__":
    sys.exit(main())
