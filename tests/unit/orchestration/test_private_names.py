"""Versions of the packages whose private or undocumented names ``orchestration`` uses."""

from importlib.metadata import version

import pytest

# orchestration/ui replaces DagsterWebserver and the process that `dagster dev` starts, event_log.py overrides
# SqliteEventLogStorage, launcher.py uses CheckRunHealthResult, and dbt.py reads the manifest that dbt caches.
# Before a version is changed here: read what changed there, then run the tests of these modules, the journeys
# with the daemon and the browser.
CHECKED_AGAINST = {
    "dagster": "1.13.27",
    "dagster-webserver": "1.13.27",
    "dbt-core": "1.11.16",
    "dbt-duckdb": "1.11.1",
}


@pytest.mark.parametrize("package", CHECKED_AGAINST)
def test_private_names_were_checked_against_the_installed_version(package: str) -> None:
    assert version(package) == CHECKED_AGAINST[package]
