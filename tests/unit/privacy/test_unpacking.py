"""A damaged or unreadable file stops no search: it is searched as it lies, and named, in bounded memory."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from assets.privacy import unpacking
from assets.privacy.pii_scan import scan
from assets.privacy.unpacking import raw_pieces
from checks.privacy.vault_scan import no_personal_data_outside_vault
from tests.unit.privacy.test_pii_scan import (
    ADDRESS,
    as_duckdb,
    as_gzip,
    as_parquet,
    as_sqlite_across_pages,
    as_zip,
)
from tests.unprivileged import folder_of_nobody, unprivileged

PROJECT = Path(__file__).parents[3]


def cut(written: Callable[[Path], None]) -> Callable[[Path], None]:
    def half(folder: Path) -> None:
        written(folder)
        data = (folder / "it").read_bytes()
        (folder / "it").write_bytes(data[: len(data) // 2])

    return half


def broken(written: Callable[[Path], None]) -> Callable[[Path], None]:
    def overwritten(folder: Path) -> None:
        written(folder)
        data = bytearray((folder / "it").read_bytes())
        # Not random: SQLite would read a few of the bytes that chance can put into a page.
        data[len(data) // 4 : len(data) // 2] = b"\xff" * (len(data) // 2 - len(data) // 4)
        (folder / "it").write_bytes(data)

    return overwritten


def encrypted_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "it", "w") as archive:
        archive.writestr("a", "x")
    data = (folder / "it").read_bytes()
    # The flag of encryption, in the header of the member and in the directory.
    data = data.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01", 1)
    (folder / "it").write_bytes(
        data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01", 1)
    )


DAMAGED: dict[str, Callable[[Path], object]] = {
    **{
        f"cut {each.__name__}": cut(each)
        for each in (as_gzip, as_zip, as_parquet, as_duckdb, as_sqlite_across_pages)
    },
    **{
        f"broken {each.__name__}": broken(each)
        for each in (as_gzip, as_zip, as_parquet, as_sqlite_across_pages)
    },
    "magic only": lambda folder: (folder / "it").write_bytes(b"PK\x03\x04"),
    "encrypted zip": encrypted_zip,
    "packed too often": lambda folder: (folder / "it").write_bytes(packed(unpacking.DEEPEST + 1)),
}


def packed(times: int) -> bytes:
    data = b"x" * 99
    for _ in range(times):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_file_is_named_and_hides_no_other(tmp_path: Path, damaged: str) -> None:
    DAMAGED[damaged](tmp_path)
    (tmp_path / "note").write_text(ADDRESS)
    found = scan([tmp_path], [ADDRESS])
    assert [*found.damaged] == [tmp_path / "it"]
    assert found.damaged[tmp_path / "it"].strip()
    assert tmp_path / "note" in found.hits
    assert found.files == 2
    verdict = no_personal_data_outside_vault(found, below=tmp_path)
    assert f"searched as they lie, because they cannot be unpacked: {tmp_path / 'it'} (" in verdict.reason


def test_a_damaged_file_is_searched_as_it_lies_and_as_far_as_it_unpacks(tmp_path: Path) -> None:
    packed = gzip.compress(ADDRESS.encode() + os.urandom(1 << 20))
    (tmp_path / "start").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "after").write_bytes(packed[: len(packed) // 2] + ADDRESS.encode())
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(999))
        archive.writestr("b", ADDRESS)
    data = bytearray((tmp_path / "zip").read_bytes())
    data[100:120] = bytes(20)
    (tmp_path / "zip").write_bytes(data)
    found = scan([tmp_path], [ADDRESS])
    assert (
        {file.name for file in found.hits}
        == {"start", "after", "zip"}
        == {file.name for file in found.damaged}
    )


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_other_packings_are_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "it").write_bytes(pack(ADDRESS.encode()))
    assert scan([tmp_path], [ADDRESS]).hits == {tmp_path / "it": 1}


@pytest.mark.parametrize("inner", [as_gzip, as_zip, as_parquet, as_duckdb, as_sqlite_across_pages])
@pytest.mark.parametrize("times", [1, unpacking.DEEPEST - 1])
def test_what_is_packed_inside_of_an_archive_is_unpacked(
    tmp_path: Path, inner: Callable[[Path], object], times: int
) -> None:
    inner(tmp_path)
    data = (tmp_path / "it").read_bytes()
    for _ in range(times - 1):
        data = bz2.compress(data)
    with zipfile.ZipFile(tmp_path / "it", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first", "x")
        archive.writestr("inner", data)
    found = scan([tmp_path], [ADDRESS])
    assert (found.hits, found.damaged) == ({tmp_path / "it": 1}, {})
    assert [*tmp_path.iterdir()] == [tmp_path / "it"]


def test_an_inner_archive_over_the_limit_is_named_and_searched_as_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "INNER_BYTES", 1 << 10)
    with zipfile.ZipFile(tmp_path / "it", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.gz", gzip.compress(os.urandom(1 << 11)))
        archive.writestr("note", ADDRESS)
    found = scan([tmp_path], [ADDRESS])
    assert found.hits == {tmp_path / "it": 1}
    assert found.damaged == {tmp_path / "it": "'inner.gz': an archive inside of it has more than 1,024 bytes"}


def test_what_unpacks_to_more_than_the_limit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "UNPACKED_BYTES", 1 << 20)
    (tmp_path / "it").write_bytes(gzip.compress(bytes(1 << 25)))
    found = scan([tmp_path], [ADDRESS])
    assert found.damaged == {tmp_path / "it": "it unpacks to more than 1,048,576 bytes, searched so far"}


def test_an_archive_of_400_mib_is_searched_within_128_mib(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "it", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w") as member,
    ):
        for _ in range(25):
            member.write(bytes(1 << 24))
        member.write(ADDRESS.encode())
    code = (
        "import sys; from pathlib import Path; from assets.privacy.pii_scan import scan; import resource; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        f"print(len(scan([Path(sys.argv[1])], ['{ADDRESS}']).hits), "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code, tmp_path], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    hits, kib = map(int, done.stdout.split())
    assert hits == 1
    assert kib < 128 * 1024


def test_a_file_that_is_truncated_meanwhile_ends_early(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(bytes(3 * unpacking.CHUNK))
    pieces = raw_pieces(tmp_path / "it", overlap=8)
    assert len(next(pieces)) == unpacking.CHUNK + 8
    os.truncate(tmp_path / "it", 10)
    assert [len(each) for each in pieces] == [16]


def test_a_database_that_another_process_has_open_is_not_called_damaged(tmp_path: Path) -> None:
    as_duckdb(tmp_path)
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code, tmp_path / "it"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(duckdb.IOException, match="lock"):
            scan([tmp_path], [ADDRESS])
        holder.communicate()


def test_files_and_folders_without_permission_are_named() -> None:
    with folder_of_nobody() as folder:
        (folder / "closed").mkdir()
        for name in ("closed/it", "note", "open"):
            (folder / name).write_text(ADDRESS)
        closed = [folder / "closed", folder / "note"]
        with unprivileged(folder):
            for each in closed:
                each.chmod(0)
            found = scan([folder], [ADDRESS])
        assert found.unread == dict.fromkeys(closed, "Permission denied")
        assert [*found.hits] == [folder / "open"]
        assert (
            f"NOT searched, because they cannot be opened: {closed[0]} (Permission denied)" in found.remarks
        )


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "it")
    assert scan([tmp_path], [ADDRESS]).files == 0
