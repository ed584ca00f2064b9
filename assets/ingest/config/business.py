"""Configuration of a business and its exports: one YAML file, validated before any data is read."""

import difflib
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from assets.ingest.config.alerts import AlertTargets, Smtp
from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.config.encoding import codec_of
from assets.ingest.config.plausibility import Bounds, ExchangeRates
from assets.ingest.config.pull import Database, Declaration, Join, Rest, Texts
from assets.ingest.config.simulation import FaultInjection, Holdout, Simulation
from assets.ingest.config.validation_words import refused_value

Format = Literal["csv", "parquet", "json", "jsonl", "excel"]
# Key of a source's condition, in the YAML and among its expressions.
WHERE = "where"
OrderScope = Literal["customer", "business", "source", "file"]


def _pulled_files(source: object, suffix: str) -> str:
    return f"{{landing_dir}}/{source}/*.{suffix}"


class BusinessInvalid(ValueError):
    """The business's YAML, or a file it points to, needs correction by a person."""


class Expression(NamedTuple):
    """One mapped SQL expression; ``columns`` are the file's columns it names.

    ``is_plain``: the expression is a single column, so it cannot fail on a row. ``functions`` are those that
    it calls, and ``decimal_commas`` the SQL of what it gives to ``decimal_comma``. ``fields`` are a column
    and
    a field of it that the expression names.
    """

    sql: str
    columns: tuple[str, ...]
    is_plain: bool
    functions: frozenset[str] = frozenset()
    decimal_commas: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


