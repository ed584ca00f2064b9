"""Who said no has no features; who is held out is told by a hash that anybody can compute."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from dbt.contracts.graph.manifest import Manifest

from tests.warehouse.conftest import World, create, random_shop, told_shop
from tests.warehouse.shop_facts import Facts

SALT, SHARE = "holdout--2026-01", 0.05
OTHER = {"records_consent": "yes", "holdout_share": "0.3", "holdout_salt": "another-salt"}
FEATURES = ("orders", "purchase_history", "browsing", "campaigns", "reviews", "behaviour", "rfm")


def held_out(customers: Sequence[str], *, share: float, salt: str) -> set[str]:
    """The lower half of the MD5 of salt, colon and id, modulo a million, below the share."""
    lower = {each: hashlib.md5(f"{salt}:{each}".encode()).digest()[8:] for each in customers}  # noqa: S324
    return {each for each, half in lower.items() if int.from_bytes(half, "little") % 10**6 < share * 10**6}


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, facts: Facts, manifest: Manifest) -> World:
    """The tiny shop where consent is recorded: Bob alone has allowed profiling."""
    lines = told_shop() + random_shop(np.random.default_rng(20240506))
    world = create(tmp_path_factory.mktemp("refusing") / "shop", lines, facts)
    world.dbt(
        "run", "--select", "+path:models/features", "pit_customer__eligibility",
        manifest=manifest, as_of_from="2024-05-13", asked=OTHER,
    )  # fmt: skip
    return world


@pytest.mark.parametrize("theme", FEATURES)
def test_only_who_allowed_profiling_has_features(refusing: World, theme: str) -> None:
    found = refusing.read(f"select distinct customer_id from features.feat_customer__{theme}")
    assert set(found["customer_id"]) == {"bob"}


def test_the_others_are_known_with_the_reason(refusing: World) -> None:
    rows = refusing.read("select * from point_in_time.pit_customer__eligibility").set_index("customer_id")
    assert rows.groupby("as_of_date").size().nunique() == 1
    assert set(rows.drop("bob")["ineligible_reason"]) == {"no_consent"}
    assert rows.loc["bob", "ineligible_reason"].isna().all()
    assert rows.loc["bob", "consent_profiling"].all()
    # Ann withdrew what she had allowed on 1 April; nobody else was asked about advertising.
    assert (rows.loc["ann", "consent_ads"] == np.False_).all()
    assert rows.drop("ann")["consent_ads"].isna().all()


def test_the_holdout_is_what_anybody_can_compute_and_another_salt_draws_others(
    shop: Any, refusing: World
) -> None:
    for world, share, salt in ((shop, SHARE, SALT), (refusing, 0.3, "another-salt")):
        rows = world.read("select distinct customer_id, is_holdout from point_in_time.pit_customer__cohort")
        assert rows["customer_id"].is_unique, "the same on every day"
        held = set(rows.loc[rows["is_holdout"], "customer_id"])
        assert held == held_out(list(rows["customer_id"]), share=share, salt=salt)
        assert held != held_out(list(rows["customer_id"]), share=share, salt="a third one")


def test_the_share_lies_within_what_chance_allows() -> None:
    customers = [f"c{number}" for number in range(20_000)]
    held = held_out(customers, share=SHARE, salt=SALT)
    # Standard error sqrt(0.05 x 0.95 / 20000) = 0.0015; three of them.
    assert len(held) / len(customers) == pytest.approx(SHARE, abs=0.0046)
    others = held_out(customers, share=SHARE, salt="another-salt")
    # By chance a twentieth of a twentieth is drawn by both: 50, give or take 7.
    assert len(held & others) == pytest.approx(50, abs=21)
