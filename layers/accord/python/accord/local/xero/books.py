"""What one Xero organisation holds, and how it is told in JSON."""

import contextlib
import copy
import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from accord.local.xero.faults import Invalid, Row

TABLES: Final = (
    *("Accounts", "TaxRates", "TrackingCategories", "BrandingThemes", "Currencies"),
    *("Contacts", "Items", "Invoices", "CreditNotes", "Payments", "Allocations", "History"),
)
_CENT: Final = Decimal("0.01")
_SPACE: Final = uuid.UUID("8d5f4b63-2c3d-4f5a-9f57-0c7f0a4f7b11")


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


class Books:
    """Rows by table and id. A row holds Xero's fields; a name with ``_`` in front is not told."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock
        self.organisation: Row = {}
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in TABLES}
        self.by_app = True  # who writes now: a call, or a person
        self.plan_limit: int | None = None
        self.stock_touches_items = False
        self.tax_tolerance = _CENT
        self._numbers: Counter[str] = Counter()
        self._undo: list[tuple[str, str, Row | None]] | None = None

    @property
    def now(self) -> dt.datetime:
        """In UTC, to the millisecond."""
        now = self._clock().astimezone(dt.UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    # --- rows ------------------------------------------------------------------

    def rows(self, table: str) -> list[Row]:
        return list(self.tables[table].values())

    def get(self, table: str, id_: object) -> Row | None:
        return self.tables[table].get(str(id_).lower())

    def first(self, table: str, **fields: object) -> Row | None:
        """The first row with those values."""
        found: Iterable[Row] = self.tables[table].values()
        for name, value in fields.items():
            found = [row for row in found if row.get(name) == value]
        return next(iter(found), None)

    def new_id(self, table: str) -> str:
        self._numbers[table] += 1
        return str(uuid.uuid5(_SPACE, f"{table}-{self._numbers[table]}"))

    def add(self, table: str, id_: str, row: Row) -> Row:
        self._note(table, id_, None)
        row |= {"_made": self.now, "_by_app": self.by_app, "UpdatedDateUTC": self.now}
        self.tables[table][id_] = row
        return row

    def change(self, table: str, id_: str, /, **fields: Any) -> Row:
        """The row with those values and a new moment of change."""
        row = self.tables[table][id_]
        self._note(table, id_, copy.deepcopy(row))
        row |= {**fields, "UpdatedDateUTC": self.now}
        return row

    def alter(self, table: str, id_: str, /, **fields: Any) -> Row:
        """Like ``change``, but nobody can see by the moment that it changed."""
        row = self.tables[table][id_]
        self._note(table, id_, copy.deepcopy(row))
        row |= fields
        return row

    def next(self, prefix: str) -> int:
        self._numbers[prefix] += 1
        return self._numbers[prefix]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it is kept, or nothing."""
        outer, self._undo = self._undo, []
        try:
            yield
        except BaseException:
            for table, id_, row in reversed(self._undo):
                if row is None:
                    del self.tables[table][id_]
                else:
                    self.tables[table][id_] = row
            self._undo = outer
            raise
        if outer is not None:
            outer += self._undo
        self._undo = outer

    def _note(self, table: str, id_: str, row: Row | None) -> None:
        if self._undo is not None:
            self._undo.append((table, id_, row))

    # --- the organisation's rules ------------------------------------------------

    def account(self, code: object) -> Row | None:
        found = self.first("Accounts", Code=code)
        return found if found and found["Status"] == "ACTIVE" else None

    def check_open(self, day: dt.date) -> None:
        """Raises: Invalid: what is dated then can no longer be booked."""
        for field, name in (
            ("EndOfYearLockDate", "end of year lock date"),
            ("PeriodLockDate", "period lock date"),
        ):
            locked = self.organisation.get(field)
            if locked and day <= locked:
                raise Invalid(
                    f"The document date cannot be before the {name}, currently set at "
                    f"{locked:%d %b %Y}."
                )

    def check_currency(self, code: str) -> None:
        if self.first("Currencies", Code=code) is None:
            raise Invalid(f"Organisation is not subscribed to currency {code}")


def told(value: Any) -> Any:
    """As JSON: moments and days as ``/Date(…)/``, nothing where there is nothing."""
    match value:
        case dt.datetime():
            return f"/Date({_milliseconds(value)}+0000)/"
        case dt.date():
            midnight = dt.datetime.combine(value, dt.time(), dt.UTC)
            return f"/Date({_milliseconds(midnight)}+0000)/"
        case Decimal():
            return float(value)
        case dict():
            return {
                name: told(each)
                for name, each in value.items()
                if each is not None and not name.startswith("_")
            }
        case list() | tuple():
            return [told(each) for each in value]
    return value


def _milliseconds(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def day_of(value: object, field: str) -> dt.date:
    """Of ``YYYY-MM-DD``, with or without a time. Raises: Invalid."""
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise Invalid(f"{field} is not a valid date") from error


def number_of(value: object, field: str) -> Decimal:
    """Raises: Invalid."""
    if not isinstance(value, Decimal):
        raise Invalid(f"{field} is not a valid number")
    return value
