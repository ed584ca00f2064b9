"""What is done to a place between two runs, or to the process of one, and the words that must refuse it."""

import re
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from tests.journey.world import Place

MIB = 2**20
EXPORTS = "exports/sample_shop"


def nothing(*_: object) -> None:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One fault of the surroundings.

    Attributes:
        name: What is wrong.
        plant: Does it to the place, before the run.
        limit: Does it to the run's own process.
        mended: What a person puts back from a copy afterwards.
        words: What the run must say when it stops; ``None`` when it must complete.
        without: The asset that would make the damaged file anew.
    """

    name: str
    words: re.Pattern[str] | None
    plant: Callable[[Place], None] = nothing
    limit: Callable[[], object] = nothing
    mended: tuple[str, ...] = ()
    without: str | None = None

    def mend(self, place: Place, whole: Path) -> None:
        """Put back what was damaged, from the copy below ``whole``."""
        for name in self.mended:
            source, target = whole / name, place.var_dir / name
            shutil.rmtree(target, ignore_errors=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)


def overwritten(file: Path, *, at: int, count: int = 64) -> None:
    """Make ``count`` bytes of ``file`` from byte ``at`` nonsense; a negative ``at`` counts from its end."""
    content = bytearray(file.read_bytes())
    start = at % len(content)
    content[start : start + count] = bytes(255 - byte for byte in content[start : start + count])
    file.write_bytes(content)


def _landed(place: Place) -> None:
    overwritten(place.folder / "landing" / "orders_2023-06.csv.gz", at=400)


def _model(place: Place) -> None:
    for file in sorted(place.folder.glob("models/purchase_propensity/*/*.skops")):
        overwritten(file, at=-200)


def _warehouse_header(place: Place) -> None:
    overwritten(place.warehouse, at=0)


def _warehouse_blocks(place: Place) -> None:
    content = place.warehouse.stat().st_size
    for block in range(3, content // (MIB // 4), 2):
        overwritten(place.warehouse, at=block * MIB // 4 + 1_000)


def _lose_key(place: Place) -> None:
    # The simulated shop makes itself a key where there is none: this one opens nothing that is kept.
    shutil.rmtree(place.var_dir / "keys")


def _little_memory() -> None:
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + 200 * MIB, held + 200 * MIB))


def _clock(year: int) -> Callable[[], object]:
    return time_machine.travel(datetime(year, 3, 1, tzinfo=UTC), tick=True).start


DAMAGES = (
    Damage(
        name="memory is short",
        words=re.compile("memory|allocate", re.IGNORECASE),
        limit=_little_memory,
    ),
    Damage(
        name="a landed file is corrupt",
        words=re.compile(r"orders_2023-06\.csv\.gz"),
        plant=_landed,
        mended=("sample_shop/landing",),
        without=EXPORTS,
    ),
    Damage(
        name="a model file is corrupt",
        words=re.compile("purchase_propensity.*(sha256|hash|is not the file)", re.DOTALL),
        plant=_model,
        mended=("sample_shop/models",),
    ),
    Damage(
        name="the warehouse file has no header",
        words=re.compile("warehouse.duckdb"),
        plant=_warehouse_header,
        mended=("sample_shop/warehouse.duckdb",),
    ),
    Damage(
        name="blocks of the warehouse file are corrupt",
        words=re.compile("warehouse.duckdb|[Cc]orrupt|checksum"),
        plant=_warehouse_blocks,
        mended=("sample_shop/warehouse.duckdb",),
    ),
    Damage(
        name="the key of the vault is lost",
        words=re.compile("key", re.IGNORECASE),
        plant=_lose_key,
        mended=("keys",),
    ),
    Damage(name="the clock goes back", words=None, limit=_clock(2024)),
    Damage(name="the clock jumps ahead", words=None, limit=_clock(2031)),
)
