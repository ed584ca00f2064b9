"""Find the key of a business's vault: environment variable, key file, or the key of a simulated shop."""

from collections.abc import Callable
from contextlib import suppress

from pydantic import SecretStr

from assets.ingest.config.business import BusinessConfig
from assets.privacy.vault_key import Keyring, VaultKeyRefused, key_from, keyring_in, make_key
from orchestration.resources.vault import SqliteVault
from orchestration.settings import Settings


def vault_of(settings: Settings, business: BusinessConfig) -> SqliteVault:
    """Return the vault of ``business``; its key is read when it is needed and never stored."""
    return SqliteVault(settings.vault_file, keyring_of(settings, business))


def keyring_of(settings: Settings, business: BusinessConfig) -> Callable[[], Keyring]:
    """Return a function that reads the key from the environment, the named file, or a simulated shop's file.

    Only a simulated shop gets a generated key: its customers do not exist, and the first run must work
    without configuration. A real key must not lie beside the data.

    Raises (the returned function):
        VaultKeyRefused: If no key is configured, or the configured one is not valid.
    """

    def found() -> Keyring:
        if settings.vault_key is not None:
            return _in_environment(settings.vault_key, settings.vault_key_next)
        file = settings.key_file
        if file is None and business.simulation is not None:
            file = settings.simulated_key_file
            if not settings.vault_file.exists():
                with suppress(FileExistsError):
                    make_key(file)
        if file is None:
            raise VaultKeyRefused(_no_key(business))
        return keyring_in(file)

    return found


def _in_environment(current: SecretStr, following: SecretStr | None) -> Keyring:
    return Keyring(
        current=key_from(current.get_secret_value(), where="VAULT_KEY"),
        following=key_from(following.get_secret_value(), where="VAULT_KEY_NEXT") if following else None,
    )


def _no_key(business: BusinessConfig) -> str:
    remedy = (
        "set VAULT_KEY to 64 hexadecimal digits, or VAULT_KEY_FILE to a file of mode 0600 that holds them "
        "(`make vault-key` makes one)"
    )
    if not business.vault:
        return f"{business.name}: an erasure needs a key, because its log holds pseudonyms: {remedy}"
    return (
        f"{business.name}.yaml keeps personal values in a vault, and no key is configured: {remedy}; or "
        "remove `vault: yes` from the YAML: personal columns are then not read at all"
    )
