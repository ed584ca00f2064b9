"""Create the vault key file that ``VAULT_KEY_FILE`` names: ``make vault-key``."""

import sys
from pathlib import Path

from assets.ingest.config.business import BusinessInvalid
from assets.privacy.vault_key import make_key
from orchestration.settings import Settings


def main() -> int:
    """Make the key file that ``VAULT_KEY_FILE`` names; returns the process's exit code."""
    settings = Settings()
    try:
        settings.load_business()
    except BusinessInvalid as invalid:
        sys.stderr.write(f"{invalid}\n")
        return 2
    file = settings.key_file
    if file is None:
        sys.stderr.write("say where the key is to lie: make vault-key VAULT_KEY_FILE=/safe/place/shop.key\n")
        return 2
    return _made(file)


def _made(file: Path) -> int:
    try:
        key = make_key(file)
    except FileExistsError:
        sys.stderr.write(f"{file} is there already, and a vault may need it: choose another name\n")
        return 1
    sys.stdout.write(
        f"{file} holds key {key.id}: keep a copy apart from the data; a lost key opens nothing\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
