"""Identifiers are normalised as Google and Meta do before they hash, or left out."""

import pytest

from assets.activation.identifiers import (
    Destination,
    escape_formula,
    normalise_email,
    normalise_phone,
    sha256_hex,
)


@pytest.mark.parametrize(
    ("text", "google", "meta"),
    [
        ("  Test@Example.COM ", "test@example.com", "test@example.com"),
        ("Jane.Doe+Shop@Gmail.com", "janedoe@gmail.com", "jane.doe+shop@gmail.com"),
        ("j.a.n.e@googlemail.com", "jane@googlemail.com", "j.a.n.e@googlemail.com"),
        # Elsewhere dots and suffixes may be other people.
        ("jane.doe+shop@example.org", "jane.doe+shop@example.org", "jane.doe+shop@example.org"),
        # Google takes blanks out of an address; Meta does not say so.
        ("jane doe@example.org", "janedoe@example.org", None),
        ("<anna@example.org>", "anna@example.org", "anna@example.org"),
        ("Anna Archer <Anna@Example.org>", "anna@example.org", "anna@example.org"),
        ("mailto:anna@example.org?subject=Hi", "anna@example.org", "anna@example.org"),
        ("an\u200bna@example.org\u200e", "anna@example.org", "anna@example.org"),
        ("zoe\u0308@example.org", "zoë@example.org", "zoë@example.org"),
        ("anna@example.org, bob@example.org", None, None),
        ("anna@example.org.", None, None),
        ("+suffix@gmail.com", None, "+suffix@gmail.com"),
        ("no address", None, None),
        ("two@at@example.org", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_an_address_is_normalised_as_each_destination_does(
    text: str | None, google: str | None, meta: str | None
) -> None:
    assert (normalise_email("google", text), normalise_email("meta", text)) == (google, meta)


@pytest.mark.parametrize(
    ("text", "google", "meta"),
    [
        ("+44 20 7031 3000", "+442070313000", "442070313000"),
        ("+1 (212) 565-0000", "+12125650000", "12125650000"),
        ("0044 20 7031 3000", "+442070313000", "442070313000"),
        ("+44 (0)20 7031 3000", "+442070313000", "442070313000"),
        # The national 0 is no part of a number with a country code; in Italy it is.
        ("+49 0171 1234567", "+491711234567", "491711234567"),
        ("+39 06 698 1234", "+39066981234", "39066981234"),
        ("tel:+49-171-1234567", "+491711234567", "491711234567"),
        ("+49\u00a0171\u20111234567\u200b", "+491711234567", "491711234567"),
        # Digits of an extension are no part of the number.
        ("+1 415 555 0100 ext. 12", "+14155550100", "14155550100"),
        ("+1 415-555-0100 x12", "+14155550100", "14155550100"),
        ("+1 415 555 0100x12", "+14155550100", "14155550100"),
        ("+49-171-1234567;ext=5", "+491711234567", "491711234567"),
        ("+49 171 1234567 (ext 2)", "+491711234567", "491711234567"),
        # More than a number.
        ("+49 171 1234567 (privat 2)", None, None),
        ("+49 171 1234567 oder +49 171 7654321", None, None),
        ("+49 171 1234567, 7654321", None, None),
        ("+1-800-FLOWERS", None, None),
        # Nobody can have it.
        ("+49 171 1", None, None),
        ("+44 7700 0100001", None, None),
        # A national number does not state its country.
        ("020 7031 3000", None, None),
        ("+0 123 4567", None, None),
        ("+1234567890123456", None, None),
        (None, None, None),
    ],
)
def test_a_number_has_its_country_code(text: str | None, google: str | None, meta: str | None) -> None:
    assert (normalise_phone("google", text), normalise_phone("meta", text)) == (google, meta)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("0171 1234567", "DE", "+491711234567"),
        ("0171/1234567", " de ", "+491711234567"),
        ("020 7031 3000", "GB", "+442070313000"),
        ("(415) 555-0100", "US", "+14155550100"),
        # Not a German number.
        ("020 7031 3000", "DE", None),
        ("0171 1234567", "Germany", None),
        ("0171 1234567", "XX", None),
        ("+49 171 1234567", "US", "+491711234567"),
        ("+49 171 1234567", "Germany", "+491711234567"),
    ],
)
def test_a_national_number_is_read_in_the_customer_s_country(
    text: str, country: str, expected: str | None
) -> None:
    assert normalise_phone("google", text, country) == expected


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        # FIPS 180-2, appendix B.1.
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        # The example of Google's and Meta's guides.
        ("test@example.com", "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"),
        ("", ""),
        (None, ""),
    ],
)
def test_hashes_are_sha_256_in_lower_case_hexadecimal(text: str | None, digest: str) -> None:
    assert sha256_hex(text) == digest


@pytest.mark.parametrize("destination", ["google", "meta"])
def test_capitals_and_blanks_change_no_hash(destination: Destination) -> None:
    assert (
        len({sha256_hex(normalise_email(destination, text)) for text in ("a@b.cd", " A@B.CD", "a@b.cd\n")})
        == 1
    )


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(first: str) -> None:
    assert escape_formula(f"{first}cmd()") == f"'{first}cmd()"
    assert escape_formula("973dfe") == "973dfe"
