"""Work without root's permissions, which no file mode stops."""

import codecs
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65_534


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """Make a folder that an unprivileged account owns; pytest's own lie below a folder of mode 0700."""
    folder = Path(tempfile.mkdtemp())
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Run the block as that account, which owns everything below ``folder``, if this one is root."""
    if os.geteuid() != 0:
        yield
        return
    for each in folder.rglob("*"):
        os.chown(each, NOBODY, NOBODY)
    # Python finds a codec by an import, and its folder may be root's alone.
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"):
        codecs.lookup(encoding)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
