"""Paths and choice of business: the only reader of the environment and of ``config/*.yaml``."""

import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from assets.activation.rules import CUSTOMERS, refuse_unusable_rules
from assets.features import customers
from assets.ingest.config.business import BusinessConfig, BusinessInvalid, business_from
from assets.ingest.config.simulation import Simulation
from assets.ingest.config.yaml_file import read_document
from assets.publishing.snapshot import PARQUET, SNAPSHOT_FILE
from assets.sample_shop.world.shop import SIZES, Shop

PROJECT = Path(__file__).resolve().parents[1]
HOME_VARIABLE = "DAGSTER_HOME"


class Options(BaseSettings):
    """Values that a command is given, read from the environment; an empty one counts as not given."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)


class SubjectOptions(Options):
    """Customers, as delivered or as published: one id per line, because an id may hold commas and quotes.

    With ``-`` the lines come from standard input.
    """

    customer: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The given ids; an id that is not UTF-8 cannot be one of the business."""
        given = sys.stdin.buffer.read() if self.customer == "-" else os.fsencode(self.customer)
        lines = (line.strip() for line in given.decode("utf-8", "replace").split("\n"))
        return tuple(line for line in lines if line)


class Dates(Options):
    """First and last as-of date of a command."""

    first: date = Field(date.min, validation_alias="FROM")
    last: date = Field(date.max, validation_alias="TO")


class Settings(BaseSettings):
    """Paths and choices of this process; every field is also an environment variable of the same name.

    ``business`` is the YAML file of the business; its stem is the name of the business and of its folder
    below ``var_dir``. Relative paths start at the project's folder. Vault keys appear neither in the ``repr``
    of this object nor in its validation errors.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    business: Path = Path("config/sample_shop.yaml")
    var_dir: Path = Path("var")
    data_dir: Path = Path("../shared/data")
    size: Literal["tiny", "default", "large"] = "default"
    vault_key: SecretStr | None = None
    vault_key_next: SecretStr | None = None
    vault_key_file: Path | None = None

    @property
    def business_file(self) -> Path:
        """YAML file of the business."""
        return _from_project(self.business)

    @property
    def generated_dir(self) -> Path:
        """Folder of everything generated for all businesses."""
        return _from_project(self.var_dir)

    @property
    def folder(self) -> Path:
        """Folder of everything generated for this business."""
        return self.generated_dir / self.business_file.stem

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file that the runs write; its stem is the catalog name in dbt."""
        return self.folder / "warehouse.duckdb"

    @property
    def landing_dir(self) -> Path:
        """Exports as delivered; the sample shop writes here."""
        return self.folder / "landing"

    @property
    def published_dir(self) -> Path:
        """What consumers read."""
        return self.folder / "published"

    @property
    def snapshot_file(self) -> Path:
        """DuckDB file of the published tables, for SQL consumers."""
        return self.published_dir / SNAPSHOT_FILE

    @property
    def parquet_dir(self) -> Path:
        """Parquet copies of the published tables, one folder each."""
        return self.published_dir / PARQUET

    @property
    def audiences_dir(self) -> Path:
        """Audience files written by `make audience`, to be uploaded by a person."""
        return self.folder / "audiences"

    @property
    def reports_dir(self) -> Path:
        """HTML reports and the alerts of failed runs."""
        return self.folder / "reports"

    @property
    def vault_file(self) -> Path:
        """Encrypted personal values and the suppression list."""
        return self.folder / "vault.sqlite"

    @property
    def erasure_requests_file(self) -> Path:
        """Erasure requests: one ``customer_id`` per line."""
        return self.folder / "erasure_requests.csv"

    @property
    def truth_dir(self) -> Path:
        """Ground truth of a simulated shop; not data of the business."""
        return self.folder / "truth"

    @property
    def key_file(self) -> Path | None:
        """Vault key file named by the environment."""
        return _from_project(self.vault_key_file) if self.vault_key_file else None

    @property
    def simulated_key_file(self) -> Path:
        """Generated vault key of a simulated shop, outside the folders of the businesses."""
        return self.generated_dir / "keys" / f"{self.business_file.stem}.key"

    @property
    def alerts_file(self) -> Path:
        """JSON file with one line per failed run."""
        return self.reports_dir / "alerts.jsonl"

    @property
    def models_dir(self) -> Path:
        """Model files, one folder per problem and version."""
        return self.folder / "models"

    @property
    def dbt_target_dir(self) -> Path:
        """Manifest, compiled SQL and logs of dbt."""
        return self.folder / "dbt"

    @property
    def pulls_dir(self) -> Path:
        """Cursors of pulls from databases and web services, and unfinished pulls."""
        return self.folder / "dlt"

    @property
    def dagster_dir(self) -> Path:
        """Dagster's home of this business: run history, state of schedules and sensors."""
        return self.folder / "dagster"

    def secret(self, name: str) -> str | None:
        """Return the environment variable ``name``; ``None`` if it is unset or empty."""
        return os.environ.get(name) or None

    def load_business(self) -> BusinessConfig:
        """Read and validate the business of ``business_file``.

        Raises:
            BusinessInvalid: If the file is missing or not valid; names the file, the key and the remedy.
        """
        file = self.business_file
        business = business_from(
            read_document(file),
            file=file,
            data_dir=_from_project(self.data_dir),
            landing_dir=self.landing_dir,
        )
        refuse_unknown_features(business.scheduled, file=file)
        if business.audiences:
            refuse_unusable_rules(business.audiences, published_columns(CUSTOMERS.name), file=file)
        if business.simulation is None or self.size == "default":
            return business
        return _sized(business, business.simulation, SIZES[self.size])

    def export_dbt_environment(self, parameters: Mapping[str, str] = MappingProxyType({})) -> None:
        """Export the warehouse path and the run parameters to dbt through the environment.

        Args:
            parameters: Values that the project's macros read, such as the time zone and the as-of date.
        """
        os.environ.update({f"RUN_{name.upper()}": value for name, value in parameters.items()})
        os.environ["WAREHOUSE"] = str(self.warehouse_file)

    def export_dagster_home(self) -> None:
        """Name Dagster's home of this business in the environment, where Dagster looks for it."""
        os.environ[HOME_VARIABLE] = str(self.dagster_dir)


