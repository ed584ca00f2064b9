"""PullResult exports are assets that landing waits for, and whose secrets only settings knows."""

import ast
from pathlib import Path

import dagster as dg
import pytest

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.defs import delivering, landing_assets, pulled_assets
from assets.privacy.defs import redacted_asset
from orchestration.settings import PROJECT, Settings

FILES = {
    "name": "products",
    "table": "products",
    "files": "{landing_dir}/products.csv",
    "columns": {"product_id": "id"},
}
PULLED = {
    "name": "products_db",
    "table": "products",
    "database": {"url_from": "SHOP_DATABASE_URL", "table": "products", "cursor": "updated_at"},
    "columns": {"product_id": "id"},
}
DOCUMENT = {
    "title": "Shop",
    "clock": "wall",
    "currency": "EUR",
    "time_zone": "Europe/Berlin",
    "first_as_of_day": "2023-01-02",
    "sources": [FILES, PULLED],
}


def no_secret(_: str) -> None:
    return None


def business(*sources: object) -> BusinessConfig:
    here = Path("nowhere")
    document = {**DOCUMENT, "sources": list(sources)}
    return business_from(document, file=Path("shop.yaml"), data_dir=here, landing_dir=here)


def test_landing_waits_for_what_is_pulled() -> None:
    shop = business(FILES, PULLED)
    (asset,) = pulled_assets(shop, secret=no_secret, state_dir=Path("nowhere"))
    key = dg.AssetKey(["exports", "products_db"])
    assert asset.key == key
    assert asset.group_names_by_key[key] == "ingest"
    redacted = redacted_asset(shop, after=delivering(shop))
    assert redacted.asset_deps[redacted.key] == {key}
    (landed,) = landing_assets(shop, describe=lambda _warehouse, _as_of: "")
    assert all(parents == {redacted.key} for parents in landed.asset_deps.values())


def test_a_business_with_files_only_pulls_nothing() -> None:
    assert pulled_assets(business(FILES), secret=no_secret, state_dir=Path("nowhere")) == []
    assert delivering(business(FILES)) == []


def imported_at_once(module: str) -> set[str]:
    """Everything that importing ``module`` imports: what stands inside functions waits."""
    found, waiting = {module}, [module]
    while waiting:
        file = PROJECT.joinpath(*waiting.pop().split(".")).with_suffix(".py")
        for node in ast.parse(file.read_text()).body if file.is_file() else []:
            names = (
                [name.name for name in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            )
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
            waiting += [name for name in names if name not in found]
            found |= set(names)
    return found


def test_nobody_imports_dlt_before_something_is_pulled() -> None:
    # It takes a second, of every process that loads the definitions.
    assert "dlt" in imported_at_once("assets.ingest.pulling.pull")
    defined = imported_at_once("orchestration.definitions")
    assert "assets.ingest.defs" in defined
    assert not {"dlt", "psycopg"} & {name.partition(".")[0] for name in defined}


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://")
    monkeypatch.setenv("EMPTY", "")
    assert Settings().secret("SHOP_DATABASE_URL") == "postgresql://"
    assert Settings().secret("EMPTY") is None
    assert "postgresql" not in repr(Settings())
