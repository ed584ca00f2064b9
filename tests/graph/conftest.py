"""The definitions of both businesses, loaded once per process without any export being there."""

import os
import shutil
from pathlib import Path

import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.repository_definition import RepositoryDefinition

from orchestration.definitions import definitions_for
from orchestration.settings import Settings

BUSINESSES = ("sample_shop", "online_retail")


@pytest.fixture(scope="session")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of everything generated, of both businesses."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="session")
def loaded(var_dir: Path) -> dict[str, RepositoryDefinition]:
    """Per business what Dagster makes of its definitions; the dbt project is parsed once for both."""
    found: dict[str, RepositoryDefinition] = {}
    with pytest.MonkeyPatch.context() as patch:
        # Settings.tell_dbt writes these for good: set here so that they are put back.
        for name in ("WAREHOUSE", "DBT_TARGET_PATH", "DBT_LOG_PATH", "PATH"):
            patch.setenv(name, os.environ.get(name, ""))
        for name in BUSINESSES:
            settings = Settings(
                business=Path(f"config/{name}.yaml"), var_dir=var_dir, data_dir=var_dir / "no_such_folder"
            )
            if found:
                shutil.copytree(var_dir / BUSINESSES[0] / "dbt", settings.dbt_target_dir)
            found[name] = definitions_for(settings).get_repository_def()
    return found


@pytest.fixture(scope="session", params=BUSINESSES)
def graph(request: pytest.FixtureRequest, loaded: dict[str, RepositoryDefinition]) -> AssetGraph:
    """The asset graph of one business."""
    return loaded[request.param].asset_graph


@pytest.fixture(scope="session")
def shop_graph(loaded: dict[str, RepositoryDefinition]) -> AssetGraph:
    """The asset graph of the sample shop."""
    return loaded["sample_shop"].asset_graph
