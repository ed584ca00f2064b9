"""Asset of the redacted exports, which loading depends on."""

import dagster as dg

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.keys import REDACTED_EXPORTS, Key
from assets.ports import Vault
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.vault_key import VaultKeyRefused


def redacted_asset(business: BusinessConfig, *, after: list[Key]) -> dg.AssetsDefinition:
    """Asset of the exports of ``business`` without personal values; ``after``: assets that deliver files."""
    kept = "stored in the vault, encrypted" if business.vault else "not read"
    ids = "customer ids replaced by tokens, " if business.has_tokens else ""

    @dg.asset(
        key=dg.AssetKey(REDACTED_EXPORTS),
        deps=[dg.AssetKey(key) for key in after],
        group_name="privacy",
        description=(
            f"The exports as loading may read them: personal columns {kept}, {ids}rows of erased customers "
            "removed. Files outside the landing folder are not changed."
        ),
    )
    def _redacted(vault: dg.ResourceParam[Vault]) -> dg.MaterializeResult[None]:
        try:
            result = redact_exports(business, vault)
        except (VaultKeyRefused, DecryptionFailed, BusinessInvalid) as refused:
            raise dg.Failure(str(refused), allow_retries=False) from None
        return dg.MaterializeResult(
            metadata={
                "values_kept": result.values_kept,
                "files_rewritten": result.files_rewritten,
                "rows_removed": result.rows_removed,
                "files_unreadable": len(result.unreadable),
            }
        )

    return _redacted
