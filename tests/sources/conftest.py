"""One PostgreSQL and one MariaDB for all tests of this folder, one web service for each."""

import shutil
from collections.abc import Iterator

import pytest

from tests.sources.servers import MySQL, Postgres, Service, running_mysql, running_postgres, running_service


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    missing = [program for program in ("initdb", "pg_ctl", "postgres") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"PostgreSQL is not installed: no {', '.join(missing)}")
    with running_postgres() as started:
        yield started


@pytest.fixture(scope="session")
def mysql() -> Iterator[MySQL]:
    missing = [program for program in ("mariadb-install-db", "mariadbd") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"MariaDB is not installed: no {', '.join(missing)}")
    with running_mysql() as started:
        yield started


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as started:
        yield started