class SourceConfig(Declaration):
    """One kind of export and the mapping of its columns to the columns of a raw table.

    ``columns`` maps a raw column to an SQL expression over the file's columns (CSV and JSON columns
    are text; quote names such as ``"Customer ID"``). ``files`` are globs, oldest delivery first; rows of
    a ``database`` or ``rest`` service are pulled into files first. ``skip_rows`` lines lie above the header
    of a CSV file; the line that begins with ``footer``, and those below it, are no data. ``sheet`` is the one
    that is read of a workbook. ``unnest`` makes
    a row of each item of a list: of one column, or of numbered ones. ``join`` adds columns of other files.
    ``fill_down`` are columns of the file that only the first row of a unit, such as an order, holds. Rows for
    which SQL
    expression ``where`` is false are left out. With ``whole_orders`` each file holds its orders with all
    their lines, as pulled ones do: a later file replaces an order whichever lines it has.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str
    files: Texts = ()
    database: Database | None = None
    rest: Rest | None = None
    columns: Mapping[str, str]
    pii: tuple[str, ...] = ()
    format: Format | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    skip_rows: int = Field(default=0, ge=0, le=1000)
    footer: str | None = Field(default=None, min_length=1)
    sheet: str | None = Field(default=None, min_length=1)
    where: str | None = None
    unnest: str | Mapping[str, str] | None = None
    join: Join | None = None
    fill_down: Texts = ()
    whole_orders: bool = False
    remedy: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _default_files_of_pull(cls, given: object) -> object:
        if not isinstance(given, Mapping) or given.get("files") or not (given.keys() & {"database", "rest"}):
            return given
        suffix = "parquet" if "database" in given else "jsonl"
        return {**given, "files": _pulled_files(given.get("name"), suffix)}

    @field_validator("columns", mode="before")
    @classmethod
    def _as_sql(cls, columns: object) -> object:
        # YAML parses an unquoted `false` or `1` to a value; in SQL it has the same spelling.
        if not isinstance(columns, Mapping):
            return columns
        return {
            name: str(value).lower() if isinstance(value, bool | int | float) else value
            for name, value in columns.items()
        }

    @field_validator("encoding")
    @classmethod
    def _is_known_encoding(cls, encoding: str) -> str:
        codec_of(encoding)
        return encoding

    @model_validator(mode="after")
    def _matches_contract(self) -> "SourceConfig":
        contract = CONTRACTS.get(self.table)
        if contract is None:
            raise ValueError(f"table {self.table!r} is not {_one_of(self.table, CONTRACTS)}")
        names = [column.name for column in contract.columns]
        for name in self.columns:
            if name not in names:
                raise ValueError(f"unknown key 'columns.{name}'; it is not {_one_of(name, names)}")
        missing = [name for name in contract.required if name not in self.columns]
        if missing:
            raise ValueError(
                f"columns must map {', '.join(missing)}: give {'it' if len(missing) == 1 else 'each'} an SQL "
                "expression over the file's columns (null where the export has none)"
            )
        return self

    @model_validator(mode="after")
    def _has_one_origin(self) -> "SourceConfig":
        own = (_pulled_files(self.name, "parquet" if self.database else "jsonl"),)
        places = [self.files and (self.pull is None or self.files != own), self.database, self.rest]
        if len([place for place in places if place]) != 1:
            raise ValueError("a source needs exactly one of files, database and rest")
        if self.pull and not self.contract.is_unique and not self.pull.primary_key:
            raise ValueError(
                f"primary_key is missing: one {self.contract.noun} has many rows, so name the column that "
                "identifies a row"
            )
        return self

    @property
    def pull(self) -> Database | Rest | None:
        """Database or web service that the rows are pulled from; ``None`` for delivered files."""
        return self.database or self.rest

    @property
    def made_columns(self) -> tuple[str, ...]:
        """Columns that no file of the source has, because unnesting or a join makes them."""
        numbered = tuple(self.unnest) if isinstance(self.unnest, Mapping) else ()
        return (*numbered, *(self.join.columns if self.join else ()))

    @property
    def joined(self) -> "SourceConfig | None":
        """The joined files as a source of their own; ``None`` without a join."""
        if self.join is None:
            return None
        read_as = self.join.model_dump(exclude={"by", "columns"})
        plain = {"pii": (), "where": None, "fill_down": (), "unnest": None, "join": None}
        return self.model_copy(update={**plain, "database": None, "rest": None, **read_as})

    @property
    def replaces_whole(self) -> bool:
        """Whether a later file replaces every unit that it holds, with all its rows."""
        return self.whole_orders or self.pull is not None

    @property
    def contract(self) -> Contract:
        """The data contract of the raw table that this source feeds."""
        return CONTRACTS[self.table]


# Folders of all businesses together, in which each business has a folder of its own name.
RESERVED_NAMES = frozenset({"keys", "dagster"})
SET_ELSEWHERE = {"name", "data_dir", "landing_dir"}


class BusinessConfig(Declaration):
    """One business: clock, currency and exports.

    ``last_day`` closes a data set that has ended. ``data_dir`` and ``landing_dir`` are the folders in which
    globs start; file names are relative to them, so that moving a folder changes no fingerprint. With
    ``vault`` personal columns are kept, encrypted; without it they are never read. ``customer_ids`` decides
    between customer ids as delivered and tokens (pseudonyms). ``bounds`` replace those that follow the data.
    ``guest_ids`` are read as no id, ``None`` for the usual words; ``exchange_rates`` convert lines in another
    currency, which are rejected without a rate. ``order_scope`` is where an order number is one order: of one
    customer (also when ``None``, with a warning if that matters), in the business, a source or a file.
    ``scheduled`` are the features that follow from dates known beforehand, such as renewals.
    ``published_readers`` are the accounts of this machine that may read what is published. ``alerts`` are
    targets of alerts besides ``reports/alerts.jsonl``. ``keep_as_of_dates`` weekly dates stay, and
    ``keep_models`` versions of a capability besides those in use. A run stops when more than
    ``largest_reject_share`` of the rows of a source of order lines are rejected.
    """

    name: str
    title: str
    clock: Literal["wall", "data"]
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str
    first_as_of_day: date
    last_day: date | None = None
    sources: tuple[SourceConfig, ...]
    simulation: Simulation | None = None
    holdout: Holdout = Holdout()
    vault: bool = False
    customer_ids: Literal["as_delivered", "tokens"] = "as_delivered"
    bounds: Bounds = Bounds()
    guest_ids: tuple[str, ...] | None = None
    order_scope: OrderScope | None = None
    exchange_rates: ExchangeRates = Field(default_factory=dict)
    scheduled: tuple[str, ...] = ()
    published_readers: Literal["owner", "group", "everyone"] = "owner"
    alerts: AlertTargets = AlertTargets()
    # A year, so that the season is known, and eight weeks in which its outcomes mature.
    keep_as_of_dates: int = Field(default=104, ge=60)
    keep_models: int = Field(default=10, ge=1)
    largest_reject_share: float = Field(default=0.2, ge=0, le=1)
    data_dir: Path
    landing_dir: Path

    @field_validator("time_zone")
    @classmethod
    def _is_known_time_zone(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise ValueError(
                f"{time_zone!r} is not a time zone; write one such as Europe/London"
            ) from unknown
        return time_zone

    @model_validator(mode="after")
    def _keys_fit_together(self) -> "BusinessConfig":
        if self.clock == "data" and self.last_day is None:
            raise ValueError(
                "clock: data needs last_day, the day of the newest fact; a live business has clock: wall"
            )
        if self.has_tokens and not self.vault:
            raise ValueError("customer_ids: tokens needs vault: yes, which keeps the id behind each token")
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {', '.join(twice)}: give each its own name")
        return self

    @property
    def row_settings(self) -> dict[str, object]:
        """The keys beside the sources that decide how a row is loaded, as JSON values."""
        names = (
            "time_zone",
            "currency",
            "customer_ids",
            "bounds",
            "guest_ids",
            "exchange_rates",
            "order_scope",
        )
        return self.model_dump(mode="json", include=set(names))

    @property
    def has_tokens(self) -> bool:
        """Whether customer ids are replaced by tokens."""
        return self.customer_ids == "tokens"

    @property
    def encodings(self) -> tuple[str, ...]:
        """The encodings of the sources, by Python's names."""
        return tuple(dict.fromkeys(codec_of(source.encoding) for source in self.sources))

    @property
    def records_consent(self) -> bool:
        """Whether consent is recorded, so that a missing record means no consent; else consent is unknown."""
        return bool(self.sources_of("consents"))

    @classmethod
    def written_keys(cls) -> list[str]:
        """The keys that the YAML may hold."""
        return sorted(set(super().written_keys()) - SET_ELSEWHERE)

    def sources_of(self, table: str) -> tuple[SourceConfig, ...]:
        """The sources that feed raw table ``table``, in the order of the YAML."""
        return tuple(source for source in self.sources if source.table == table)


