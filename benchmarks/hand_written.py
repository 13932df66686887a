"""The rivals of `benchmarks/bench_features.py`: the same features, written by hand for one cut-off.

Each is what a good engineer would write with that library alone: lines to orders first, then one
pass a customer. They take the demo's simplicity for granted: one moment an order, nothing returned.
"""

from __future__ import annotations

import datetime as dt

WINDOWS = (7, 30, 90, 180, 365)
PARTS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}


def with_duckdb(path: str, as_of: dt.datetime, categories: list[str], threads: int):
    """SQL over orders."""
    import duckdb

    con = duckdb.connect(config={"threads": threads})
    con.execute("SET TimeZone = 'UTC'")
    cut = f"TIMESTAMP '{as_of}'"
    windows = ", ".join(
        f"count(*) FILTER (age <= {d}) AS orders_{d}d, "
        f"coalesce(sum(amount) FILTER (age <= {d}), 0) AS spend_{d}d, "
        f"coalesce(sum(units) FILTER (age <= {d}), 0) AS units_{d}d, "
        f"coalesce(sum(discount) FILTER (age <= {d}), 0) AS discount_{d}d"
        for d in WINDOWS
    )
    decays = ", ".join(
        f"sum(exp(-age / {d})) AS orders_decayed_{d}d, "
        f"sum(amount * exp(-age / {d})) AS spend_decayed_{d}d"
        for d in (14, 45)
    )
    parts = ", ".join(
        f"avg((hour(clock) >= {a} AND hour(clock) < {b})::DOUBLE) AS {name}_share"
        for name, (a, b) in PARTS.items()
    )
    shares = ", ".join(
        f"coalesce(sum(paid) FILTER (category = '{c}'), 0) / nullif(sum(paid), 0) "
        f"AS category_share_{i}"
        for i, c in enumerate(categories)
    )
    return con.execute(f"""
        WITH orders AS (
            SELECT customer_id, order_id, min(moment) AS moment, min("local") AS clock,
                sum(amount) AS amount, sum(greatest(amount, 0)) AS paid,
                sum(greatest(-amount, 0)) AS returned, count(*) AS lines,
                sum(quantity) AS units, sum(discount) AS discount
            FROM read_parquet('{path}') WHERE moment < {cut} GROUP BY ALL
        ), gaps AS (
            SELECT *, (epoch({cut}) - epoch(moment)) / 86400 AS age,
                (epoch(moment) - epoch(lag(moment) OVER w)) / 86400 AS gap,
                row_number() OVER w AS number,
                clock::DATE IS DISTINCT FROM (lag(clock) OVER w)::DATE AS new_day
            FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY moment, order_id)
        ), customers AS (
            SELECT customer_id, min(age) AS recency_days, max(age) AS T_days, count(*) AS orders,
                count(DISTINCT clock::DATE) - 1 AS frequency, sum(amount) AS spend,
                avg(amount) FILTER (number > 1) AS monetary_repeat, avg(amount) AS basket_value,
                stddev_pop(amount) AS basket_value_sd, avg(lines) AS basket_lines,
                {windows}, {decays},
                count(DISTINCT floor(age / 7)) FILTER (age < 84) AS active_weeks_12,
                avg(gap) AS gap_mean, stddev_pop(gap) AS gap_sd, max(gap) AS gap_max,
                arg_max(gap, number) FILTER (new_day) AS gap_last,
                arg_max(gap, number) FILTER (new_day)
                    / greatest(avg(gap), 1) AS gap_last_over_mean,
                min(age) / CASE WHEN avg(gap) < 1 THEN 1 ELSE avg(gap) END AS recency_over_gap,
                count(*) FILTER (returned > 0) AS returns,
                sum(returned) / nullif(sum(paid), 0) AS return_share, avg(units) AS basket_units,
                sum(discount) / nullif(sum(paid) + sum(discount), 0) AS discount_share,
                sum(discount) FILTER (age <= 90)
                    / nullif(sum(paid + discount) FILTER (age <= 90), 0) AS discount_share_90d,
                avg((isodow(clock) >= 6)::DOUBLE) AS weekend_share, {parts}
            FROM gaps GROUP BY ALL
        ), mix AS (
            SELECT customer_id, category, sum(amount) AS paid, min(moment) AS first,
                max(moment) AS last
            FROM read_parquet('{path}') WHERE moment < {cut} AND amount >= 0 GROUP BY ALL
        ), mixes AS (
            SELECT customer_id, count(category) AS categories,
                count(category) FILTER (last >= {cut} - INTERVAL 90 DAY) AS categories_90d,
                count(category) FILTER (first >= {cut} - INTERVAL 90 DAY) AS categories_new_90d,
                {shares}
            FROM mix GROUP BY ALL
        )
        SELECT *, (orders_30d + 1) / (orders_90d / 3 + 1) AS orders_trend,
            (spend_30d + greatest(basket_value, 1e-9))
                / (spend_90d / 3 + greatest(basket_value, 1e-9)) AS spend_trend
        FROM customers LEFT JOIN mixes USING (customer_id)
    """).df()


