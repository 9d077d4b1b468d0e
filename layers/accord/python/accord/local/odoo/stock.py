"""Deliveries, returns and what lies where.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19, stock, sale_stock and mrp.
"""

from decimal import Decimal
from typing import Any

from accord.local.odoo.faults import user_error
from accord.local.odoo.orm import Database, Row

PICKING = "stock.picking"
MOVE = "stock.move"
QUANT = "stock.quant"
OPEN = ("confirmed", "partially_available", "assigned")


def done_field(database: Database) -> str:
    return "quantity" if "quantity" in database.model(MOVE).fields else "quantity_done"


def is_storable(database: Database, product: Row) -> bool:
    fields = database.model("product.product").fields
    if "is_storable" in fields:
        return bool(database.value("product.product", product, "is_storable"))
    return bool(database.value("product.product", product, "detailed_type") == "product")


def kit_of(database: Database, product: Row) -> Row | None:
    boms = database.tables["mrp.bom"].values()
    return next(
        (
            bom
            for bom in boms
            if bom["type"] == "phantom"
            and bom["active"]
            and (
                bom["product_id"] == product["id"]
                or (not bom["product_id"] and bom["product_tmpl_id"] == product["product_tmpl_id"])
            )
        ),
        None,
    )


def exploded(
    database: Database, product: Row, quantity: Decimal, bom_line: int | bool = False
) -> list[tuple[Row, Decimal, int | bool]]:
    """(product, how many, the line of the kit) of what leaves when that is sold."""
    bom = kit_of(database, product)
    if bom is None:
        return [(product, quantity, bom_line)]
    found = []
    for line in database.tables["mrp.bom.line"].values():
        if line["bom_id"] == bom["id"]:
            part = database.row("product.product", line["product_id"])
            share = quantity * line["product_qty"] / bom["product_qty"]
            found += exploded(database, part, share, line["id"])
    return found


def deliver(database: Database, order: Row, lines: list[Row]) -> None:
    """The delivery of a confirmed order, reserved as far as there is."""
    moves: list[Row] = []
    for line in lines:
        if line["display_type"] or line["product_uom_qty"] <= 0:
            continue
        product = database.row("product.product", line["product_id"])
        for part, quantity, bom_line in exploded(database, product, line["product_uom_qty"]):
            if database.value("product.product", part, "type") != "service":
                moves.append(
                    {
                        "product_id": part["id"],
                        "product_uom_qty": quantity,
                        "sale_line_id": line["id"],
                        "bom_line_id": bom_line,
                        "state": "confirmed",
                        "warehouse_id": order["warehouse_id"],
                    }
                )
    if moves:
        values = {
            "sale_id": order["id"],
            "origin": order["name"],
            "carrier_id": order.get("carrier_id", False),
            "move_ids": [[0, 0, move] for move in moves],
        }
        picking(database, order["warehouse_id"], values)


def picking(database: Database, warehouse: int, values: Row, *, code: str = "outgoing") -> int:
    short = database.row("stock.warehouse", warehouse)["code"]
    mark = "OUT" if code == "outgoing" else "IN"
    number = database.next(f"{short}/{mark}")
    id_ = database.create(
        PICKING,
        {
            **values,
            "name": f"{short}/{mark}/{number:05d}",
            "picking_type_code": code,
            "scheduled_date": database.now.strftime("%Y-%m-%d %H:%M:%S"),
            "warehouse_id": warehouse,
        },
    )
    reserve(database, id_)
    return id_


def moves_of(database: Database, picking_id: int) -> list[Row]:
    return [row for row in database.tables[MOVE].values() if row["picking_id"] == picking_id]


def reserve(database: Database, picking_id: int) -> None:
    """What is there and nobody else's is set aside."""
    row, field = database.row(PICKING, picking_id), done_field(database)
    for move in moves_of(database, picking_id):
        if move["state"] not in OPEN:
            continue
        product = database.row("product.product", move["product_id"])
        wanted = move["product_uom_qty"] - move["reserved"]
        if row["picking_type_code"] == "incoming" or not is_storable(database, product):
            taken = wanted
        else:
            quant = quant_of(database, product["id"], move["warehouse_id"])
            taken = max(Decimal(0), min(wanted, quant["quantity"] - quant["reserved_quantity"]))
            if taken:
                values = {"reserved_quantity": quant["reserved_quantity"] + taken}
                database.write(QUANT, [quant["id"]], values)
        move["reserved"] += taken
        move[field] = move["reserved"] if field == "quantity" else move[field]
        whole = move["reserved"] == move["product_uom_qty"]
        state = "assigned" if whole else "partially_available" if move["reserved"] else "confirmed"
        move["state"] = state
    states = {move["state"] for move in moves_of(database, picking_id)}
    row["state"] = "assigned" if states <= {"assigned", "cancel", "done"} else "confirmed"


