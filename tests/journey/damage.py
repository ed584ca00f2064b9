"""Faults injected between two runs or into the process of one, and the message that must report each."""

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from tests.journey.world import Place

MIB = 2**20
PAGE = resource.getpagesize()
# Space for a few events of a run, not for its tables.
LEFT = 2 * MIB
# Memory of a run beside its imported modules: half of its needs.
LITTLE = 100 * MIB
EXPORTS = "exports/sample_shop"


class NotHere(Exception):
    """This machine does not allow the fault to be injected."""


def nothing(*_: object) -> None:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One fault of files, disk, memory or clock.

    Attributes:
        name: Description.
        plant: Injects the fault into the place, before the run.
        limit: Injects the fault into the process of the run.
        mended: Files and folders that are restored from a copy afterwards.
        lift: Removes the fault, before that.
        leave: Cleans up after the next run.
        words: Pattern of the run's error message; ``None`` if the run must complete or is killed.
        is_killed: Whether the system kills the run, which then prints nothing.
        without: The asset that would write the damaged file again.
    """

    name: str
    words: re.Pattern[str] | None
    is_killed: bool = False
    plant: Callable[[Place], None] = nothing
    limit: Callable[[], object] = nothing
    mended: tuple[str, ...] = ()
    lift: Callable[[Place], object] = nothing
    leave: Callable[[Place], object] = nothing
    without: str | None = None

    def mend(self, place: Place, whole: Path) -> None:
        """Remove the fault and restore the damaged files from the copy below ``whole``."""
        self.lift(place)
        for name in self.mended:
            source, target = whole / name, place.var_dir / name
            shutil.rmtree(target, ignore_errors=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)


def overwritten(file: Path, *, at: int, count: int = 64) -> None:
    """Invert ``count`` bytes of ``file`` from byte ``at``; a negative ``at`` counts from the end."""
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
    # The simulated shop generates a missing key, but a new key does not decrypt the vault.
    shutil.rmtree(place.var_dir / "keys")


def _full_disk(place: Place) -> None:
    """Move the place to a disk of its own with hardly any free space."""
    held = place.var_dir.rename(place.var_dir.with_name("held"))
    place.var_dir.mkdir()
    used = sum(-(-file.stat().st_size // PAGE) * PAGE for file in held.rglob("*") if file.is_file())
    try:
        _mounted("-t", "tmpfs", "-o", f"size={used + LEFT}", "tmpfs", place.var_dir)
        shutil.copytree(held, place.var_dir, dirs_exist_ok=True)
    finally:
        shutil.rmtree(held)


def _more_disk(place: Place) -> None:
    _mounted("-o", "remount,size=4g", place.var_dir)


def _no_disk(place: Place) -> None:
    subprocess.run(["/bin/umount", "--lazy", str(place.var_dir)], check=True)  # noqa: S603 - our own folder


def _mounted(*how: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own folder
        ["/bin/mount", *map(str, how)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotHere(done.stderr.strip())


def _memory_group() -> Path:
    """Memory group below that of this process; cgroup version 1 only."""
    own = re.search(r"^\d+:memory:(.+)$", Path("/proc/self/cgroup").read_text(encoding="ascii"), re.MULTILINE)
    if own is None:
        raise NotHere("processes have no memory group of version 1")
    return Path(f"/sys/fs/cgroup/memory{own[1]}") / "faulty"


def _little_memory(_: Place) -> None:
    try:
        _memory_group().mkdir(exist_ok=True)
        (_memory_group() / "memory.limit_in_bytes").write_text(str(LITTLE))
    except OSError as refused:
        raise NotHere(str(refused)) from refused


def _join() -> None:
    (_memory_group() / "cgroup.procs").write_text(str(os.getpid()))


def _clock(year: int) -> Callable[[], object]:
    return time_machine.travel(datetime(year, 3, 1, tzinfo=UTC), tick=True).start


DAMAGES = (
    Damage(
        name="memory is short",
        words=None,
        is_killed=True,
        plant=_little_memory,
        limit=_join,
        leave=lambda _: _memory_group().rmdir(),
    ),
    Damage(
        name="the disk is full",
        words=re.compile("No space left on device|disk is full|[Oo]ut of disk"),
        plant=_full_disk,
        lift=_more_disk,
        leave=_no_disk,
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
        words=re.compile(r"ModelIntegrityError: .*model\.skops: sha-256 is"),
        plant=_model,
        mended=("sample_shop/models",),
    ),
    Damage(
        name="the warehouse file has no header",
        words=re.compile("not a valid DuckDB database file"),
        plant=_warehouse_header,
        mended=("sample_shop/warehouse.duckdb",),
    ),
    Damage(
        name="blocks of the warehouse file are corrupt",
        words=re.compile("[Cc]orrupt|checksum"),
        plant=_warehouse_blocks,
        mended=("sample_shop/warehouse.duckdb",),
    ),
    Damage(
        name="the key of the vault is lost",
        words=re.compile("put the vault's key there"),
        plant=_lose_key,
        mended=("keys",),
    ),
    Damage(name="the clock goes back", words=None, limit=_clock(2024)),
    Damage(name="the clock jumps ahead", words=None, limit=_clock(2031)),
)
