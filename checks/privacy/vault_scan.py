"""Check that values of the vault are readable in no file."""

from pathlib import Path

from assets.privacy.pii_scan import Scanned
from checks.verdict import Verdict

NAMED_FILES = 3


def no_personal_data_outside_vault(found: Scanned, *, below: Path) -> Verdict:
    """No e-mail address, telephone number or similar value of the vault is readable in any file.

    Args:
        found: Result of the scan.
        below: Folder that reported paths are relative to.
    """
    files = sorted(found.hits, key=lambda file: -found.hits[file])
    named = ", ".join(f"{_short(file, below)} ({found.hits[file]:,})" for file in files[:NAMED_FILES])
    others = f" and {len(files) - NAMED_FILES:,} more" if len(files) > NAMED_FILES else ""
    return Verdict(
        passed=not files,
        reason=(
            f"{found.values:,} values of the vault were searched for in {found.files:,} files, "
            f"{found.bytes_read / 1e6:,.1f} MB: "
            + (f"found readable in {named}{others}" if files else "none found")
            + found.remarks
        ),
        value=float(len(files)),
        threshold=0.0,
        evidence={"n": float(found.values), "files": float(found.files), "bytes": float(found.bytes_read)},
    )


def _short(file: Path, below: Path) -> str:
    return str(file.relative_to(below)) if file.is_relative_to(below) else str(file)
