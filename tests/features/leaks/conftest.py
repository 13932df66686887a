"""A day of the future, let into one question that a lens asks."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import ibis
import pytest


def one_day_late(real: Callable[..., Any]) -> Callable[..., Any]:
    """`features.asof`'s function with a spine a day ahead: a day of the future comes in."""

    def leaky(table: Any, spine: Any) -> Any:
        ahead = spine.mutate(as_of=spine.as_of + ibis.interval(days=1))
        seen = real(table, ahead)
        back = {"as_of": seen.as_of - ibis.interval(days=1)}
        return seen.mutate(
            **back, **({"age_days": seen.age_days - 1.0} if "age_days" in seen else {})
        )

    return leaky


@pytest.fixture(scope="session")
def inject() -> Callable[[pytest.MonkeyPatch, ModuleType, int], None]:
    """Lets a lens's `use`-th question to `features.asof` (from 0) see a day of the future."""

    def injected(monkeypatch: pytest.MonkeyPatch, module: ModuleType, use: int) -> None:
        asked = []
        for function in ("known", "known_or_undated"):
            real = getattr(module, function, None)
            if real is not None:

                def sometimes(table: Any, spine: Any, real: Any = real) -> Any:
                    asked.append(real)
                    return (one_day_late(real) if len(asked) == use + 1 else real)(table, spine)

                monkeypatch.setattr(module, function, sometimes)

    return injected
