"""The delivered files of a business, loaded into a temporary database of which nothing is kept."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ingest.config.clock import ServedDate, date_to_serve, refuse_before_first
from assets.ingest.loading.load import load_sources
from assets.ingest.parsing.files import resolved_files
from assets.keys import raw
from assets.monitoring.readiness.delivery import ORDERS
from assets.ports import Vault, Warehouse
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.vault_key import Keyring, VaultKeyRefused, key_from
from orchestration.definitions import newest_as_of_day, wall_today
from orchestration.resources.vault import SqliteVault
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

KEY_BYTES = 32
LEFT_TO_THE_RUN = (BusinessInvalid, DecryptionFailed, VaultKeyRefused, duckdb.Error)
NEWEST = f"select max(known_at) as newest from {raw(ORDERS).sql}"  # noqa: S608 - no value


@contextmanager
def previewed(settings: Settings, business: BusinessConfig) -> Iterator[Warehouse]:
    """Load the sources of ``business`` that have files; the database is deleted at the end of the block.

    Args:
        settings: Names the folder below which the database lies meanwhile.
        business: Whose sources are loaded; nothing is pulled.

    Raises:
        BusinessInvalid: as when loading for a run.
        VaultKeyRefused: when somebody was erased, or ids are tokens, and no key is configured.
    """
    settings.generated_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.generated_dir, prefix=".preview-") as folder:
        warehouse = DuckDBWarehouse(database=str(Path(folder) / "warehouse.duckdb"))
        with warehouse.connect() as connection:
            load_sources(connection, with_files(business), _vault(settings, business, Path(folder)))
        yield warehouse


def with_files(business: BusinessConfig) -> BusinessConfig:
    """``business`` without the pulled sources of which nothing has been pulled yet."""
    return business.model_copy(
        update={"sources": tuple(each for each in business.sources if _has_files(business, each.name))}
    )


def served_date(settings: Settings, business: BusinessConfig) -> ServedDate:
    """The as-of date that `make run` serves: the newest that the delivered order lines allow.

    A history that has ended is read first. A live business, a simulated shop, and a source that only the run
    itself can pull or refuse are served for the newest Monday.

    Raises:
        BusinessInvalid: when no as-of date can be served.
    """
    asked = newest_as_of_day(business)
    last = f"last_day {business.last_day}" if business.last_day else "today"
    refuse_before_first(business, asked, facts=last)
    if business.clock == "wall" or business.simulation is not None:
        return ServedDate(as_of=asked)
    orders = business.model_copy(update={"sources": business.sources_of(ORDERS)})
    # The run itself reports what is wrong with a file, and names the tables that are still served.
    newest = None
    with suppress(*LEFT_TO_THE_RUN), previewed(settings, orders) as warehouse:
        newest = newest_order(warehouse)
    if newest is None:
        return ServedDate(as_of=asked)
    return date_to_serve(business, newest, wall_today=lambda: wall_today(business))


def newest_order(warehouse: Warehouse) -> datetime | None:
    """When the newest loaded order line became known, naive UTC; ``None`` without one."""
    newest = warehouse.read(NEWEST)["newest"].iloc[0]
    return None if pd.isna(newest) else newest.to_pydatetime()


def _has_files(business: BusinessConfig, name: str) -> bool:
    source = next(each for each in business.sources if each.name == name)
    if source.pull is None:
        return True
    try:
        return bool(resolved_files(business, source))
    except BusinessInvalid:
        return False


def _vault(settings: Settings, business: BusinessConfig, folder: Path) -> Vault | None:
    """The vault of ``business``, or one for this preview alone, whose tokens nobody keeps."""
    if settings.vault_file.exists():
        return vault_of(settings, business)
    if not business.has_tokens:
        return None
    key = key_from(secrets.token_hex(KEY_BYTES), where="preview")
    return SqliteVault(folder / "vault.sqlite", lambda: Keyring(current=key, following=None))
