"""Product reviews and their true sentiment."""

import hashlib

import numpy as np
import pandas as pd
from scipy.special import ndtri

from assets.sample_shop.reviews.texts import texts_of
from assets.sample_shop.world.shop import Bools, Floats, Ints

REVIEWED_SHARE = 0.05
SHORTEST_DAYS, LONGEST_DAYS = 3, 40
# Satisfaction is standard normal, plus the product's quality, minus a penalty for a return.
QUALITY_SPREAD, RETURN_PENALTY = 0.4, 1.6
NEGATIVE_BELOW, POSITIVE_FROM = -0.9, -0.4
# Probabilities of one to five stars for negative, neutral and positive sentiment ...
STARS: Floats = np.array(
    [[0.50, 0.40, 0.10, 0.00, 0.00], [0.00, 0.20, 0.60, 0.20, 0.00], [0.00, 0.00, 0.07, 0.33, 0.60]]
)
# ... and for reviewers who misread the scale.
MISREAD_STARS: Floats = np.array(
    [[0.00, 0.00, 0.00, 0.40, 0.60], [0.50, 0.00, 0.00, 0.00, 0.50], [0.60, 0.40, 0.00, 0.00, 0.00]]
)
MISREAD_SHARE = 0.02
LABELLED_SHARE = 0.03
LABELS = ("negative", "neutral", "positive")
DAYTIME_FROM_SECOND, DAYTIME_SECONDS = 7 * 3600, 16 * 3600


def reviews_of(
    lines: pd.DataFrame,
    products: pd.DataFrame,
    customers: pd.DataFrame,
    *,
    last: pd.Timestamp,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate reviews of some of the articles in ``lines``, oldest first, and their true sentiment.

    Args:
        lines: order_id, customer (row of ``customers``; -1 for a guest), ordered_at, product_id,
            quantity; a return has a negative quantity and the order's id after an ``R``. Lines without
            a product (postage) are ignored.
        products: product_id and title.
        customers: customer_id.
        last: End of the simulated days; later reviews are left out.
        rng: Random generator.

    Returns:
        The export: review_id (unique over all calls that share no order), written_at (local wall clock),
        text, product_id, customer_id (None for a guest), rating (1 to 5), label (negative, neutral or
        positive for a random ``LABELLED_SHARE``, else None). The truth: review_id, sentiment (-1, 0, 1).
    """
    reviewed = _reviewed(lines, products, rng)
    reviewed = reviewed[reviewed["written_at"] <= last].sort_values(["written_at", "review_id"])
    sentiments = _sentiments(reviewed, _is_returned(reviewed, lines), rng)
    known = np.array([*customers["customer_id"], None], dtype=object)
    nouns = products.set_index("product_id")["title"].str.lower().str.split().str[-1]
    label = np.array(LABELS, dtype=object)[sentiments + 1]
    label[rng.random(len(label)) >= LABELLED_SHARE] = None
    export = pd.DataFrame(
        {
            "review_id": reviewed["review_id"].to_numpy(),
            "written_at": reviewed["written_at"].to_numpy(),
            "text": texts_of(sentiments, nouns[reviewed["product_id"]].to_numpy(dtype=object), rng),
            "product_id": reviewed["product_id"].to_numpy(),
            "customer_id": known[reviewed["customer"].to_numpy()],
            "rating": _ratings(sentiments, rng),
            "label": label,
        }
    )
    return export, pd.DataFrame({"review_id": export["review_id"], "sentiment": sentiments})


def _reviewed(lines: pd.DataFrame, products: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The lines that get a review, with review_id and written_at."""
    articles = lines[(lines["quantity"] > 0) & lines["product_id"].isin(products["product_id"])]
    chosen = articles[rng.random(len(articles)) < REVIEWED_SHARE]
    waited = rng.integers(SHORTEST_DAYS, LONGEST_DAYS, size=len(chosen), endpoint=True)
    second = DAYTIME_FROM_SECOND + rng.integers(DAYTIME_SECONDS, size=len(chosen))
    number = chosen.groupby("order_id").cumcount().astype(str)
    return chosen.assign(
        review_id="V" + chosen["order_id"] + "-" + number,
        written_at=chosen["ordered_at"].dt.normalize()
        + pd.to_timedelta(waited, unit="D")
        + pd.to_timedelta(second, unit="s"),
    )


def _is_returned(reviewed: pd.DataFrame, lines: pd.DataFrame) -> Bools:
    """Whether the same article of the same order was returned, shape (reviews,)."""
    back = lines[lines["quantity"] < 0]
    returned = back["order_id"].str.removeprefix("R") + " " + back["product_id"]
    reviewed_line = reviewed["order_id"] + " " + reviewed["product_id"]
    return np.asarray(reviewed_line.isin(returned), dtype=np.bool_)


def _sentiments(reviewed: pd.DataFrame, returned: Bools, rng: np.random.Generator) -> Ints:
    """-1, 0 or 1, shape (reviews,)."""
    satisfaction = (
        rng.standard_normal(len(reviewed)) + _quality(reviewed["product_id"]) - RETURN_PENALTY * returned
    )
    return np.digitize(satisfaction, [NEGATIVE_BELOW, POSITIVE_FROM]).astype(np.int64) - 1


def _quality(product_ids: pd.Series) -> Floats:
    """Quality of each product, normal over products, shape (reviews,).

    Derived from a digest of the id, not drawn, so that a product has the same quality in every call.
    """
    kinds, which = np.unique(product_ids.to_numpy(dtype=str), return_inverse=True)
    digests = [hashlib.blake2b(kind.encode(), digest_size=4).digest() for kind in kinds]
    share = (np.array([int.from_bytes(digest, "big") for digest in digests]) + 0.5) / 2**32
    quality: Floats = QUALITY_SPREAD * ndtri(share)[which]
    return quality


def _ratings(sentiments: Ints, rng: np.random.Generator) -> Ints:
    count = len(sentiments)
    misread = rng.random(count) < MISREAD_SHARE
    probabilities = np.where(misread[:, None], MISREAD_STARS[sentiments + 1], STARS[sentiments + 1])
    passed = rng.random(count)[:, None] >= probabilities.cumsum(axis=1)[:, :-1]
    stars: Ints = 1 + passed.sum(axis=1)
    return stars