def with_polars(path: str, as_of: dt.datetime, categories: list[str], threads: int):
    """Lazy frames, collected by the streaming engine."""
    import polars as pl

    lines = pl.scan_parquet(path).filter(pl.col("moment") < as_of)
    amount = pl.col("amount")
    days = 86_400_000_000
    orders = (
        lines.group_by("customer_id", "order_id")
        .agg(
            pl.col("moment").min(), pl.col("local").min(), amount.sum(),
            amount.clip(0).sum().alias("paid"), (-amount).clip(0).sum().alias("returned"),
            pl.len().alias("lines"), pl.col("quantity").sum().alias("units"),
            pl.col("discount").sum(),
        )
        .sort("customer_id", "moment", "order_id")
        .with_columns(
            ((as_of - pl.col("moment")).dt.total_microseconds() / days).alias("age"),
            (pl.col("moment").diff().over("customer_id").dt.total_microseconds() / days)
            .alias("gap"),
            pl.col("local").dt.date().ne_missing(
                pl.col("local").dt.date().shift().over("customer_id")
            ).alias("new_day"),
        )
    )  # fmt: skip
    age, clock = pl.col("age"), pl.col("local")
    of = [
        age.min().alias("recency_days"), age.max().alias("T_days"), pl.len().alias("orders"),
        (clock.dt.date().n_unique() - 1).alias("frequency"), amount.sum().alias("spend"),
        amount.slice(1).mean().alias("monetary_repeat"), amount.mean().alias("basket_value"),
        amount.std(ddof=0).alias("basket_value_sd"), pl.col("lines").mean().alias("basket_lines"),
        pl.col("gap").mean().alias("gap_mean"),
        pl.when(pl.col("gap").count() > 0).then(pl.col("gap").std(ddof=0).fill_null(0.0))
        .alias("gap_sd"),
        pl.col("gap").max().alias("gap_max"),
        pl.col("gap").filter(pl.col("new_day")).last().alias("gap_last"),
        (age.filter(age < 84) / 7).floor().n_unique().alias("active_weeks_12"),
        (pl.col("returned") > 0).sum().alias("returns"),
        (pl.col("returned").sum() / pl.col("paid").sum()).alias("return_share"),
        pl.col("units").mean().alias("basket_units"),
        (pl.col("discount").sum() / (pl.col("paid") + pl.col("discount")).sum())
        .alias("discount_share"),
        (pl.col("discount").filter(age <= 90).sum()
         / (pl.col("paid") + pl.col("discount")).filter(age <= 90).sum())
        .alias("discount_share_90d"),
        (clock.dt.weekday() >= 6).mean().alias("weekend_share"),
    ]  # fmt: skip
    for d in WINDOWS:
        of += [
            (age <= d).sum().alias(f"orders_{d}d"),
            amount.filter(age <= d).sum().alias(f"spend_{d}d"),
            pl.col("units").filter(age <= d).sum().alias(f"units_{d}d"),
            pl.col("discount").filter(age <= d).sum().alias(f"discount_{d}d"),
        ]
    for d in (14, 45):
        of += [
            (-age / d).exp().sum().alias(f"orders_decayed_{d}d"),
            (amount * (-age / d).exp()).sum().alias(f"spend_decayed_{d}d"),
        ]
    for name, (a, b) in PARTS.items():
        of.append(clock.dt.hour().is_between(a, b - 1).mean().alias(f"{name}_share"))
    mix = lines.filter(amount >= 0).group_by("customer_id", "category").agg(
        amount.sum().alias("paid"), pl.col("moment").min().alias("first"),
        pl.col("moment").max().alias("last"),
    )  # fmt: skip
    known, quarter = pl.col("category").is_not_null(), as_of - dt.timedelta(days=90)
    mixes = mix.group_by("customer_id").agg(
        known.sum().alias("categories"),
        (known & (pl.col("last") >= quarter)).sum().alias("categories_90d"),
        (known & (pl.col("first") >= quarter)).sum().alias("categories_new_90d"),
        *(
            (pl.col("paid").filter(pl.col("category") == c).sum() / pl.col("paid").sum())
            .alias(f"category_share_{i}")
            for i, c in enumerate(categories)
        ),
    )  # fmt: skip
    basket = pl.col("basket_value").clip(1e-9)
    made = (
        orders.group_by("customer_id").agg(of)
        .join(mixes, on="customer_id", how="left")
        .with_columns(
            (pl.col("gap_last") / pl.col("gap_mean").clip(1)).alias("gap_last_over_mean"),
            (pl.col("recency_days") / pl.col("gap_mean").clip(1)).alias("recency_over_gap"),
            ((pl.col("orders_30d") + 1) / (pl.col("orders_90d") / 3 + 1)).alias("orders_trend"),
            ((pl.col("spend_30d") + basket) / (pl.col("spend_90d") / 3 + basket))
            .alias("spend_trend"),
        )
    )  # fmt: skip
    return made.collect(engine="streaming").to_pandas()


