"""Ranks without ties, the same in every run."""

import numpy as np
import pandas as pd

from assets.metrics.arrays import Floats, Ints, Texts


def ranks(values: Floats, entities: Texts) -> Ints:
    """Rank of each row, 1 = the highest; ties are broken by a hash of the id, never by row order.

    Args:
        values: (n,) values.
        entities: (n,) ids as text.

    Returns:
        (n,) ranks.

    Example:
        >>> ranks(np.array([0.2, 0.9, 0.5]), np.array(["a", "b", "c"], dtype=object))
        array([3, 1, 2])
    """
    tie = pd.util.hash_array(entities, hash_key="rank--tie-breaks", categorize=False)
    found = np.empty(values.size, dtype=np.int64)
    found[np.lexsort((tie, -values))] = np.arange(1, values.size + 1)
    return found
