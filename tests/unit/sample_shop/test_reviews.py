"""Review texts and stars agree with the true sentiment, and texts vary."""

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.reviews.reviews import reviews_of
from assets.sample_shop.reviews.texts import texts_of
from assets.sample_shop.world.shop import Ints

LINES = 60_000
CUSTOMERS = pd.DataFrame({"customer_id": [f"C{number}" for number in range(500)]})
PRODUCTS = pd.DataFrame(
    {
        "product_id": [f"P{number}" for number in range(300)],
        "title": ["Vintage Mug", "rose tea towel", "ivory lantern"] * 100,
    }
)
LAST = pd.Timestamp(2023, 12, 31, 23, 59, 59)


def order_lines(last_order: str) -> pd.DataFrame:
    """Two lines an order, every tenth order a guest's, every tenth line sent back, and postage."""
    rng = np.random.default_rng(1)
    number = np.arange(LINES)
    ordered_at = pd.Series(pd.date_range("2023-01-02 09:00", last_order, periods=LINES // 2)).dt.floor("s")
    lines = pd.DataFrame(
        {
            "order_id": (500_000 + number // 2).astype(str),
            "customer": np.where(number // 2 % 10 == 0, -1, number // 2 % 500),
            "ordered_at": ordered_at.to_numpy()[number // 2],
            "product_id": PRODUCTS["product_id"].to_numpy()[rng.integers(300, size=LINES)],
            "quantity": 1 + number % 3,
        }
    )
    back = lines[number % 10 == 0]
    back = back.assign(order_id="R" + back["order_id"], quantity=-back["quantity"])
    postage = lines[::2].assign(product_id="POST", quantity=1)
    return pd.concat([lines, back, postage], ignore_index=True)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return order_lines("2023-11-20")


@pytest.fixture(scope="module")
def reviews(lines: pd.DataFrame) -> pd.DataFrame:
    export, truth = reviews_of(lines, PRODUCTS, CUSTOMERS, last=LAST, rng=np.random.default_rng(2))
    return export.merge(truth, on="review_id", validate="one_to_one")


def order_ids(reviews: pd.DataFrame) -> pd.Series:
    return reviews["review_id"].str[1:].str.split("-").str[0]


def test_one_article_in_twenty_is_reviewed(reviews: pd.DataFrame) -> None:
    # 60,000 * 0.05 = 3,000, standard error sqrt(3,000 * 0.95) = 53; postage and returns get none.
    assert abs(len(reviews) - 3_000) < 4 * 53
    assert reviews["review_id"].is_unique
    assert set(reviews["product_id"]) <= set(PRODUCTS["product_id"])


def test_a_review_comes_three_to_forty_days_after_its_order(
    lines: pd.DataFrame, reviews: pd.DataFrame
) -> None:
    ordered = lines.drop_duplicates("order_id").set_index("order_id")
    order = ordered.reindex(order_ids(reviews))
    days = (reviews["written_at"].dt.normalize() - order["ordered_at"].dt.normalize().to_numpy()).dt.days
    assert (days.min(), days.max()) == (3, 40)
    known = np.array([*CUSTOMERS["customer_id"], None], dtype=object)[order["customer"]]
    assert (reviews["customer_id"].fillna("guest") == pd.Series(known).fillna("guest")).all()
    assert reviews["customer_id"].isna().any()


def test_nothing_is_written_after_the_last_day() -> None:
    late = order_lines("2023-12-31 20:00")
    export, _ = reviews_of(late, PRODUCTS, CUSTOMERS, last=LAST, rng=np.random.default_rng(2))
    assert export["written_at"].max() <= LAST
    assert export["written_at"].max() > pd.Timestamp(2023, 12, 28)


def test_most_reviews_are_positive_and_those_of_returns_are_not(
    lines: pd.DataFrame, reviews: pd.DataFrame
) -> None:
    back = set((lines["order_id"].str[1:] + lines["product_id"])[lines["quantity"] < 0])
    returned = (order_ids(reviews) + reviews["product_id"]).isin(back)
    shares = reviews["sentiment"].groupby(returned).value_counts(normalize=True)
    # Satisfaction has variance 1 + 0.4^2, so its spread is 1.077: sad is Phi(-0.9 / 1.077) = 0.202, happy
    # 1 - Phi(-0.4 / 1.077) = 0.645; returned, sad is Phi(0.7 / 1.077) = 0.742. Errors: 0.009 for 2,700 and
    # for 300 products' goodness 0.4 / sqrt(300) * 0.35 = 0.008, so 0.012; 0.027 with 300 returned ones.
    assert abs(shares[False, 1] - 0.645) < 4 * 0.012
    assert abs(shares[False, -1] - 0.202) < 4 * 0.012
    assert abs(shares[True, -1] - 0.742) < 4 * 0.027


def test_two_in_a_hundred_misread_the_scale(reviews: pd.DataFrame) -> None:
    sentiment, rating = reviews["sentiment"], reviews["rating"]
    assert rating.between(1, 5).all()
    contradicts = np.where(sentiment == 0, rating.isin([1, 5]), sentiment * (rating - 3) < 0)
    # 0.02, standard error sqrt(0.02 * 0.98 / 3,000) = 0.0026.
    assert abs(contradicts.mean() - 0.02) < 4 * 0.0026


def test_three_in_a_hundred_are_labelled_with_the_truth(reviews: pd.DataFrame) -> None:
    labelled = reviews[reviews["label"].notna()]
    # 0.03, standard error sqrt(0.03 * 0.97 / 3,000) = 0.0031.
    assert abs(len(labelled) / len(reviews) - 0.03) < 4 * 0.0031
    assert (
        labelled["label"].map({"negative": -1, "neutral": 0, "positive": 1}) == labelled["sentiment"]
    ).all()


def texts(sentiment: int, count: int, *, seed: int = 1) -> pd.Series:
    opinions: Ints = np.full(count, sentiment)
    return pd.Series(texts_of(opinions, np.full(count, "mug", dtype=object), np.random.default_rng(seed)))


@pytest.mark.parametrize("sentiment", [-1, 0, 1])
def test_almost_all_texts_are_different(sentiment: int) -> None:
    written = texts(sentiment, 5_000)
    assert written.nunique() > 4_700
    assert not written.str.contains(r"[{}]", regex=True).any()
    assert written.str.len().between(12, 300).all()


def test_texts_cover_every_aspect_and_name_the_product() -> None:
    written = texts(1, 3_000)
    for word in ("quality", "delivery", "price", "packaging", "service", "design", "mug"):
        assert written.str.contains(word).any(), word


def test_no_single_word_identifies_positive_texts() -> None:
    happy, sad = texts(1, 3_000), texts(-1, 3_000)
    # Denials ("not flimsy at all") and concessions put the words of one side into texts of the other.
    for word in ("not ", "but ", "flimsy|cheap", "slow|overpriced|crushed", "solid|lovely|fair"):
        assert 0.01 < happy.str.contains(word).mean() < 0.6, word
        assert 0.005 < sad.str.contains(word).mean() < 0.6, word


def test_some_texts_have_emoji_and_some_no_capitals() -> None:
    written = texts(1, 5_000)
    # 8 % and 6 %, standard errors sqrt(0.08 * 0.92 / 5,000) = 0.0038 and 0.0034; a typo may hide a capital,
    # and "I" is one in any case.
    assert abs(written.str.contains("[😍👍🎁]").mean() - 0.08) < 4 * 0.0038
    assert abs(written.str[0].str.islower().mean() - 0.06) < 4 * 0.0034 + 0.01


def test_equal_seeds_give_equal_reviews(lines: pd.DataFrame, reviews: pd.DataFrame) -> None:
    again, _ = reviews_of(lines, PRODUCTS, CUSTOMERS, last=LAST, rng=np.random.default_rng(2))
    pd.testing.assert_frame_equal(again, reviews.drop(columns="sentiment"))
    assert not texts(1, 50).equals(texts(1, 50, seed=2))
