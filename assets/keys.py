"""Names that packages share: keys of tables, which are also asset keys, and the form of customer ids."""

import re
from collections.abc import Iterable
from typing import NamedTuple

PREFIX = "token_"
# Pattern of the tokens (pseudonyms) that replace customer ids in a business with customer_ids: tokens.
TOKEN = f"{PREFIX}[0-9a-f]{{64}}"
_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")


class Key(NamedTuple):
    """The schema and name of one table, and of the asset that makes it.

    Iterates as ``(schema, name)``, which is what ``dagster.AssetKey`` takes.
    """

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The quoted SQL name.

        Raises:
            ValueError: when a part is not a lower-case identifier; this prevents SQL injection.
        """
        for part in self:
            if not _IDENTIFIER.match(part):
                raise ValueError(f"{part!r} is not a lower-case SQL identifier")
        return f'"{self.schema}"."{self.name}"'


REDACTED_EXPORTS = Key("vault", "redacted_exports")
REJECTS = Key("raw", "rejects")
LOAD_LOG = Key("raw", "load_log")
GUEST_ROWS = Key("raw", "guest_rows")
ORDER_READINGS = Key("raw", "order_readings")
SCHEDULED_COLUMNS = Key("raw", "scheduled_columns")

MODEL_REGISTRY = Key("ml", "model_registry")
METRICS = Key("ml", "metrics")
CALIBRATION_BINS = Key("ml", "calibration_bins")
CUTOFFS = Key("ml", "cutoffs")
COHORT_CUTOFFS = Key("ml", "cohort_cutoffs")
RETRAIN_LOG = Key("ml", "retrain_log")
PREDICTION_TOTALS = Key("ml", "prediction_totals")
USABILITY_REPORT = Key("ml", "usability_report")
DRIFT = Key("ml", "drift")
CHECKS = Key("ml", "checks")
ERASURES = Key("ml", "erasure_log")


def raw(table: str) -> Key:
    """Key of the raw table ``table``."""
    return Key("raw", table)


def is_token(text: str) -> bool:
    """Whether ``text`` as a whole is a token; an id may begin like one."""
    return re.fullmatch(TOKEN, text) is not None


def id_type(column: str, ids: Iterable[object]) -> str:
    """Kind of published ids, ``token`` or ``column``: a business has one kind, so the first id decides."""
    return "token" if is_token(str(next(iter(ids), ""))) else column