def dagster_home() -> Path:
    """Return Dagster's folder, as `make` names it, without opening it."""
    return Path(os.environ.get("DAGSTER_HOME", ""))


def _from_project(path: Path) -> Path:
    return path if path.is_absolute() else (PROJECT / path).resolve()


def refuse_unknown_features(scheduled: Sequence[str], *, file: Path) -> None:
    """Refuse columns under ``scheduled`` that no question reads.

    Raises:
        BusinessInvalid: Names the columns, and one that is near.
    """
    known = (*customers.NUMERIC, *customers.CATEGORICAL)
    for name in scheduled:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f": did you mean {near[0]!r}?" if near else f"; it is one of {', '.join(known)}"
            raise BusinessInvalid(f"{file}: scheduled names {name!r}, which is no feature{hint}")


def published_columns(model: str) -> dict[str, str]:
    """SQL type of each column of a published table, as its contract states them."""
    contract = PROJECT / "dbt_project" / "models" / "published" / f"{model}.yml"
    (declared,) = yaml.safe_load(contract.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in declared["columns"]}


def _sized(business: BusinessConfig, declared: Simulation, shop: Shop) -> BusinessConfig:
    """Return ``business`` with its simulation resized to ``shop``; injected faults stay."""
    simulation = Simulation(
        customers=shop.customers,
        first_day=shop.first_day,
        last_day=shop.last_day,
        seed=shop.seed,
        injected_faults=declared.injected_faults,
    )
    return business.model_copy(update={"simulation": simulation, "last_day": shop.last_day})
