"""A key is an address and cannot carry SQL; a token differs from an id by its form."""

import pytest

from assets.keys import Key, id_type, is_token


def test_a_key_names_its_table() -> None:
    assert Key("ml", "purchase_propensity__scores").sql == '"ml"."purchase_propensity__scores"'


@pytest.mark.parametrize("name", ['x"; drop table y', "Upper", "", "1st", "a.b"])
def test_a_key_refuses_what_is_not_an_identifier(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        _ = Key("ml", name).sql


@pytest.mark.parametrize(
    "text", ["", "C1", "token_", "token_" + "0" * 63, "token_" + "G" * 64, "token_" + "0" * 65]
)
def test_an_id_that_only_begins_like_a_token_is_an_id(text: str) -> None:
    assert not is_token(text)
    assert id_type("customer_id", [text]) == "customer_id"


def test_ids_of_the_form_of_a_token_are_tokens() -> None:
    assert id_type("customer_id", ["token_" + "0a" * 32]) == "token"
    assert id_type("customer_id", []) == "customer_id"
