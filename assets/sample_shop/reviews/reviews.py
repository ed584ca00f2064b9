"""Reviews of what was bought, and what their writers really felt."""

import hashlib

import numpy as np
import pandas as pd
from scipy.special import ndtri

from assets.sample_shop.reviews.texts import texts_of
from assets.sample_shop.world.shop import Bools, Floats, Ints

REVIEWED_SHARE = 0.05
SHORTEST_DAYS, LONGEST_DAYS = 3, 40
# Satisfaction is standard normal, plus how good the product is, less the trouble of a return.
GOODNESS_SPREAD, TROUBLE = 0.4, 1.6
SAD_BELOW, HAPPY_FROM = -0.9, -0.4
# Chances of one to five stars for the sad, the middling and the happy ...
STARS: Floats = np.array(
    [[0.50, 0.40, 0.10, 0.00, 0.00], [0.00, 0.20, 0.60, 0.20, 0.00], [0.00, 0.00, 0.07, 0.33, 0.60]]
)
# ... and of those who misread the scale.
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
    """Reviews of some of the articles in ``lines``, oldest first, and the truth about them.

    Args:
        lines: order_id, customer (row of ``customers``; -1 for a guest), ordered_at, product_id,
            quantity; a return has a negative quantity and the order's id after an ``R``. Lines of
            anything that is no product (postage) are passed over.
        products: product_id and title.
        customers: customer_id.
        last: When the shop's days end; what would be written later is left out.
        rng: Where chance comes from.

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
    """Whether the same article of the same order came back, shape (reviews,)."""
    back = lines[lines["quantity"] < 0]
    returned = back["order_id"].str.removeprefix("R") + " " + back["product_id"]
    reviewed_line = reviewed["order_id"] + " " + reviewed["product_id"]
    return np.asarray(reviewed_line.isin(returned), dtype=np.bool_)


def _sentiments(reviewed: pd.DataFrame, returned: Bools, rng: np.random.Generator) -> Ints:
    """-1, 0 or 1, shape (reviews,)."""
    satisfaction = rng.standard_normal(len(reviewed)) + _goodness(reviewed["product_id"]) - TROUBLE * returned
    return np.digitize(satisfaction, [SAD_BELOW, HAPPY_FROM]).astype(np.int64) - 1


def _goodness(product_ids: pd.Series) -> Floats:
    """How good each product is, normal over products, shape (reviews,).

    Read from the id's digest, not drawn: a product must be equally good in every call.
    """
    kinds, which = np.unique(product_ids.to_numpy(dtype=str), return_inverse=True)
    digests = [hashlib.blake2b(kind.encode(), digest_size=4).digest() for kind in kinds]
    share = (np.array([int.from_bytes(digest, "big") for digest in digests]) + 0.5) / 2**32
    goodness: Floats = GOODNESS_SPREAD * ndtri(share)[which]
    return goodness


def _ratings(sentiments: Ints, rng: np.random.Generator) -> Ints:
    count = len(sentiments)
    misread = rng.random(count) < MISREAD_SHARE
    chances = np.where(misread[:, None], MISREAD_STARS[sentiments + 1], STARS[sentiments + 1])
    passed = rng.random(count)[:, None] >= chances.cumsum(axis=1)[:, :-1]
    stars: Ints = 1 + passed.sum(axis=1)
    return stars
