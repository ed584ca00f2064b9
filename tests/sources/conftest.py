"""One PostgreSQL for all tests of this folder, one web service for each."""

import shutil
from collections.abc import Iterator

import pytest

from tests.sources.servers import Postgres, Service, running_postgres, running_service


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    missing = [program for program in ("initdb", "pg_ctl", "postgres") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"PostgreSQL is not installed: no {', '.join(missing)}")
    with running_postgres() as started:
        yield started


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as started:
        yield started
