"""Messages and consents of all customers, simulated in blocks to bound the memory."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from assets.sample_shop.messages.campaigns import campaigns_of, sends_of
from assets.sample_shop.messages.consents import consents_of
from assets.sample_shop.world.shop import Shop

BLOCK = 100_000
# A third of the memory of pandas' default dtypes; seconds since sending are exact in four bytes.
COMPACT = {
    "customer": "int32",
    "day": "int32",
    "second": "int32",
    "channel": "category",
    "variant": "category",
    "arm": "category",
    "opened_second": "float32",
    "clicked_second": "float32",
    "unsubscribed_second": "float32",
}


def all_sends_of(shop: Shop, customers: pd.DataFrame) -> pd.DataFrame:
    """Simulate the messages to all customers (n, columns), oldest first: ``sends_of``, in compact dtypes."""
    campaigns = pd.CategoricalDtype(campaigns_of(shop)["campaign_id"])
    parts: list[pd.DataFrame] = []
    for start, block, part in _blocks(shop, customers):
        sends = sends_of(block, part, block.rng("sends"))
        sends["customer"] += start
        parts.append(sends.astype(COMPACT).astype({"campaign_id": campaigns}))
    sends = pd.concat(parts, ignore_index=True)
    return sends.iloc[np.argsort(sends["day"].to_numpy(), kind="stable")].reset_index(drop=True)


def all_consents_of(shop: Shop, customers: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of ``consents_of`` for all customers (n, columns) in blocks."""
    for _, block, part in _blocks(shop, customers):
        yield consents_of(block, part, block.rng("consents.times"))


def _blocks(shop: Shop, customers: pd.DataFrame) -> Iterator[tuple[int, Shop, pd.DataFrame]]:
    """First row, shop and customers of each block.

    Each block is simulated as a shop with its own seed; a shop of one block keeps its seed. The messages
    of a block thus agree with its consents.
    """
    for number, start in enumerate(range(0, len(customers), BLOCK)):
        seed = int(shop.rng("blocks", number).integers(2**32)) if number else shop.seed
        part = customers.iloc[start : start + BLOCK].reset_index(drop=True)
        yield start, replace(shop, seed=seed, customers=len(part)), part
