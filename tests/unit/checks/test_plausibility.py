"""Shares that are outsized in small and large shops, and guests that the YAML declares."""

import pandas as pd

from checks.data.plausibility import (
    Share,
    guest_ids_are_declared,
    nothing_has_an_outsized_share,
    order_numbers_are_read_as_meant,
)


def share(of: float, *, n: int, kind: str = "customer") -> Share:
    return Share(kind=kind, measure="spend", n=n, name="o1", share=of, whole=1000.0)


def test_an_equal_share_is_never_outsized() -> None:
    # Of three customers one has a third at least; of 400 one in twenty is 20 times an equal share.
    assert nothing_has_an_outsized_share([share(1.0, n=3), share(0.05, n=400)]).passed
    verdict = nothing_has_an_outsized_share([share(0.06, n=400), share(0.06, n=400, kind="product")])
    assert not verdict.passed
    assert verdict.value == 0.06 / 0.05
    assert "6% of the spend" in verdict.reason
    assert "product" not in verdict.reason


def test_a_shop_without_lines_has_no_share() -> None:
    assert nothing_has_an_outsized_share([]).passed


def guests(*, is_declared: bool) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table_name": ["events", "events", "order_lines", "events"],
            "guest_id": ["guest", "0", "0", "guest"],
            "is_declared": is_declared,
            "row_count": [2, 5, 1, 4],
        }
    )


def test_words_for_nobody_are_counted_most_frequent_first() -> None:
    verdict = guest_ids_are_declared(guests(is_declared=False), rows=20)
    assert not verdict.passed
    assert verdict.reason == (
        "ids of guests: 'guest' in 6 rows of events, '0' in 5 rows of events, '0' in 1 rows of order_lines"
    )


def test_words_that_the_yaml_lists_pass() -> None:
    assert guest_ids_are_declared(guests(is_declared=True), rows=20).passed
    assert guest_ids_are_declared(guests(is_declared=True).head(0), rows=20).passed


def readings(scope: str | None) -> pd.DataFrame:
    rows = [("several orders", 3, "1001", scope), ("replaced by a later file", 8, "7", scope)]
    return pd.DataFrame(rows, columns=["reading", "orders", "example", "scope"])


def test_a_reading_of_order_numbers_is_named_until_the_yaml_says_it() -> None:
    verdict = order_numbers_are_read_as_meant(readings(None), rows=20)
    assert not verdict.passed
    assert verdict.value == 3.0
    assert verdict.reason == (
        "3 order numbers were read as several orders, such as '1001'; "
        "8 order numbers were read as replaced by a later file, such as '7'"
    )
    assert order_numbers_are_read_as_meant(readings("customer"), rows=20).passed


def test_overlapping_exports_alone_need_no_word_in_the_yaml() -> None:
    assert order_numbers_are_read_as_meant(readings(None).tail(1), rows=20).passed
