"""Where things lie and which business runs: the only reader of the environment and of ``config/*.yaml``."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import yaml
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, business_from
from assets.ingest.config.simulation import Simulation
from assets.sample_shop.world.shop import SIZES, Shop

PROJECT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """Paths and choices of this process; every field is also an environment variable of the same name.

    ``business`` is the YAML of the business to run; its file name is the name of the business and of
    its folder under ``var_dir``. Relative paths start at the project's folder. The keys of the vault show
    themselves nowhere: neither in this object's picture nor in an error about it.
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
        """The YAML of the business."""
        return _from_project(self.business)

    @property
    def folder(self) -> Path:
        """Everything generated for this business."""
        return _from_project(self.var_dir) / self.business_file.stem

    @property
    def warehouse_file(self) -> Path:
        """The one writer's DuckDB file; dbt takes its catalog name from the file's."""
        return self.folder / "warehouse.duckdb"

    @property
    def landing_dir(self) -> Path:
        """Exports as they arrived; the sample shop writes here."""
        return self.folder / "landing"

    @property
    def snapshot_file(self) -> Path:
        """The DuckDB file SQL consumers open."""
        return self.folder / "published" / "marketing.duckdb"

    @property
    def parquet_dir(self) -> Path:
        """One folder per published table, for consumers without DuckDB."""
        return self.folder / "published" / "parquet"

    @property
    def audiences_dir(self) -> Path:
        """Files of audiences that were asked for, to be uploaded by a person."""
        return self.folder / "audiences"

    @property
    def reports_dir(self) -> Path:
        """Pages for a browser, and the alerts of failed runs."""
        return self.folder / "reports"

    @property
    def vault_file(self) -> Path:
        """Personal values, encrypted."""
        return self.folder / "vault.sqlite"

    @property
    def erasure_requests_file(self) -> Path:
        """Whoever asked to be erased: one ``customer_id`` a line."""
        return self.folder / "erasure_requests.csv"

    @property
    def truth_dir(self) -> Path:
        """What a simulated shop does not know of itself; no data of the business."""
        return self.folder / "truth"

    @property
    def key_file(self) -> Path | None:
        """The file of the vault's key that the environment names."""
        return _from_project(self.vault_key_file) if self.vault_key_file else None

    @property
    def simulated_key_file(self) -> Path:
        """The key of a simulated shop, whose people do not exist; beside the businesses, not among them."""
        return _from_project(self.var_dir) / "keys" / f"{self.business_file.stem}.key"

    @property
    def alerts_file(self) -> Path:
        """One line per failed run."""
        return self.reports_dir / "alerts.jsonl"

    @property
    def dbt_target_dir(self) -> Path:
        """Dbt's manifest, compiled SQL and logs."""
        return self.folder / "dbt"

    @property
    def pulls_dir(self) -> Path:
        """Cursors of what is pulled from databases and web services, and pulls on their way."""
        return self.folder / "dlt"

    def secret(self, name: str) -> str | None:
        """The value of environment variable ``name``; ``None`` when it is not set or empty."""
        return os.environ.get(name) or None

    def load_business(self) -> BusinessConfig:
        """The business of ``business_file``, validated.

        Raises:
            BusinessInvalid: naming the file, the key and the remedy.
        """
        file = self.business_file
        if not file.is_file():
            raise BusinessInvalid(
                f"{file} is not there; set BUSINESS to a file such as config/sample_shop.yaml"
            )
        business = business_from(
            _document(file), file=file, data_dir=_from_project(self.data_dir), landing_dir=self.landing_dir
        )
        if business.simulation is None or self.size == "default":
            return business
        return _sized(business, business.simulation, SIZES[self.size])

    def export_dbt_environment(self, asked: Mapping[str, str] = MappingProxyType({})) -> None:
        """Put into this process's environment what dbt reads from there.

        ``asked`` is what the project's macro of that name reads: time zone and days.
        """
        os.environ.update({f"RUN_{name.upper()}": value for name, value in asked.items()})
        os.environ["WAREHOUSE"] = str(self.warehouse_file)


def _from_project(path: Path) -> Path:
    return path if path.is_absolute() else (PROJECT / path).resolve()


def _sized(business: BusinessConfig, declared: Simulation, shop: Shop) -> BusinessConfig:
    """``business`` with its simulation as large as ``shop``; what is planted in it stays."""
    simulation = Simulation(
        customers=shop.customers,
        first_day=shop.first_day,
        last_day=shop.last_day,
        seed=shop.seed,
        planted=declared.planted,
    )
    return business.model_copy(update={"simulation": simulation, "last_day": shop.last_day})


def _document(file: Path) -> Mapping[str, object]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BusinessInvalid(f"{file} is not UTF-8 text ({error}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise BusinessInvalid(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise BusinessInvalid(f"{file} holds no keys; start from config/sample_shop.yaml")
    return document
