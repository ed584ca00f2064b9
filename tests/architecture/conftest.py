"""The definitions of the sample shop, loaded once per process without any export being there."""

import os
from pathlib import Path

import pytest
from dagster._core.definitions.repository_definition import RepositoryDefinition

from orchestration.definitions import definitions_for
from orchestration.settings import Settings


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> RepositoryDefinition:
    """All that Dagster loads for the one business that delivers every table and keeps a vault."""
    folder = tmp_path_factory.mktemp("var")
    settings = Settings(business=Path("config/sample_shop.yaml"), var_dir=folder, data_dir=folder / "none")
    with pytest.MonkeyPatch.context() as patch:
        # Loading writes these into the environment: set here so that they are put back.
        for name in ("WAREHOUSE", "DBT_TARGET_PATH", "DBT_LOG_PATH", "PATH"):
            patch.setenv(name, os.environ.get(name, ""))
        return definitions_for(settings).get_repository_def()
