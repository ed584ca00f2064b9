"""The usability report names what is missing, constant or too sparse."""

from assets.monitoring.usability import NEEDS, ColumnProfile, usability_rows


def profile(column: str, *, filled: int, distinct: int, rows: int = 100) -> ColumnProfile:
    return ColumnProfile(table="order_lines", column=column, rows=rows, filled=filled, distinct=distinct)


def full() -> list[ColumnProfile]:
    needed = NEEDS["purchase_propensity"]["order_lines"]
    return [profile(column, filled=100, distinct=50) for column in needed]


def states(found: list[ColumnProfile]) -> dict[str, str]:
    rows = usability_rows(found)
    names = rows["column_name"].fillna(rows["name"])
    return dict(zip(names, rows["state"], strict=True))


def test_a_capability_is_on_when_what_it_needs_is_filled() -> None:
    assert states(full())["purchase_propensity"] == "on"


def test_a_capability_is_off_when_one_column_holds_nothing() -> None:
    found = [*full()[1:], profile("customer_id", filled=0, distinct=0)]
    rows = usability_rows(found)
    assert rows["state"].iloc[0] == "off"
    assert "order_lines.customer_id" in rows["details"].iloc[0]


def test_columns_are_called_by_what_is_wrong_with_them() -> None:
    found = [
        profile("country", filled=0, distinct=0),
        profile("currency", filled=100, distinct=1),
        profile("channel", filled=4, distinct=3),
        profile("discount_amount", filled=5, distinct=3),
    ]
    assert states(found) == {
        "purchase_propensity": "off",
        "country": "missing",
        "currency": "constant",
        "channel": "sparse",
        "discount_amount": "usable",
    }
