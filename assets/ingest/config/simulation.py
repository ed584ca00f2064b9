"""The ``simulation`` and ``holdout`` keys of a business's YAML."""

from datetime import date

from pydantic import Field, model_validator

from assets.ingest.config.source.pull import Declaration

MONDAY = 0


class FaultInjection(Declaration):
    """First day of each injected change or fault, ``None`` for never; see the sample shop."""

    covariate_drift_from: date | None = None
    label_drift_from: date | None = None
    broken_tracking_from: date | None = None
    price_unit_change_from: date | None = None
    late_batch_from: date | None = None
    bot_burst_from: date | None = None
    poisoned_labels_from: date | None = None


class Simulation(Declaration):
    """Size and period of the simulated sample shop; both days are included."""

    customers: int = Field(gt=0)
    first_day: date
    last_day: date
    seed: int = 0
    injected_faults: FaultInjection = FaultInjection()

    @model_validator(mode="after")
    def _days_in_order(self) -> "Simulation":
        if self.first_day.weekday() != MONDAY:
            raise ValueError(f"first_day {self.first_day} is not a Monday: the shop is simulated by weeks")
        if self.last_day <= self.first_day:
            raise ValueError(f"last_day {self.last_day} is not after first_day {self.first_day}")
        early = [name for name, day in self.injected_faults if day is not None and day < self.first_day]
        if early:
            raise ValueError(f"injected_faults.{early[0]} lies before first_day {self.first_day}")
        return self


class Holdout(Declaration):
    """Customers excluded from every audience, to measure effects: ``share`` of all, drawn by ``salt``.

    Another salt draws other customers and ends every comparison with the previous holdout.
    """

    share: float = Field(default=0.05, ge=0, le=0.5)
    # The salt becomes part of SQL and of an environment variable.
    salt: str = Field(default="holdout--2026-01", pattern=r"^[A-Za-z0-9_.-]{8,64}$")
