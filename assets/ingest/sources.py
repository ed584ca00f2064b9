"""What a business says about itself and its exports: one YAML, checked before anything is read."""

import difflib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from assets.ingest.contract import Contract
from assets.ingest.contracts import CONTRACTS

Format = Literal["csv", "parquet", "json", "jsonl"]
FORMATS: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
COMPRESSIONS = (".gz", ".zst")


class BusinessInvalid(ValueError):
    """The business's YAML, or the files it points to, must be put right by a person."""


class _Declaration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Simulation(_Declaration):
    """How large a sample shop to simulate; both days are included."""

    customers: int = Field(gt=0)
    first_day: date
    last_day: date
    seed: int = 0

    @model_validator(mode="after")
    def _days_in_order(self) -> "Simulation":
        if self.last_day <= self.first_day:
            raise ValueError(f"last_day {self.last_day} is not after first_day {self.first_day}")
        return self


class Source(_Declaration):
    """One kind of export file and how its columns become the columns of a raw table.

    ``columns`` maps a raw column to an SQL expression over the file's columns (CSV and JSON columns
    are text; quote names such as ``"Customer ID"``). ``files`` are globs, oldest delivery first.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str
    files: tuple[str, ...] = Field(min_length=1)
    columns: Mapping[str, str]
    pii: tuple[str, ...] = ()
    format: Format | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    remedy: str | None = None

    @field_validator("files", mode="before")
    @classmethod
    def _one_or_many(cls, files: object) -> object:
        return (files,) if isinstance(files, str) else files

    @field_validator("columns", mode="before")
    @classmethod
    def _as_sql(cls, columns: object) -> object:
        # YAML turns an unquoted `false` or `1` into a value; as SQL it is the same word.
        if not isinstance(columns, Mapping):
            return columns
        return {
            name: str(value).lower() if isinstance(value, bool | int | float) else value
            for name, value in columns.items()
        }

    @model_validator(mode="after")
    def _keeps_the_contract(self) -> "Source":
        contract = CONTRACTS.get(self.table)
        if contract is None:
            raise ValueError(f"table {self.table!r} is not {_one_of(self.table, CONTRACTS)}")
        _refuse_unknown(self.columns, contract)
        missing = [name for name in contract.required if name not in self.columns]
        if missing:
            raise ValueError(
                f"columns must map {', '.join(missing)}: say which SQL over the file's columns gives "
                f"{'it' if len(missing) == 1 else 'them'} (null where the export has none)"
            )
        return self

    @property
    def contract(self) -> Contract:
        """The raw contract this source feeds."""
        return CONTRACTS[self.table]

    def format_of(self, file: Path) -> Format:
        """How to read ``file``: as declared, else by its suffix, ``.gz`` and ``.zst`` looked through.

        Raises:
            BusinessInvalid: when the suffix says nothing.
        """
        name = Path(file.stem) if file.suffix in COMPRESSIONS else file
        found = self.format or FORMATS.get(name.suffix.lower())
        if found is None:
            raise BusinessInvalid(
                f"source {self.name}: {file} has no known suffix; "
                "set format to csv, parquet, json or jsonl in this source"
            )
        return found


class Business(_Declaration):
    """One business: its clock, its money, its exports.

    ``last_day`` closes a data set that has ended. ``data_dir`` and ``landing_dir`` are where the
    globs start; files are named below them, so that moving a folder changes no fingerprint.
    """

    name: str
    title: str
    clock: Literal["wall", "data"]
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str
    first_as_of_day: date
    last_day: date | None = None
    sources: tuple[Source, ...]
    simulation: Simulation | None = None
    data_dir: Path
    landing_dir: Path

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise ValueError(
                f"{time_zone!r} is not a time zone; write one such as Europe/London"
            ) from unknown
        return time_zone

    @model_validator(mode="after")
    def _has_a_today(self) -> "Business":
        if self.clock == "data" and self.last_day is None:
            raise ValueError(
                "clock: data needs last_day, the day of the newest fact; a live business has clock: wall"
            )
        return self

    @model_validator(mode="after")
    def _sources_are_told_apart(self) -> "Business":
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {', '.join(twice)}: give each its own name")
        return self

    def sources_of(self, table: str) -> tuple[Source, ...]:
        """The sources that feed raw table ``table``, in the order of the YAML."""
        return tuple(source for source in self.sources if source.table == table)


PLACED = {"name", "data_dir", "landing_dir"}


def business_from(
    document: Mapping[str, object], *, file: Path, data_dir: Path, landing_dir: Path
) -> Business:
    """The business declared in ``document``, the parsed YAML of ``file``.

    Raises:
        BusinessInvalid: one line naming the file, the key and what to do.
    """
    placed = sorted(PLACED & document.keys())
    if placed:
        raise BusinessInvalid(
            f"{file}: key {placed[0]!r} is not written here: it comes from the surroundings"
        )
    try:
        return Business.model_validate(
            {**document, "name": file.stem, "data_dir": data_dir, "landing_dir": landing_dir}
        )
    except ValidationError as invalid:
        # A misspelt key is also a missing one: the spelling is what has to be mended.
        errors = sorted(invalid.errors(), key=lambda error: error["type"] != "extra_forbidden")
        raise BusinessInvalid(f"{file}: {_one_line(errors[0])}") from invalid


def _one_line(error: ErrorDetails) -> str:
    keys = [str(part) for part in error["loc"]]
    where = ".".join(keys)
    match error["type"]:
        case "extra_forbidden":
            known = Source if keys[0] == "sources" else Simulation if keys[0] == "simulation" else Business
            names = sorted(known.model_fields.keys() - PLACED) if known is Business else known.model_fields
            return f"unknown key {where!r}; it is not {_one_of(keys[-1], names)}"
        case "missing":
            return f"key {where!r} is missing; add it"
        case _:
            return f"{where or 'business'}: {error['msg'].removeprefix('Value error, ')}"


def _refuse_unknown(columns: Mapping[str, str], contract: Contract) -> None:
    names = [column.name for column in contract.columns]
    for name in columns:
        if name not in names:
            raise ValueError(f"unknown key 'columns.{name}'; it is not {_one_of(name, names)}")


def _one_of(word: str, known: "Mapping[str, object] | list[str]") -> str:
    """``known`` as words, with the one most like ``word`` proposed first."""
    near = difflib.get_close_matches(word, list(known), n=1)
    listed = f"one of {', '.join(known)}"
    return f"{listed}: did you mean {near[0]!r}?" if near else listed
