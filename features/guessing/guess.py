"""A first experiment file for a file that nobody has described yet.

`guess` looks at names and values; what neither tells is asked through `ask`, or left at its
default with a note. `guessing.template` writes the result as a commented TOML file.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from features.errors import SourceError
from features.guessing import doubts, horizon, optional, unit_price
from features.guessing.draft import Ask, Guess, Question, Role, named
from features.guessing.hints import ROLES, currency_in, score
from features.guessing.profile import Profile
from features.ingestion.encoding import ASSUMED, NAMES, known
from features.ingestion.joining import UNNEST, in_words, is_nested
from features.settings.experiment import MOST_REJECTS, Format

#: What the values of a role are not, where they cannot be used, and what they should be.
_PLAIN = {
    "moment": ("a moment", "write all moments in one format, such as 2024-12-31"),
    "amount": ("a number", "write all of them in one way, without a currency sign, such as 10.50"),
}
_MONTH_FIRST = {"%d/%m": "%m/%d", "%d-%m": "%m-%d"}


def guess(path: Path, ask: Ask | None = None, encoding: str | None = None) -> Guess:
    """Describe one file of orders. Without `ask`, every question takes its default.

    `encoding` is that of a CSV file; None: found out, or asked for.

    Raises SourceError where the file does not tell its currency and nobody does, for a file that
    cannot be read or is empty, and where no column can be the customer, the moment or the amount.
    """
    path = Path(path).absolute()
    return _Guesser(path, ask or (lambda question: question.default), encoding).guess()


class _Guesser:
    def __init__(self, path: Path, ask: Ask, encoding: str | None) -> None:
        self.path = path
        self.ask = ask
        self.notes: list[str] = []
        self.encoding = encoding
        self.profile = Profile(path, encoding)
        if self.profile.relation.assumed is not None:
            self.encoding = self._encoding(self.profile.relation.assumed)
            self.profile = Profile(path, self.encoding)
        every = self.profile.types.items()
        plain = {column: dtype for column, dtype in every if not is_nested(dtype)}
        self.types = {
            column: dtype for column, dtype in plain.items() if self.profile.known(column)
        }
        self.nested = {column: in_words(dtype) for column, dtype in every if is_nested(dtype)}

    def guess(self) -> Guess:
        formats = {c: found for c in self.types if (found := self.profile.formats(c)) is not None}
        moment_column = self._choose("moment", list(formats))
        self._refuse_headless(moment_column.column)
        taken = {moment_column.column}
        decimals = {c: d for c in self.types if (d := self.profile.decimals(c))}
        amount = self._choose("amount", self._amounts(decimals, formats, taken), formats)
        taken.add(amount.column)
        customer = self._choose("customer_id", self._customers(formats, decimals, taken))
        taken.add(customer.column)
        roles = {"customer_id": customer, "moment": moment_column, "amount": amount}
        form = Format(
            decimal=self._decimal(amount.column, decimals),
            moment_format=self._moment_format(moment_column.column, formats[moment_column.column]),
            delimiter=self.profile.delimiter,
            encoding=self.encoding,
        )
        free = {c: decimals.get(c, ()) for c in self.types if c not in formats}
        rates = optional.rates(self.profile, free, amount.column, form)
        self.notes += rates.values()
        roles |= optional.roles(self.profile, free, roles, rates, form)
        currency, currencies = self._currency(roles)
        roles, told = unit_price.settled(self.profile, roles, form)
        self.notes += told + doubts.of_rows(self.profile, self.types, roles, form)
        pieces = roles["quantity"].column if "unit_price" in roles else None
        rows, nameless, customers, span, gap = self.profile.facts(
            customer.column, moment_column.column, amount.column, pieces, form
        )
        if nameless > MOST_REJECTS * rows:
            self.notes.append(
                f"{customer.column!r} names nobody in {nameless:,} of {rows:,} rows, which stops a "
                "run. Name them in the export, or, where they are guests, remove the # from both "
                "lines of [orders.leave_out]: they tell nothing of any customer."
            )
        days = horizon.suggest(span)
        self.notes += horizon.doubts(days, span, gap)
        days = horizon.read(self._ask("horizon_days", horizon.question(span), (), str(days)))
        used = {role.column for role in roles.values()}
        return Guess(
            path=self.path,
            name=named(self.path),
            roles=roles,
            form=form,
            currency=currency,
            currencies=currencies,
            horizon_days=days,
            rows=rows,
            nameless=nameless,
            customers=customers,
            span_days=span,
            median_gap_days=gap,
            unused=tuple(column for column in self.profile.types if column not in used),
            notes=tuple(self.notes),
        )

    # ------------------------------------------------------------------ which column it is

    def _amounts(
        self,
        decimals: Mapping[str, tuple[str, ...]],
        formats: Mapping[str, object],
        taken: set[str],
    ) -> list[str]:
        free = [c for c in decimals if c not in taken and c not in formats]
        named = [c for c in free if score("amount", c) > 0]
        if named:
            return named
        failing = [c for c in self.types if c not in decimals and c not in formats]
        if any(score("amount", c) > 0 and self.profile.has_digits(c) for c in failing):
            return []  # it is named, and why it cannot be read is told
        nameless = [c for c in free if not any(score(role, c) > 0 for role in ROLES)]
        return [c for c in nameless if self.profile.fractions(c, decimals[c][0])] or nameless

    def _customers(
        self,
        formats: Mapping[str, object],
        decimals: Mapping[str, tuple[str, ...]],
        taken: set[str],
    ) -> list[str]:
        free = [c for c in self.types if c not in taken and c not in formats]
        free = [c for c in free if self.profile.known(c) > 2] or free  # no switch is a customer
        whole = [
            c for c in free if c not in decimals or not self.profile.fractions(c, decimals[c][0])
        ]
        named = [c for c in whole if score("customer_id", c) > 0]
        if named:
            return named
        nameless = [c for c in whole if not any(score(role, c) > 0 for role in ROLES)]
        return nameless or whole

    def _choose(self, role: str, candidates: list[str], others: Collection[str] = ()) -> Role:
        """The best candidate by name; asked where two are equally good or no name tells.

        `others` are columns of which it is known that they hold something else.
        """
        if not candidates:
            raise self._none(role, [c for c in self.profile.types if c not in others])
        ranked = sorted(candidates, key=lambda column: -score(role, column))
        best = score(role, ranked[0])
        equal = [column for column in ranked if best - score(role, column) < 0.05]
        if len(equal) == 1:
            sure = min(best, 1.0) if best else 0.6
            return Role(equal[0], 0.5 if role == "amount" and self._counts(ranked) else sure)
        label = {"moment": "the moment of the order", "amount": "the amount that was paid"}
        question = f"Which column holds {label.get(role, 'the customer')}?"
        return Role(self._ask(role, question, tuple(equal), equal[0]), 0.5)

    def _counts(self, ranked: list[str]) -> bool:
        """Whether the best-named column of amounts holds whole numbers, and another does not."""
        best, *others = ranked
        return not self.profile.fractions(best, ".") and any(
            self.profile.fractions(other, ".") for other in others
        )

    def _none(self, role: str, free: list[str]) -> SourceError:
        """The error where no column can have a role: what speaks against the best-named one."""
        what = {"moment": "a moment", "amount": "an amount"}.get(role, "a customer")
        rule = f"One column must hold {what}."
        best = max(free, key=lambda column: score(role, column), default=None)
        if best is not None and score(role, best) > 0:
            if best in self.nested:
                return SourceError(rule, f"{best} is {_clipped(self.nested[best])}", UNNEST)
            if role in _PLAIN:
                value = self.profile.failing(role, best)
                if value is None:
                    return SourceError(rule, f"{best}: no value at all", "fill it in the export")
                no, remedy = _PLAIN[role]
                return SourceError(rule, f"{best}: {value!r} is not {no}", remedy)
        told = ", ".join(
            f"{c}, which is {_clipped(self.nested[c])}" if c in self.nested else c
            for c in self.profile.types
        )
        remedy = "add it to the file, or write the experiment file by hand"
        return SourceError(rule, f"none among {told}", UNNEST if self.nested else remedy)

    def _refuse_headless(self, column: str) -> None:
        """Refuse a text file whose first line is a row: the name of a column is a moment of it."""
        if self.profile.delimiter is not None and self.profile.names_moment(column):
            raise SourceError(
                "The first line of a source names its columns.",
                f"{column!r} stands there for a column of moments, as a row of it would",
                "write a line with the columns' names above the rows, such as customer,date,amount",
            )

    # ------------------------------------------------------------------ what remains open

    def _encoding(self, word: str) -> str:
        name = self._ask(
            "encoding",
            f"{self.path.name} is not UTF-8. Read as Windows-1252 it says {word!r}; if that is "
            "wrong, in which encoding is it? (cp1250, iso-8859-2, ...)",
            (),
            ASSUMED,
        )
        if not known(name):
            raise SourceError("encoding must be the name of a text encoding.",
                              repr(name), f"answer for instance {NAMES}")  # fmt: skip
        return name

    def _decimal(self, amount: str, decimals: Mapping[str, tuple[str, ...]]) -> str | None:
        """The one mark of a file; asked where neither the amounts nor other numbers tell it."""
        text = {c: found for c, found in decimals.items() if self.types[c] == "VARCHAR"}
        told = {found[0] for found in text.values() if len(found) == 1}
        if len(decimals[amount]) == 1:
            return decimals[amount][0]
        if len(told) == 1:
            return told.pop()
        if amount not in text:
            return None
        if not self.profile.grouped(amount):
            return "."
        usual = "," if self.profile.delimiter == ";" else "."
        what = f"What is the decimal mark in {amount!r}?"
        decimal = self._ask("decimal", what, (".", ","), usual)
        self.notes.append(
            f"{amount!r} does not tell whether its decimal mark is . or ,: "
            f"{decimal!r} was taken (?)."
        )
        return decimal

    def _moment_format(self, column: str, good: list[str | None]) -> str | None:
        """The one format; asked where days and months cannot be told apart."""
        if len(good) == 1:
            return good[0]
        first = good[0]
        assert first is not None  # None is only ever alone
        for day_first, month_first in _MONTH_FIRST.items():
            other = first.replace(day_first, month_first)
            if other != first and other in good:
                example = self.profile.example(column, first)
                years = tuple(form for form in good if form and form.startswith("%y"))
                which = (
                    "day first, month first or year first" if years else "day first or month first"
                )
                answer = self._ask(
                    "moment_format",
                    f"Is {example!r} in {column!r} {which}?",
                    (first, other, *years),
                    first,
                )
                stands = "days, months or years" if years else "days or its months"
                self.notes.append(
                    f"{column!r} does not tell whether its {stands} stand first: "
                    f"{answer!r} was taken (?)."
                )
                return answer
        if len(good) > 1:
            self.notes.append(
                f"{column!r} can be read in several ways, for instance as {good[1]!r}: {first!r} "
                "was taken (?)."
            )
        return first

    def _currency(self, roles: Mapping[str, Role]) -> tuple[str, tuple[str, ...]]:
        if "currency" in roles:
            codes = self.profile.codes(roles["currency"].column)
            if codes:
                return codes[0], codes
        told = currency_in(roles["amount"].column)
        if told is None:
            told = self._ask(
                "currency",
                f"In which currency is {roles['amount'].column!r}? (USD, EUR, ...)",
                (),
                "",
            ).upper()
        if not told:
            raise SourceError(
                "The currency of the amounts must be known.",
                f"nothing in {self.path.name} tells it",
                "give it, for instance: coterie init FILE --currency EUR",
            )
        if not re.fullmatch("[A-Z]{3}", told):
            raise SourceError(
                "A currency is a three-letter code.", repr(told), "answer for instance USD or EUR"
            )
        return told, (told,)

    def _ask(self, key: str, what: str, choices: tuple[str, ...], default: str) -> str:
        answer = self.ask(Question(key, what, choices, default)).strip() or default
        if choices and answer not in choices:
            raise SourceError(
                f"{key} must be one of the choices.",
                repr(answer),
                f"answer one of {', '.join(choices)}",
            )
        return answer


def _clipped(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:57]}..."
