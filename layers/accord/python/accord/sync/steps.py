"""One outgoing write, exactly once: intent stored, effect, result stored."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accord.errors import (
    DisagreementError,
    DuplicateError,
    NotNowError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnavailableError,
)
from accord.model.change import Ref
from accord.model.documents import Record, State, Totals
from accord.model.money import Money
from accord.ports.erp import Duplicates
from accord.ports.state import Step, Steps

Result = Mapping[str, Any]
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Promise:
    """What the other side promises of a write that is repeated: see ``ports.erp.Capabilities``."""

    duplicates: Duplicates
    settle: dt.timedelta
    search_lag: dt.timedelta = dt.timedelta(0)


@dataclass(frozen=True, slots=True)
class Writer:
    """Runs steps. ``recovering``: our records may be younger than the other side's; find first."""

    steps: Steps
    clock: Clock
    recovering: Callable[[], bool]

    def once(
        self,
        key: str,
        promise: Promise,
        *,
        find: Callable[[Step], Result | None],
        do: Callable[[Step], Result],
        intent: Mapping[str, Any] | None = None,
        find_unasked: bool = True,
    ) -> Result:
        """The step's result: the stored one, else found at the other side, else done now.

        ``find`` looks there and judges what it finds; ``do`` writes. ``find_unasked``: without an
        earlier intent, look first where a second write would make a second record.

        Raises: TransientError: an unanswered attempt may still take effect; look again later.
        """
        step = self.steps.begin(key, now=self.clock(), intent=intent or {})
        if step.result is not None:
            return step.result
        doubtful = promise.duplicates == "possible"
        found: Result | None = None
        if not step.fresh:
            found = self._after_a_try(step, promise, find)
        elif (doubtful and find_unasked) or self.recovering():
            found = find(step)
        if found is None:
            if not step.fresh and doubtful:  # its time is what the next one waits from
                self.steps.withdraw(key)
                step = self.steps.begin(key, now=self.clock(), intent=step.intent)
            found = self._attempt(step, promise, find, do)
        self.steps.finish(key, found)
        return found

    def _after_a_try(
        self, step: Step, promise: Promise, find: Callable[[Step], Result | None]
    ) -> Result | None:
        """What the unanswered attempt came to; None when it surely came to nothing.

        Where the other side refuses a second one by its key, or answers it like the first, trying
        again is as safe now as later. Where it makes two, only time and two searches tell.
        """
        if promise.duplicates != "possible":
            return find(step)
        self._wait(step.at + promise.settle, "an unanswered attempt may still take effect")
        found = find(step)
        if found is None and step.looked_at is None:
            self.steps.looked(step.key, now=self.clock())
            if promise.search_lag:
                self._wait(self.clock() + promise.search_lag, "it may not be found yet")
            found = find(step)
        elif found is None and step.looked_at is not None:
            self._wait(step.looked_at + promise.search_lag, "it may not be found yet")
        return found

    def _wait(self, until: dt.datetime, why: str) -> None:
        left = (until - self.clock()).total_seconds()
        if left > 0:
            raise TransientError(why, retry_after=left, reason="settling")

    def _attempt(
        self,
        step: Step,
        promise: Promise,
        find: Callable[[Step], Result | None],
        do: Callable[[Step], Result],
    ) -> Result:
        try:
            return do(step)
        except DuplicateError:
            found = find(step)
            if found is None:
                if not step.fresh and promise.search_lag:  # it may be our own, not shown yet
                    looked_at = step.looked_at or self.clock()
                    self.steps.looked(step.key, now=looked_at)
                    shown = looked_at + promise.search_lag
                    self._wait(shown, "what is there already may not be found yet")
                raise
            return found
        except (RejectedError, NotNowError, RateLimitedError):
            self.steps.withdraw(step.key)  # nothing took effect
            raise
        except UnavailableError as error:
            if not error.sent:
                self.steps.withdraw(step.key)
            raise


def to_result(record: Record) -> dict[str, Any]:
    """A record as a step keeps it."""
    result: dict[str, Any] = {
        "ref": str(record.ref),
        "number": record.number,
        "state": record.state.value,
        "version": record.version,
    }
    if record.totals:
        result["currency"] = record.totals.gross.currency
        for name in ("net", "tax", "gross"):
            result[name] = str(getattr(record.totals, name).amount)
    if record.addresses:
        result["addresses"] = [list(pair) for pair in record.addresses]
    return result


def to_record(result: Result) -> Record:
    """The record that ``to_result`` kept."""
    totals = None
    if "gross" in result:
        net, tax, gross = (
            Money(Decimal(result[name]), result["currency"]) for name in ("net", "tax", "gross")
        )
        totals = Totals(net, tax, gross)
    return Record(
        ref=Ref.parse(result["ref"]),
        number=result["number"],
        state=State(result["state"]),
        totals=totals,
        version=result.get("version", ""),
        addresses=tuple((pair[0], pair[1]) for pair in result.get("addresses", ())),
    )


def adopt(records: tuple[Record, ...], *, what: str, total: Money | None = None) -> Record | None:
    """The one record that is ours, None when there is none.

    Raises: DisagreementError: two of them, a voided one, or another total or currency.
    """
    if not records:
        return None
    if len(records) > 1:
        numbers = ", ".join(record.number or record.ref.id for record in records)
        raise DisagreementError(
            f"{what}: the back office holds {len(records)} of it ({numbers}); void all but one, "
            "then replay",
            reason="double_document",
        )
    record = records[0]
    if record.state is State.VOIDED:
        raise DisagreementError(
            f"{what}: {record.number or record.ref.id} was voided in the back office; make it "
            "valid again or dismiss this",
            reason="voided",
        )
    if total is not None and record.totals is not None and record.totals.gross != total:
        raise DisagreementError(
            f"{what}: {record.number or record.ref.id} comes to {record.totals.gross} in the back "
            f"office, {total} in the store; mend the document, then replay",
            reason="total_differs",
        )
    return record