def quant_of(database: Database, product: int, warehouse: int) -> Row:
    location = database.row("stock.warehouse", warehouse)["lot_stock_id"]
    for row in database.tables[QUANT].values():
        if row["product_id"] == product and row["location_id"] == location:
            return row
    values = {"product_id": product, "location_id": location, "warehouse_id": warehouse}
    return database.row(QUANT, database.create(QUANT, values))


def action_assign(database: Database, ids: list[int]) -> bool:
    for id_ in ids:
        reserve(database, id_)
        database.touch(PICKING, id_)
    return True


def button_validate(database: Database, ids: list[int]) -> bool | Row:
    """Done as far as it was picked; the rest asks for a window, or is a delivery of its own."""
    field = done_field(database)
    for row in database.rows(PICKING, ids):
        if row["state"] in {"done", "cancel"}:
            raise user_error("You cannot validate a transfer that is done or cancelled.")
        moves = [each for each in moves_of(database, row["id"]) if each["state"] in OPEN]
        if not any(each[field] for each in moves):
            raise user_error("You cannot validate a transfer if no quantities are reserved.")
        left = [each for each in moves if each[field] < each["product_uom_qty"]]
        if left and not database.context.get("skip_backorder"):
            return {
                "name": "Create Backorder?",
                "type": "ir.actions.act_window",
                "view_mode": "form",
                "res_model": "stock.backorder.confirmation",
                "views": [[843, "form"]],
                "view_id": 843,
                "target": "new",
                "context": {
                    "button_validate_picking_ids": ids,
                    "default_show_transfers": False,
                    "default_pick_ids": [[4, id_] for id_ in ids],
                },
            }
        _backorder(database, row, left, field)
        for move in moves_of(database, row["id"]):
            if move["state"] in OPEN:
                _done(database, move, row, field)
        now = database.now.replace(microsecond=0)
        database.write(PICKING, [row["id"]], {"state": "done", "date_done": now})
        if row["sale_id"]:
            database.touch("sale.order", row["sale_id"])
    return True


def _backorder(database: Database, row: Row, left: list[Row], field: str) -> None:
    rest = []
    for move in left:
        open_ = move["product_uom_qty"] - move[field]
        _release(database, move, move["reserved"] - move[field])
        names = ("product_id", "sale_line_id", "bom_line_id", "warehouse_id")
        again = {name: move[name] for name in names}
        rest.append([0, 0, {**again, "product_uom_qty": open_, "state": "confirmed"}])
        move["product_uom_qty"], move["reserved"] = move[field], move[field]
        if not move[field]:
            database.write(MOVE, [move["id"]], {"state": "cancel"})
    if rest:
        values: Row = {name: row[name] for name in ("sale_id", "origin", "carrier_id")}
        values |= {"backorder_id": row["id"], "move_ids": rest}
        picking(database, row["warehouse_id"], values, code=row["picking_type_code"])


def _done(database: Database, move: Row, row: Row, field: str) -> None:
    product = database.row("product.product", move["product_id"])
    if is_storable(database, product):
        quant = quant_of(database, move["product_id"], move["warehouse_id"])
        incoming = row["picking_type_code"] == "incoming"
        sign = 1 if incoming else -1
        taken = Decimal(0) if incoming else min(move["reserved"], quant["reserved_quantity"])
        values = {
            "quantity": quant["quantity"] + sign * move[field],
            "reserved_quantity": quant["reserved_quantity"] - taken,
        }
        database.write(QUANT, [quant["id"]], values)
    move["reserved"] = Decimal(0)
    database.write(MOVE, [move["id"]], {"state": "done"})


def _release(database: Database, move: Row, quantity: Decimal) -> None:
    if quantity > 0:
        quant = quant_of(database, move["product_id"], move["warehouse_id"])
        values = {"reserved_quantity": max(Decimal(0), quant["reserved_quantity"] - quantity)}
        database.write(QUANT, [quant["id"]], values)
        move["reserved"] -= quantity


