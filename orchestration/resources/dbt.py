"""The dbt command, for Dagster."""

from importlib.metadata import version

from dagster_dbt import DbtCliResource
from packaging.version import Version, parse


class InstalledDbt(DbtCliResource):
    """dbt as installed beside this process.

    dagster-dbt asks ``dbt --version`` twice per step, at four seconds each: a quarter of a small run.
    The lock file pins the package, whose metadata says the same.
    """

    @property
    def _cli_version(self) -> Version:
        return parse(version("dbt-core"))