def with_pandas(path: str, as_of: dt.datetime, categories: list[str], threads: int):
    """Frames in memory."""
    import numpy as np
    import pandas as pd

    columns = ["customer_id", "order_id", "moment", "local", "amount", "category", "quantity",
               "discount"]  # fmt: skip
    lines = pd.read_parquet(path, columns=columns)
    lines = lines[lines.moment < as_of]
    lines["paid"], lines["returned"] = lines.amount.clip(lower=0), (-lines.amount).clip(lower=0)
    orders = lines.groupby(["customer_id", "order_id"], sort=False, as_index=False).agg(
        moment=("moment", "min"), local=("local", "min"), amount=("amount", "sum"),
        paid=("paid", "sum"), returned=("returned", "sum"), lines=("amount", "size"),
        units=("quantity", "sum"), discount=("discount", "sum"),
    )  # fmt: skip
    orders = orders.sort_values(["customer_id", "moment", "order_id"])
    day = pd.Timedelta(days=1)
    orders["age"] = (as_of - orders.moment) / day
    orders["gap"] = orders.groupby("customer_id").moment.diff() / day
    orders["again"] = orders.amount.where(orders.gap.notna())
    orders["day"] = orders.local.dt.floor("D")
    orders["week"] = np.floor(orders.age / 7).where(orders.age < 84)
    orders["gone"] = orders.returned > 0
    orders["weekend"] = orders.local.dt.day_of_week >= 5
    hour = orders.local.dt.hour
    for name, (a, b) in PARTS.items():
        orders[name] = (hour >= a) & (hour < b)
    for d in WINDOWS:
        recent = orders.age <= d
        orders[f"orders_{d}d"] = recent
        for column, of in (("amount", "spend"), ("units", "units"), ("discount", "discount")):
            orders[f"{of}_{d}d"] = orders[column].where(recent, 0.0)
    for d in (14, 45):
        orders[f"orders_decayed_{d}d"] = np.exp(-orders.age / d)
        orders[f"spend_decayed_{d}d"] = orders.amount * orders[f"orders_decayed_{d}d"]
    recent = orders.age <= 90
    orders["all_paid"] = orders.paid + orders.discount
    orders["paid_90d"] = orders.all_paid.where(recent, 0.0)
    by = orders.groupby("customer_id")
    of = {
        "recency_days": ("age", "min"), "T_days": ("age", "max"), "orders": ("age", "size"),
        "frequency": ("day", "nunique"), "spend": ("amount", "sum"),
        "monetary_repeat": ("again", "mean"), "basket_value": ("amount", "mean"),
        "basket_lines": ("lines", "mean"), "active_weeks_12": ("week", "nunique"),
        "gap_mean": ("gap", "mean"), "gap_max": ("gap", "max"), "returns": ("gone", "sum"),
        "basket_units": ("units", "mean"), "weekend_share": ("weekend", "mean"),
        "returned": ("returned", "sum"), "paid": ("paid", "sum"), "all_paid": ("all_paid", "sum"),
        "discount": ("discount", "sum"), "paid_90d": ("paid_90d", "sum"),
    }  # fmt: skip
    of |= {f"{name}_share": (name, "mean") for name in PARTS}
    for d in WINDOWS:
        of |= {f"{w}_{d}d": (f"{w}_{d}d", "sum") for w in ("orders", "spend", "units", "discount")}
    for d in (14, 45):
        of |= {f"{w}_decayed_{d}d": (f"{w}_decayed_{d}d", "sum") for w in ("orders", "spend")}
    made = by.agg(**of)
    made["frequency"] -= 1
    made["basket_value_sd"], made["gap_sd"] = by.amount.std(ddof=0), by.gap.std(ddof=0)
    again = orders[orders.gap.notna() & (orders.day != by.day.shift())]
    made["gap_last"] = again.groupby("customer_id").gap.last()
    made["return_share"] = made.returned / made.paid
    made["discount_share"] = made.discount / made.all_paid
    made["discount_share_90d"] = made.discount_90d / made.paid_90d
    made["gap_last_over_mean"] = made.gap_last / made.gap_mean.clip(lower=1)
    made["recency_over_gap"] = made.recency_days / made.gap_mean.clip(lower=1)
    made["orders_trend"] = (made.orders_30d + 1) / (made.orders_90d / 3 + 1)
    basket = made.basket_value.clip(lower=1e-9)
    made["spend_trend"] = (made.spend_30d + basket) / (made.spend_90d / 3 + basket)
    bought = lines[lines.amount >= 0]
    mix = bought.groupby(["customer_id", "category"], sort=False, as_index=False).agg(
        paid=("amount", "sum"), first=("moment", "min"), last=("moment", "max")
    )
    quarter = as_of - dt.timedelta(days=90)
    mix["recent"], mix["new"] = mix["last"] >= quarter, mix["first"] >= quarter
    mixes = mix.groupby("customer_id").agg(
        categories=("category", "size"), categories_90d=("recent", "sum"),
        categories_new_90d=("new", "sum"),
    )  # fmt: skip
    wide = mix.pivot(index="customer_id", columns="category", values="paid").fillna(0.0)
    for i, c in enumerate(categories):
        mixes[f"category_share_{i}"] = wide[c] / made.paid
    return made.join(mixes).reset_index()