def cancel_open(database: Database, pickings: list[int]) -> None:
    for row in database.rows(PICKING, pickings):
        if row["state"] in {"done", "cancel"}:
            continue
        for move in moves_of(database, row["id"]):
            if move["state"] in OPEN:
                if row["picking_type_code"] == "outgoing":
                    _release(database, move, move["reserved"])
                database.write(MOVE, [move["id"]], {"state": "cancel"})
        database.write(PICKING, [row["id"]], {"state": "cancel"})


def create_returns(database: Database, ids: list[int]) -> Row:
    (wizard,) = database.rows("stock.return.picking", ids)
    row = database.row(PICKING, wizard["picking_id"])
    field = done_field(database)
    moves = [
        [
            0,
            0,
            {
                "product_id": move["product_id"],
                "product_uom_qty": move[field],
                "state": "confirmed",
                "warehouse_id": move["warehouse_id"],
                "sale_line_id": move["sale_line_id"],
            },
        ]
        for move in moves_of(database, row["id"])
        if move["state"] == "done"
    ]
    values = {"sale_id": row["sale_id"], "origin": f"Return of {row['name']}", "move_ids": moves}
    back = picking(database, row["warehouse_id"], values, code="incoming")
    return {
        "name": "Returned Picking",
        "view_mode": "form,tree,calendar",
        "res_model": PICKING,
        "res_id": back,
        "type": "ir.actions.act_window",
        "context": {"default_partner_id": 9, "search_default_picking_type_id": 1},
    }


# --- quantities of products ---------------------------------------------------------


def _warehouses(database: Database) -> list[int]:
    asked = database.context.get("warehouse_id") or database.context.get("warehouse")
    if asked is None:
        return list(database.tables["stock.warehouse"])
    return asked if isinstance(asked, list) else [asked]


def _of_kit(database: Database, product: Row, name: str) -> Decimal | None:
    """How many of a kit its parts make, by that quantity of theirs."""
    bom = kit_of(database, product)
    if bom is None:
        return None
    shares = [
        database.value("product.product", database.row("product.product", line["product_id"]), name)
        // line["product_qty"]
        * bom["product_qty"]
        for line in database.tables["mrp.bom.line"].values()
        if line["bom_id"] == bom["id"]
    ]
    return max(Decimal(0), min(shares, default=Decimal(0)))


def qty_available(database: Database, product: Row) -> Decimal:
    of_kit = _of_kit(database, product, "qty_available")
    return _sum(database, product, "quantity") if of_kit is None else of_kit


def free_qty(database: Database, product: Row) -> Decimal:
    of_kit = _of_kit(database, product, "free_qty")
    if of_kit is not None:
        return of_kit
    return _sum(database, product, "quantity") - _sum(database, product, "reserved_quantity")


def _sum(database: Database, product: Row, field: str) -> Decimal:
    within = _warehouses(database)
    found = [
        row[field]
        for row in database.tables[QUANT].values()
        if row["product_id"] == product["id"] and row["warehouse_id"] in within
    ]
    return sum(found, Decimal(0))


def _open(database: Database, product: Row, code: str) -> Decimal:
    within = _warehouses(database)
    found = [
        row["product_uom_qty"]
        for row in database.tables[MOVE].values()
        if row["product_id"] == product["id"]
        and row["state"] in OPEN
        and row["warehouse_id"] in within
        and database.row(PICKING, row["picking_id"])["picking_type_code"] == code
    ]
    return sum(found, Decimal(0))


def outgoing_qty(database: Database, product: Row) -> Decimal:
    return _open(database, product, "outgoing")


def incoming_qty(database: Database, product: Row) -> Decimal:
    return _open(database, product, "incoming")


def virtual_available(database: Database, product: Row) -> Decimal:
    of_kit = _of_kit(database, product, "virtual_available")
    if of_kit is not None:
        return of_kit
    ahead = incoming_qty(database, product) - outgoing_qty(database, product)
    return qty_available(database, product) + ahead


def read_group(database: Database, rows: list[Row], by: list[str], sums: list[str]) -> list[Row]:
    """Quants summed by their many2one fields."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    names = [each.partition(":")[0] for each in sums]
    return [
        {
            **{name: database.printed(QUANT, each[0], name) for name in by},
            "__count": len(each),
            **{name: float(sum((row[name] for row in each), Decimal(0))) for name in names},
            "__domain": [[name, "=", value] for name, value in zip(by, key, strict=True)],
        }
        for key, each in groups.items()
    ]
