"""What the ledger's items are made of: kits that are sold as one, and what is built."""

from collections.abc import Iterator
from decimal import Decimal

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.items import Items, is_goods


class Recipes:
    """One recipe per item. No item is made of itself, however deep."""

    def __init__(self, records: Records, items: Items) -> None:
        self._records = records
        self._items = items
        self._by_id: dict[str, Json] = {}

    def read(self, _: Json) -> Json:
        """The recipes of active items."""
        active = (
            entry for entry in self._items.of(self._by_id) if entry.document.get("active", True)
        )
        return {"recipes": [{"item": entry.key, **self._by_id[entry.id]} for entry in active]}

    def put(self, arguments: Json) -> Json:
        """A person says what the item is made of; of nothing, and it has no recipe any more."""
        entry, inputs = self._items.named(arguments["code"]), arguments["inputs"]
        if missing := [code for code in inputs if self._items.first(code) is None]:
            raise RefusedError(
                "unmapped",
                f"not known here: {', '.join(missing)}",
                causes=[f"item:{code}" for code in missing],
            )
        if any(Decimal(quantity) <= 0 for quantity in (*inputs.values(), arguments["output"])):
            raise RefusedError("rejected", f"{entry.key} of nothing, or nothing of {inputs}")
        if arguments["kind"] == "kit" and Decimal(arguments["output"]) != 1:
            raise RefusedError("rejected", f"{entry.key}: a kit is one piece")
        if entry.key in self._within(inputs):
            raise RefusedError("rejected", f"{entry.key} would be made of itself")
        recipe = {key: arguments[key] for key in ("inputs", "output", "kind")} if inputs else None
        if recipe != self._by_id.get(entry.id):
            if recipe is None:
                del self._by_id[entry.id]
            else:
                self._by_id[entry.id] = recipe
            self._records.touched("recipe", entry)
        return {}

    def parts(self, entry: Entry) -> Iterator[tuple[Entry, Decimal]]:
        """What leaves the warehouse with one piece: the item itself, or the parts of a kit."""
        recipe = self._by_id.get(entry.id)
        if recipe is None or recipe["kind"] != "kit":
            if is_goods(entry):
                yield entry, Decimal(1)
            return
        for code, quantity in recipe["inputs"].items():
            for part, each in self.parts(self._items.named(code)):
                yield part, each * Decimal(quantity)

    def _within(self, inputs: Json) -> set[str]:
        found: set[str] = set()
        left = list(inputs)
        while left:
            code = left.pop()
            if code not in found:
                found.add(code)
                left += self._by_id.get(self._items.named(code).id, {}).get("inputs", ())
        return found