_PARTS: Mapping[str, type[Declaration]] = {
    "sources": SourceConfig,
    "simulation": Simulation,
    "injected_faults": FaultInjection,
    "holdout": Holdout,
    "bounds": Bounds,
    "join": Join,
    "database": Database,
    "rest": Rest,
    "alerts": AlertTargets,
    "smtp": Smtp,
}


def business_from(
    document: Mapping[str, object], *, file: Path, data_dir: Path, landing_dir: Path
) -> BusinessConfig:
    """Validate the configuration of a business.

    Args:
        document: The parsed YAML.
        file: Its path; the stem becomes the name of the business.
        data_dir: Folder for ``{data_dir}`` in globs.
        landing_dir: Folder for ``{landing_dir}`` in globs.

    Raises:
        BusinessInvalid: one line naming the file, the key and the remedy.
    """
    _refuse_name(file)
    misplaced = sorted(SET_ELSEWHERE & document.keys())
    if misplaced:
        raise BusinessInvalid(
            f"{file}: key {misplaced[0]!r} is not written here: it comes from the environment"
        )
    try:
        return BusinessConfig.model_validate(
            {**document, "name": file.stem, "data_dir": data_dir, "landing_dir": landing_dir}
        )
    except ValidationError as invalid:
        # A misspelt key is also reported as a missing one; the spelling is the error to show.
        errors = sorted(invalid.errors(), key=lambda error: error["type"] != "extra_forbidden")
        raise BusinessInvalid(f"{file}: {_one_line(errors[0])}") from invalid


def _refuse_name(file: Path) -> None:
    """Refuse a name whose folder is not, or not only, that of this business.

    A file system may ignore case and store one letter in several forms, so names are compared without them.
    """
    name = _folded(file.stem)
    if name.startswith(".") or name in RESERVED_NAMES:
        raise BusinessInvalid(
            f"{file}: a business cannot be called {file.stem!r}, because that folder has another "
            "use: rename the file"
        )
    siblings = file.parent.glob("*.y*ml") if file.parent.is_dir() else ()
    same = sorted(each.name for each in siblings if each.name != file.name and _folded(each.stem) == name)
    if same:
        raise BusinessInvalid(
            f"{file}: {same[0]} beside it would have the same folder: rename one of the two files"
        )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _one_line(error: ErrorDetails) -> str:
    """Format a validation error: its place and, for an unknown key, the known keys."""
    keys = [str(part) for part in error["loc"]]
    where = ".".join(keys)
    match error["type"]:
        case "extra_forbidden":
            part = next((_PARTS[key] for key in reversed(keys[:-1]) if key in _PARTS), BusinessConfig)
            return f"unknown key {where!r}; it is not {_one_of(keys[-1], part.written_keys())}"
        case "missing":
            return f"key {where!r} is missing; add it"
        case _:
            return f"{where}: {refused_value(error)}" if where else refused_value(error)


def _one_of(word: str, known: Collection[str]) -> str:
    """List the words in ``known``, and suggest the one closest to ``word``."""
    near = difflib.get_close_matches(word, list(known), n=1)
    listed = f"one of {', '.join(known)}"
    return f"{listed}: did you mean {near[0]!r}?" if near else listed
