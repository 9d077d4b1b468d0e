"""A world of today's code, over what a release left behind."""

import datetime as dt
from decimal import Decimal
from typing import Any

from accord.model.change import Change
from tests.releases import life
from tests.releases.kept import load
from tests.releases.life import pass_
from tests.releases.record import read, releases

Json = dict[str, Any]
RELEASES = releases()[-2:]  # the one that is out, and the one that a roll-back may lead to


class Restored:
    """A world of today's code, over what a release left behind."""

    def __init__(
        self,
        release: str,
        *,
        tables: Json | None = None,
        objects: Json | None = None,
        queued: Any = None,
    ) -> None:
        ended = read(release, "pending")
        load(tables or read(release, "tables"), objects or read(release, "objects"))
        self.release = release
        self.world = life.new()
        self.world.live_again(read(release, "past"))
        self.world.clock.now = dt.datetime.fromisoformat(ended["at"])
        self.world._runs = 10_000  # other workers than those whose leases lie there
        self.standing = {sale["key"]: sale for sale in self.sales()}
        for nth, message in enumerate(queued or ended["queued"]):
            self.world.queue.put(Change.from_json(message["body"]), sending=f"pending {nth}")

    def sales(self) -> list[Json]:
        return [sale for sale in self.world.books.sales() if sale["state"] != "voided"]

    def go_on(self) -> None:
        """All that was under way, then what may come next."""
        pass_(self.world, 15)
        self.world.store.refund("1001", "3.00", reason="late")
        self.world.store.set_status("2001", "processing", paid=True)
        self.world.store.orders["4001"]["line_items"][0]["sku"] = "WID-BLUE"
        self.world.store.edit("4001", customer_note="now it has a name")
        pass_(self.world, 8)


def by_key(restored: Restored) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for sale in restored.sales():
        assert sale["key"] not in found, f"{sale['key']} stands twice"
        found[sale["key"]] = sale
    return found


def credited(sale: Json) -> Decimal:
    return sum((Decimal(each["totals"]["gross"]) for each in sale["credit_notes"]), Decimal(0))
