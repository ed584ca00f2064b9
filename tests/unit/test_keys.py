"""A key is an address and cannot carry SQL."""

import pytest

from assets.keys import Key


def test_a_key_names_its_table() -> None:
    assert Key("ml", "purchase_propensity__scores").sql == '"ml"."purchase_propensity__scores"'


@pytest.mark.parametrize("name", ['x"; drop table y', "Upper", "", "1st", "a.b"])
def test_a_key_refuses_what_is_not_an_identifier(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        _ = Key("ml", name).sql
