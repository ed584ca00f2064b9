"""Faults and changes that can be injected into the sample shop from a given date on."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFaults:
    """First day of each fault or change, or None for never.

    Files of earlier months stay byte-identical to those of the shop without it, except files that hold
    the whole period (customers.csv, reviews.jsonl, ...), and events of people who browse before they sign
    up after a covariate drift.

    Attributes:
        covariate_drift_from: New sign-ups have another mix of segments and countries; the behaviour of
            each segment stays.
        label_drift_from: Two segments change their order rate, and the true parameters with it.
        broken_tracking_from: Seven days without events (no file at all).
        price_unit_change_from: Prices of order lines are exported in pence: 100 times as large.
        late_batch_from: Seven days of orders are missing from their month's file and exported ten days
            after the last of them, in ``orders_<month>_late.csv.gz``.
        bot_burst_from: One day with 50 times its events, from a few visitor ids.
        poisoned_labels_from: For thirty days, 5 % of the customers get a small order that they did not
            place; the true parameters ignore it.
    """

    covariate_drift_from: date | None = None
    label_drift_from: date | None = None
    broken_tracking_from: date | None = None
    price_unit_change_from: date | None = None
    late_batch_from: date | None = None
    bot_burst_from: date | None = None
    poisoned_labels_from: date | None = None


NO_FAULTS = InjectedFaults()
