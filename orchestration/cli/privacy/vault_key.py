"""Create the vault key file that ``VAULT_KEY_FILE`` names: ``make vault-key``."""

import sys

from assets.privacy.vault_key import VaultKeyRefused, make_key
from orchestration.cli.session import UsageError, command
from orchestration.settings import Settings


@command
def main() -> int:
    """Create the key file; returns the exit code.

    Raises:
        UsageError: If no file is named; ``command`` prints it.
        VaultKeyRefused: If the file exists; ``command`` prints it.
    """
    settings = Settings()
    settings.load_business()
    file = settings.key_file
    if file is None:
        raise UsageError("name the key file: make vault-key VAULT_KEY_FILE=/safe/place/shop.key")
    try:
        key = make_key(file)
    except FileExistsError:
        raise VaultKeyRefused(f"{file} exists, and a vault may need it: choose another name") from None
    sys.stdout.write(
        f"{file} holds key {key.id}: keep a copy apart from the data; without it the vault cannot be read\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
