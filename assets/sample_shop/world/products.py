"""The catalogue: products with titles and descriptions, launch days and affinity groups."""

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import Ints, Shop

NOUNS = {
    "kitchen": ("mug", "plate", "tea towel", "cake tin", "egg cup", "apron"),
    "garden": ("planter", "bird house", "watering can", "windmill", "trowel", "doormat"),
    "stationery": ("notebook", "pencil case", "gift wrap", "card set", "calendar", "stamp kit"),
    "toys": ("puzzle", "skittles", "spinning top", "doll", "kite", "money box"),
    "lighting": ("lantern", "night light", "string lights", "table lamp", "tealight holder", "torch"),
    "textiles": ("cushion", "throw", "shopper bag", "blanket", "rug", "curtain"),
    "candles": ("scented candle", "pillar candle", "candle tin", "wax melt", "taper set", "candle plate"),
    "christmas": ("garland", "bauble set", "stocking", "wreath", "advent box", "tree star"),
}
CATEGORIES = tuple(NOUNS)
STYLES = (
    "red retrospot",
    "vintage",
    "blue polka dot",
    "woodland",
    "rose",
    "ivory",
    "zinc",
    "paisley",
    "nordic",
    "botanical",
    "seaside",
    "jubilee",
    "gingham",
    "copper",
)
MATERIALS = ("enamel", "cotton", "birch wood", "recycled paper", "stoneware", "glass", "tin", "linen")
USES = ("a small gift", "every day", "the weekend", "a summer table", "a child's room", "the hallway")
ENDINGS = ("Made in small batches.", "Wipe clean.", "Boxed, ready to give.", "Goes with the whole range.")
PRODUCTS = 600
AFFINITY_GROUPS = 30
# Three of the twenty products of each group: 15 %.
LAUNCHED_PER_GROUP = 3
FIRST_LAUNCH_DAYS = 900
POSTAGE = "POST"


def catalogue(shop: Shop) -> pd.DataFrame:
    """Simulate the products, most popular first.

    Affinity groups are independent of category and style, so that only baskets reveal them.

    Returns:
        product_id, title, description, category, unit_price and unit_cost (shop currency), popularity
        (sums to 1), affinity_group, launched_day (day number; below 0 for products launched
        before the first day), in_stock.
    """
    rng = shop.rng("products")
    position = np.arange(PRODUCTS)
    price = np.round(np.exp(rng.normal(1.6, 0.75, PRODUCTS)), 1) + 0.49
    weight = (position + 10.0) ** -0.9
    group = rng.permutation(position % AFFINITY_GROUPS)
    named = _named(rng)
    return named.assign(
        product_id=[f"P{1000 + number}" for number in position],
        unit_price=price,
        unit_cost=np.round(price * rng.uniform(0.35, 0.6, PRODUCTS), 2),
        popularity=weight / weight.sum(),
        affinity_group=group,
        launched_day=_launched_days(shop, group, rng),
        in_stock=rng.random(PRODUCTS) < 0.95,
    )


def _named(rng: np.random.Generator) -> pd.DataFrame:
    """Category, title (no two alike) and description, in random order."""
    kinds = [(category, noun) for category, nouns in NOUNS.items() for noun in nouns]
    pairs = rng.choice(len(kinds) * len(STYLES), size=PRODUCTS, replace=False)
    words = rng.integers((len(MATERIALS), len(USES), len(ENDINGS)), size=(PRODUCTS, 3))
    rows = []
    for pair, (material, use, ending) in zip(pairs, words, strict=True):
        (category, noun), style = kinds[pair // len(STYLES)], STYLES[pair % len(STYLES)]
        description = f"A {style} {noun} in {MATERIALS[material]}, for {USES[use]}. {ENDINGS[ending]}"
        rows.append((category, f"{style} {noun}", description))
    return pd.DataFrame(rows, columns=["category", "title", "description"])


def _launched_days(shop: Shop, group: Ints, rng: np.random.Generator) -> Ints:
    """Launch days: before the first day for most; in the middle of the period for three of each group."""
    launched = -rng.integers(1, FIRST_LAUNCH_DAYS, size=PRODUCTS)
    for number in range(AFFINITY_GROUPS):
        new = rng.choice(np.flatnonzero(group == number), size=LAUNCHED_PER_GROUP, replace=False)
        launched[new] = (rng.uniform(0.1, 0.8, size=LAUNCHED_PER_GROUP) * shop.day_count).astype(np.int64)
    return launched


def launched_on(shop: Shop, products: pd.DataFrame) -> pd.Series:
    """Launch date of each of ``products`` (n, columns) as ISO text, shape (n,)."""
    dates = pd.Timestamp(shop.first_day) + pd.to_timedelta(products["launched_day"], unit="D")
    return dates.dt.strftime("%Y-%m-%d")
