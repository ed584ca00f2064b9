"""A shop simulated in blocks is consistent across blocks."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.messages import blocks
from assets.sample_shop.messages.blocks import all_consents_of, all_sends_of
from assets.sample_shop.messages.campaigns import sends_of
from assets.sample_shop.world.customers import customers_of
from assets.sample_shop.world.shop import Shop

SHOP = Shop(customers=600, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=8)


def test_a_shop_of_one_block_is_the_shop_itself() -> None:
    customers = customers_of(SHOP)
    whole = sends_of(SHOP, customers, SHOP.rng("sends"))
    kept = all_sends_of(SHOP, customers)
    pd.testing.assert_frame_equal(kept, whole, check_dtype=False, check_categorical=False)


def test_messages_of_every_block_agree_with_its_consents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 250)
    customers = customers_of(SHOP)
    sends = all_sends_of(SHOP, customers)
    consents = pd.concat(all_consents_of(SHOP, customers))
    assert sends["day"].is_monotonic_increasing
    # Blocks of 250, 250 and 100 customers, each with a third of its days or more written to.
    assert (np.bincount(sends["customer"] // 250) > 100).all()
    assert (sends["day"].to_numpy() > customers["signed_up_day"].to_numpy()[sends["customer"]]).all()
    assert set(consents["customer_id"]) == set(customers["customer_id"])
    advertising = consents[consents["purpose"] == "advertising"].sort_values("recorded_at")
    sent = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy()[sends["customer"]],
            "sent_at": SHOP.moments(sends["day"], sends["second"]),
        }
    )
    latest = pd.merge_asof(
        sent.sort_values("sent_at"), advertising, left_on="sent_at", right_on="recorded_at", by="customer_id"
    )
    assert latest["is_granted"].astype(bool).all()
    # Blocks must differ: not every customer answers like the customer at the same place of the block before.
    answered = advertising.drop_duplicates("customer_id").set_index("customer_id")["is_granted"]
    of_all = answered.reindex(customers["customer_id"]).to_numpy(dtype=np.bool_)
    assert (of_all[:250] != of_all[250:500]).any()
