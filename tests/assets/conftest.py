"""One shop on the date of its first promotion, and a copy of it for each test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assets.world import FIRST, World, create


@pytest.fixture(scope="session")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The shop after its first promotion; read it, and change a ``world``."""
    world = create(tmp_path_factory.mktemp("promoted"))
    world.run_date(FIRST)
    return world


@pytest.fixture
def world(promoted: World, tmp_path: Path) -> World:
    """A copy of ``promoted`` to go on with."""
    shutil.copytree(promoted.folder, tmp_path / "copy")
    return World(folder=tmp_path / "copy")


@pytest.fixture
def small_world(tmp_path: Path) -> Callable[[int], World]:
    """A shop of so many customers before its first run."""
    return lambda customers: create(tmp_path / f"shop of {customers}", customers=customers)
