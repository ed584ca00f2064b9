"""Where the key of a business's vault is found."""

from collections.abc import Callable
from contextlib import suppress

from pydantic import SecretStr

from assets.ingest.config.business import BusinessConfig
from assets.privacy.vault_key import Keyring, VaultKeyRefused, key_from, keyring_in, make_key
from orchestration.resources.vault import SqliteVault
from orchestration.settings import Settings


def vault_of(settings: Settings, business: BusinessConfig) -> SqliteVault:
    """The vault of ``business``; its key is looked for when it is needed, and kept nowhere."""
    return SqliteVault(settings.vault_file, keyring_of(settings, business))


def keyring_of(settings: Settings, business: BusinessConfig) -> Callable[[], Keyring]:
    """What finds the key: in the environment, in the file that it names, or, simulated, in a file of ours.

    Only a simulated shop gets a key without being asked: its people do not exist, and a newcomer's first run
    must work. A real key belongs where the data is not.
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
        return f"{business.name}: to erase somebody takes a key, so that the proof names nobody: {remedy}"
    return (
        f"{business.name}.yaml keeps personal values in a vault, and no key is given: {remedy}; or take "
        "`vault: yes` out of the YAML, and personal columns are read by nobody"
    )
