from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FIRST_DAY = pd.Timestamp("2021-09-01")


def orders(peak: float, days: int = 850) -> pd.DataFrame:
    """Orders of 600 customers, who buy `peak` times as often in November and December."""
    rng = np.random.default_rng(8)
    calendar = pd.date_range(FIRST_DAY, periods=days)
    strength = np.where(calendar.month.isin([11, 12]), peak, 1.0)
    rows = []
    for customer in range(600):
        born = rng.uniform(0, 500)
        last = min(days, born + rng.exponential(900))
        rate, level = 1 / rng.gamma(3, 8), rng.lognormal(3.3, 0.6)
        lived = np.arange(int(born) + 1, int(last))
        came = lived[rng.random(len(lived)) < -np.expm1(-rate * strength[lived])]
        for day in (int(born), *came):
            rows.append((f"C{customer}", calendar[day], round(level * rng.lognormal(0, 0.4), 2)))
    return pd.DataFrame(rows, columns=["who", "when", "paid"])


@pytest.fixture
def shop(tmp_path: Path, experiment_text: Callable[..., str]) -> Callable[[float], Path]:
    """The experiment file of such a shop, with a horizon of 60 days."""

    def made(peak: float) -> Path:
        orders(peak).to_csv(tmp_path / "orders.csv", index=False)
        text = experiment_text(name="seasonal", horizon_days=60)
        (tmp_path / "shop.toml").write_text(text + "[model]\nsegments = 3\nseeds = 1\n")
        return tmp_path / "shop.toml"

    return made
