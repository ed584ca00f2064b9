"""The search for personal values bound to the last table before the snapshot is written."""

from pathlib import Path

import dagster as dg

from assets.keys import CHECKS
from assets.ports import Vault
from assets.privacy.pii_scan import scan, unmistakable
from checks.defs import check_of
from checks.privacy.judged import personal_values_lie_in_the_vault_only


def custody_check(vault: Vault, folder: Path) -> dg.AssetChecksDefinition:
    """The check of every file below ``folder`` and of Dagster's own, against what ``vault`` keeps."""
    return check_of(
        CHECKS,
        "personal_values_lie_in_the_vault_only",
        lambda context, warehouse: personal_values_lie_in_the_vault_only(
            warehouse.when_free(
                lambda: scan([folder, Path(context.instance.root_directory)], unmistakable(vault))
            ),
            below=folder,
        ),
        why=personal_values_lie_in_the_vault_only,
        # A customer may have written an address into a review: that is said each morning and stops nobody.
        is_blocking=False,
    )
