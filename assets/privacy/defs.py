"""The exports without what is personal, as an asset that landing waits for."""

import dagster as dg

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.keys import REDACTED_EXPORTS, Key
from assets.ports import Vault
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.vault_key import VaultKeyRefused


def redacted_asset(business: BusinessConfig, *, after: list[Key]) -> dg.AssetsDefinition:
    """The exports of ``business``, once the vault has what is personal in them; ``after`` delivers them."""
    kept = "kept in the vault, encrypted" if business.vault else "read by nobody"
    ids = "tokens where ids of customers were, " if business.has_tokens else ""

    @dg.asset(
        key=dg.AssetKey(REDACTED_EXPORTS),
        deps=[dg.AssetKey(key) for key in after],
        group_name="privacy",
        description=(
            f"The exports as landing may read them: personal columns {kept}, {ids}no row of anybody who "
            "was erased. Files outside the landing folder are left as they are."
        ),
    )
    def _sealed(vault: dg.ResourceParam[Vault]) -> dg.MaterializeResult[None]:
        try:
            custody = redact_exports(business, vault)
        except (VaultKeyRefused, DecryptionFailed, BusinessInvalid) as refused:
            raise dg.Failure(str(refused), allow_retries=False) from None
        return dg.MaterializeResult(
            metadata={
                "values_kept": custody.values_kept,
                "files_rewritten": custody.files_rewritten,
                "rows_removed": custody.rows_removed,
                "files_unreadable": len(custody.unreadable),
            }
        )

    return _sealed
