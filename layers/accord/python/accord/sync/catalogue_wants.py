"""What comes of a run of the catalogue's poller: values that are wanted, messages, questions."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accord.errors import UnmappedError
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.ports.levels import LevelKind, Levels, Wanted
from accord.ports.queues import Queues
from accord.ports.state import Attention, Entry, Journal
from accord.ports.state import Item as Asked
from accord.rules.config import Store
from accord.sync.anew import send_anew
from accord.sync.catalogue_run import Run
from accord.sync.feed import queue_flush
from accord.sync.recompute import Computed
from accord.sync.worker import item_id

_MESSAGE_LENGTH = 1500  # of an attention item


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """Of one back office, for the ``stores`` that sell from it."""

    erp_name: str
    levels: Levels
    queues: Queues
    attention: Attention
    journal: Journal
    stores: Mapping[str, Store]
    clock: Callable[[], dt.datetime]

    def want(self, store: str, computed: Computed, run: Run) -> None:
        """Keeps what ``store`` should show, and has sent what it does not show yet."""
        for item, error in computed.unmapped:
            self.ask(run, error, store=store, item=item)
        for item, short in computed.short.items():
            run.short[item] = max(short, run.short.get(item, Decimal(0)))
        if not computed.wanted:
            return
        if store in run.shadow:
            would = self._would(store, computed.wanted, run.shows)
            run.would[store] = run.would.get(store, 0) + would
            return
        looked_at = self._near_zero(store, computed.wanted) if run.shows == "stock" else []
        wanted = self.levels.want(store, run.shows, computed.wanted)
        if store in run.anew:
            skus = list(dict.fromkeys(each.sku for each in computed.wanted))
            wanted = send_anew(self.levels, store, run.shows, skus, now=self.clock())
        elif looked_at:
            self.levels.resend(store, run.shows, looked_at)
            wanted = max(wanted, len(looked_at))
        run.wanted += wanted
        if wanted:
            self._flush(store, run)

    def flush_left(self, run: Run) -> None:
        """A message that was lost, or that died, must hold nothing up for longer than a minute."""
        if run.kind is Kind.RECIPE:
            return
        for store in run.on:
            if self.levels.dirty(store, run.shows, limit=1):
                self._flush(store, run)

    def tell(self, run: Run) -> None:
        """Writes down what shadow would have sent."""
        entries = [
            Entry(
                Ref(store, "levels", each.shows),
                self.clock(),
                "ended",
                f"shadow: {would} would be sent",
                each.id,
            )
            for each in run.all()
            for store, would in each.would.items()
            if would
        ]
        if entries:
            self.journal.append(entries)

    def _near_zero(self, store: str, wanted: Sequence[Wanted]) -> list[str]:
        """SKUs that move and of which few are left: they are sent, and so the store is read, though
        it may have counted down to that number by itself.

        What it had sold, and nobody knew, when it was last written to, it still shows. Only a look
        finds that, and only once the orders are known.
        """
        near = self.stores[store].stock.near
        low = {each.sku: each.value for each in wanted if each.value["quantity"] <= near}
        known = self.levels.levels(store, "stock", sorted(low)) if low else {}
        return [
            sku
            for sku, level in known.items()
            if level.sent is not None and level.wanted != low[sku]
        ]

    def _would(self, store: str, wanted: Sequence[Wanted], kind: LevelKind) -> int:
        known = self.levels.levels(store, kind, [each.sku for each in wanted])
        return sum(each.sku not in known or known[each.sku].sent != each.value for each in wanted)

    def _flush(self, store: str, run: Run) -> None:
        """One message per store and kind in a minute of a run. What another run of the same minute
        finds may be too late for this one's."""
        now = self.clock()
        minute = now.strftime("%Y-%m-%dT%H:%M")
        if (store, minute) in run.queued:
            return
        queue_flush(
            self.queues,
            store,
            run.shows,
            now=now,
            correlation_id=run.id,
            sending=f"{run.id}:{minute}",
        )
        run.queued.add((store, minute))

    # --- what a person must do ----------------------------------------------------

    def ask(
        self, run: Run, error: UnmappedError, *, store: str = "", item: str = "", reason: str = ""
    ) -> None:
        """One item per store and cause, whichever of many items meets it."""
        subject, now, reason = self._subject(run), self.clock(), reason or error.reason
        said = f"{item}: {error}" if item and item not in str(error) else str(error)
        for cause in error.causes:
            self.attention.put(
                Asked(
                    id=item_id(f"{subject}\n{store}\n{cause}", reason),
                    subject=subject,
                    reason=reason,
                    owner=error.owner,
                    message=said[:_MESSAGE_LENGTH],
                    opened_at=now,
                    updated_at=now,
                )
            )

    def close(self, run: Run, is_over: Callable[[Asked], bool]) -> None:
        """Closes those of the run's items that are over."""
        for item in self.attention.of(self._subject(run)):
            if is_over(item):
                self.attention.close(item.id, now=self.clock(), by="a later look")

    def _subject(self, run: Run) -> str:
        return str(Ref(self.erp_name, "levels", run.kind.value))
