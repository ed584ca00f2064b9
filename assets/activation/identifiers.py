"""E-mail addresses and telephone numbers as Google Customer Match and Meta Custom Audiences want them."""

import hashlib
import re
from typing import Literal

Destination = Literal["google", "meta"]
DESTINATIONS: tuple[Destination, ...] = ("google", "meta")

# At these Google delivers to the same person whatever dots and +suffix the local part has.
SAME_PERSON = ("gmail.com", "googlemail.com")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# E.164: a country code, which never begins with 0, and at most 15 digits in all.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# A cell that begins like that is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def normalise_email(destination: Destination, text: str | None) -> str | None:
    """The address as it is hashed: trimmed, lower case, for Google without dots and suffix at Gmail.

    Returns:
        ``None`` for what is no address.

    Source: developers.google.com/google-ads/api (customer match: normalise and hash); Meta's customer list
    guide, which keeps dots and suffix.
    """
    address = (text or "").strip().lower()
    if not EMAIL.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    if destination == "google" and domain in SAME_PERSON:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def normalise_phone(destination: Destination, text: str | None) -> str | None:
    """The number as it is hashed: with its country code, for Google in E.164, for Meta its digits alone.

    Only numbers that begin with ``+`` or ``00`` say their country; of others nobody knows it.

    Returns:
        ``None`` for what is no international number.
    """
    written = re.sub(r"\(0\)|[^0-9+]", "", (text or "").strip())
    number = re.sub("^00", "+", written)
    if not E164.fullmatch(number):
        return None
    return number if destination == "google" else number.removeprefix("+")


def sha256_hex(normalised: str | None) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits; empty for nothing."""
    return hashlib.sha256(normalised.encode()).hexdigest() if normalised else ""


def escape_formula(cell: str) -> str:
    """``cell`` such that no spreadsheet runs it: an apostrophe goes before what could be a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
