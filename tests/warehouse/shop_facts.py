"""Facts of the test shop besides its orders: visits, messages, reviews and the other raw tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

# Raw table -> its rows.
Facts = Mapping[str, pd.DataFrame]

VISIT = ("visitor_id", "device", "occurred_at", "event_type", "customer_id")
SEND = ("campaign_id", "customer_id", "arm", "sent_at", "opened_at", "clicked_at", "unsubscribed_at")
REVIEW = ("review_id", "customer_id", "written_at", "rating")
ANSWERS = ("opened_at", "clicked_at", "unsubscribed_at")
KINDS = ("page_view", "search", "product_view", "add_to_cart", "purchase")


def shop_facts(rng: np.random.Generator) -> Facts:
    """The handmade facts, whose features ``test_features_*.py`` work out by hand, and random ones."""
    parts = {
        "events": [rows(VISIT, handmade_visits()), random_visits(rng)],
        "sends": [rows(SEND, handmade_sends()), random_sends(rng)],
        "reviews": [rows(REVIEW, handmade_reviews()).assign(text="..."), random_reviews(rng)],
        **{table: [frame] for table, frame in the_rest().items()},
    }
    return {
        table: pd.concat(frames, ignore_index=True).assign(
            source=table, source_file=f"{table}.csv", source_line=lambda all_: range(1, len(all_) + 1)
        )
        for table, frames in parts.items()
    }


def known_by(facts: Facts, instant: datetime) -> Facts:
    """The part of ``facts`` known before ``instant``: without later rows, with later answers null."""
    events, sends, reviews = facts["events"], facts["sends"].copy(), facts["reviews"]
    for answer in ANSWERS:
        sends[answer] = sends[answer].where(sends[answer] < instant)
    return {
        **facts,
        "events": events[events["known_at"].fillna(events["occurred_at"]) < instant],
        "sends": sends[sends["sent_at"] < instant],
        "reviews": reviews[reviews["written_at"] < instant],
    }


def rows(names: Sequence[str], values: Sequence[Sequence[object]]) -> pd.DataFrame:
    """A frame whose columns named ``…_at`` are moments, missing ones included."""
    frame = pd.DataFrame(values, columns=list(names))
    moments = [name for name in names if name.endswith("_at")]
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in moments})


def handmade_visits() -> list[tuple[str, str, str, str, str | None]]:
    return [
        # Bob is the first customer whose visit is known: before that nobody is tracked.
        ("bob's laptop", "desktop", "2024-03-20 10:00", "page_view", "bob"),
        # Ann's phone is nobody's until she logs in on 2 April.
        ("ann's phone", "mobile", "2024-03-25 20:00", "product_view", None),
        ("ann's phone", "mobile", "2024-03-25 20:05", "product_view", None),
        ("ann's phone", "mobile", "2024-03-28 21:00", "search", None),
        ("ann's phone", "mobile", "2024-03-28 21:10", "add_to_cart", None),
        ("ann's phone", "mobile", "2024-03-28 21:45", "page_view", None),
        ("ann's phone", "mobile", "2024-04-02 09:00", "page_view", "ann"),
        # On her laptop she fills a cart on Sunday evening and pays after midnight.
        ("ann's laptop", "desktop", "2024-04-07 23:50", "add_to_cart", "ann"),
        ("ann's laptop", "desktop", "2024-04-08 00:05", "purchase", "ann"),
        # Bob does the same in the night of the cut between the earlier and the later world.
        ("bob's laptop", "desktop", "2024-04-28 23:50", "add_to_cart", "bob"),
        ("bob's laptop", "desktop", "2024-04-29 00:05", "purchase", "bob"),
    ]


def handmade_sends() -> list[tuple[str, str, str, str, str | None, str | None, str | None]]:
    return [
        ("spring", "ann", "treated", "2024-03-19 09:00", "2024-03-19 12:00", "2024-03-21 12:00", None),
        ("april", "ann", "treated", "2024-04-05 09:00", "2024-04-08 00:00", None, "2024-04-09 08:00"),
        ("spring", "bob", "control", "2024-03-19 09:00", None, None, None),
    ]


def handmade_reviews() -> list[tuple[str, str | None, str, float | None]]:
    return [
        ("good tea", "ann", "2024-03-19 18:00", 5),
        ("no stars", "ann", "2024-03-30 18:00", None),
        ("bad cup", "ann", "2024-04-08 00:00", 2),
        ("somebody", None, "2024-03-01 18:00", 4),
    ]


def the_rest() -> Facts:
    """A row or two for each table that no feature reads."""
    campaigns = [("spring", "Spring", "email", "2024-03-19")]
    spend = [("2024-03-19", "search", "brand", 1000, 20, 7.5), ("2024-03-19", "display", None, None, None, 2)]
    consents = [
        ("ann", "advertising", True, "2024-01-01"),
        ("ann", "advertising", False, "2024-04-01"),
        ("bob", "profiling", True, "2024-01-01"),
    ]
    leads = [("l1", "2024-03-01", "fair", "2024-03-09", 500), ("l2", "2024-03-02", "web", None, None)]
    return {
        "campaigns": rows(("campaign_id", "title", "channel", "started_at"), campaigns),
        "ad_spend": rows(("date", "channel", "campaign_id", "impressions", "clicks", "cost_amount"), spend),
        "consents": rows(("customer_id", "purpose", "is_granted", "recorded_at"), consents),
        "leads": rows(("lead_id", "created_at", "origin", "won_at", "won_amount"), leads),
    }


def random_visits(rng: np.random.Generator, *, visits: int = 400) -> pd.DataFrame:
    """Sixty devices, some shared by two people; one event in eight names its customer, one in ten is late."""
    values = []
    for _ in range(visits):
        device = int(rng.integers(0, 60))
        # One visit in ten begins just before midnight from Sunday to Monday.
        minute = int(rng.integers(0, 68 * 24 * 60)) if rng.random() < 0.9 else _sunday_night(rng)
        at = datetime.fromisoformat("2024-03-20 11:00") + timedelta(minutes=minute)
        for _ in range(int(rng.integers(1, 6))):
            owner = f"r{(device + (17 if device < 15 and rng.random() < 0.3 else 0)) % 40}"
            late = timedelta(days=float(rng.uniform(0, 20))) if rng.random() < 0.1 else timedelta()
            kind = str(rng.choice(KINDS, p=[0.4, 0.1, 0.3, 0.12, 0.08]))
            named = owner if rng.random() < 0.125 else None
            form = ("desktop", "mobile")[device % 2]
            values.append((f"device {device}", form, at, kind, named, at + late))
            at += timedelta(minutes=float(rng.exponential(12)))
    return rows((*VISIT, "known_at"), values)


def _sunday_night(rng: np.random.Generator) -> int:
    """Minutes from Wednesday 2024-03-20 11:00 to a Sunday, 23:50."""
    return int(4 * 24 * 60 + 12 * 60 + 50 + 7 * 24 * 60 * rng.integers(0, 8))


def random_sends(rng: np.random.Generator, *, campaigns: int = 10) -> pd.DataFrame:
    """Half of forty customers get each weekly message; half of these open it, some weeks later."""
    values = []
    for week in range(campaigns):
        sent_at = datetime.fromisoformat("2024-03-21 09:00") + timedelta(weeks=week)
        for customer in np.flatnonzero(rng.random(40) < 0.5):
            opened = sent_at + timedelta(days=float(rng.exponential(5)))
            clicked = opened + timedelta(days=float(rng.exponential(2)))
            answers = (opened, clicked, clicked)[: int(rng.choice(4, p=[0.5, 0.2, 0.15, 0.15]))]
            nothing = (None,) * (3 - len(answers))
            arm = "control" if rng.random() < 0.1 else "treated"
            values.append((f"week {week}", f"r{customer}", arm, sent_at, *answers, *nothing))
    return rows(SEND, values)


def random_reviews(rng: np.random.Generator, *, reviews: int = 90) -> pd.DataFrame:
    values = [
        (
            f"review {number}",
            f"r{rng.integers(0, 40)}" if rng.random() < 0.8 else None,
            datetime.fromisoformat("2024-03-20") + timedelta(days=float(rng.uniform(0, 66))),
            float(rng.integers(1, 6)) if rng.random() < 0.8 else None,
        )
        for number in range(reviews)
    ]
    return rows(REVIEW, values).assign(text="...")
