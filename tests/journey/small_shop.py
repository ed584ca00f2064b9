"""A small shop of CSV files, on which the main job takes half of the time of the tiny sample shop."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import yaml

from tests.journey.world import Place

FIRST, LAST = date(2024, 1, 1), date(2024, 9, 15)
CUSTOMERS = 90
YAML = """
title: A shop with consents
clock: data
currency: EUR
time_zone: Europe/Berlin
first_as_of_day: 2024-04-01
last_day: 2024-09-15
sources:
  - name: lines
    table: order_lines
    files: "{folder}/lines.csv"
    columns:
      {{order_id: order_no, customer_id: customer, ordered_at: placed_at, product_id: sku, quantity: qty,
       unit_price: price}}
  - name: answers
    table: consents
    files: "{folder}/answers_*.csv"
    columns: {{customer_id: customer, purpose: purpose, is_granted: status = 'yes', recorded_at: answered_on}}
"""


def deliver_orders(folder: Path, *, are_guests: bool = False) -> None:
    """Orders of ``CUSTOMERS`` customers, each with a rate of their own."""
    rng = np.random.default_rng(5)
    lines = ["order_no,customer,placed_at,sku,qty,price"]
    for number in range(CUSTOMERS):
        day = FIRST + timedelta(days=int(rng.integers(0, 60)))
        pause = 8 + 40 * rng.random()
        while day < LAST:
            customer = "" if are_guests else f"C{number:03}"
            lines.append(
                f"O{len(lines):05},{customer},{day} 12:00,sku{len(lines) % 7},1,{10 + number % 9}.50"
            )
            day += timedelta(days=1 + int(rng.exponential(pause)))
    # The newest fact is of the last day, so that the next Monday is an as-of date.
    lines.append(f"O{len(lines):05},{'' if are_guests else 'C000'},{LAST} 12:00,sku1,1,12.50")
    folder.mkdir()
    (folder / "lines.csv").write_text("\n".join(lines) + "\n")


def answer(folder: Path, name: str, *, status: str, on: date, purposes: tuple[str, ...]) -> None:
    """One answer of every customer to each of ``purposes``."""
    rows = [f"C{number:03},{purpose},{status},{on}" for number in range(CUSTOMERS) for purpose in purposes]
    (folder / f"answers_{name}.csv").write_text(
        "\n".join(["customer,purpose,status,answered_on", *rows]) + "\n"
    )


def shop(folder: Path, name: str = "consented", **more: object) -> Place:
    """The place of a business ``name`` whose exports lie in ``folder``, with ``more`` keys in its YAML."""
    file = folder.parent / f"{name}.yaml"
    file.write_text(YAML.format(folder=folder) + (yaml.safe_dump(more) if more else ""))
    return Place(var_dir=folder.parent / "var", business=str(file), size="")
