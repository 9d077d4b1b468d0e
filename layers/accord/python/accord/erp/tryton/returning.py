"""Returns of goods written: a sale of negative quantities, as Tryton's own wizard makes them.

Confirming one opens a ``stock.shipment.out.return`` in draft, which the warehouse receives and
does. It is tied to the order by its origin. Nothing can be credited by it: it is never invoiced by
itself, and its prices are 0 so that nobody can do it by a button either. Tryton 8.2 calls a sale
done only once it was invoiced, so a return stays in processing and its shipment state says "sent"
once the goods are in.

Source: trytond 8.2, module sale (``create_shipment``, ``is_done``, wizard ``sale.return_sale``);
tried on a running server.
"""

from decimal import Decimal
from typing import Final

from accord.erp.needs import needs
from accord.erp.tryton.known import Known, Shop
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.records import Records
from accord.erp.tryton.selling import Selling
from accord.erp.tryton.wire import Values
from accord.erp.unsent import nothing_made
from accord.model.change import Ref
from accord.model.documents import Kind, Record, ReturnDocument, State

_ORDER_FIELDS: Final = ("party", "warehouse")


class Returning:
    """``sale.sale`` that take goods back."""

    def __init__(self, records: Records, master: MasterData, selling: Selling) -> None:
        self._records = records
        self._master = master
        self._selling = selling

    def create(self, document: ReturnDocument, key: str) -> Record:
        """The new draft. Two calls: the order, create."""
        with nothing_made():
            known, shop = self._master.known(needs(document)), self._master.shop()
            order = self._records.one("sale.sale", int(document.order.id), _ORDER_FIELDS)
        values = return_values(document, key, order, known, shop)
        id_ = self._records.create_once(Kind.RETURN, values, key)
        ref = Ref(self._records.connection, Kind.RETURN, str(id_))
        return Record(ref=ref, number="", key=key, state=State.DRAFT)

    def open(self, record: Record) -> Record:
        """``record``, numbered and confirmed. Three calls."""
        return self._selling.advance(record, State.CONFIRMED)


def return_values(
    document: ReturnDocument, key: str, order: Values, known: Known, shop: Shop
) -> Values:
    """The new ``sale.sale``. ``order`` is the one whose goods come back, to where they left from.

    Its party holds also where two were merged since: the addresses went over with it.
    """
    lines = [
        {
            "type": "line",
            "product": known.items[item].id,
            "unit": known.items[item].unit,
            "quantity": -float(quantity),
            "unit_price": Decimal(0),
            "description": "",
        }
        for item, quantity in document.lines
    ]
    return {
        "company": shop.company,
        "warehouse": order["warehouse"] or shop.warehouse,
        "web_shop": shop.web_shop,
        "web_id": key,
        "origin": f"sale.sale,{document.order.id}",
        "party": order["party"],
        "invoice_address": int(document.billing_address),
        "shipment_address": int(document.shipping_address),
        "currency": known.currencies[document.currency].id,
        "reference": document.number,
        "sale_date": document.returned_on,
        "comment": document.comment,
        "invoice_method": "manual",
        "shipment_method": "order",
        # With a method Tryton would add a line of costs.
        "shipment_cost_method": None,
        "lines": [["create", lines]],
    }
