"""What can be called on a model from outside."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from accord.local.odoo import accounts, sales, stock
from accord.local.odoo.faults import OdooError, access_error, validation_error
from accord.local.odoo.loading import load
from accord.local.odoo.orm import Database, Row

Button = Callable[[Database, list[int]], Any]

_READS: Final = {"fields_get", "read", "read_group", "search", "search_read"}
_SIGNATURES: Final = {
    "create": ("vals_list",),
    "load": ("fields", "data"),
    "read": ("fields",),
    "read_group": ("domain", "fields", "groupby"),
    "search": ("domain",),
    "search_read": ("domain", "fields"),
    "write": ("vals",),
}
"""Method → arguments that may come by position."""
_RIGHTS: Final = {"check_access_rights", "has_access"}
_ON_MODEL: Final = {"create", "fields_get", "load", "read_group", "search", "search_read"}
_ADMINISTRATORS: Final = {
    "ir.config_parameter": "Administration/Settings",
    "ir.model": "Administration/Access Rights",
}
_ADMINISTRATORS_MAKE: Final = {"ir.model.data": "Administration/Access Rights"}
ADMINISTRATOR: Final = 2

BUTTONS: Final[dict[tuple[str, str], Button]] = {
    ("sale.order", "action_quotation_sent"): sales.action_quotation_sent,
    ("sale.order", "action_confirm"): sales.action_confirm,
    ("sale.order", "action_cancel"): sales.action_cancel,
    ("sale.order", "action_unlock"): sales.action_unlock,
    ("sale.advance.payment.inv", "create_invoices"): sales.create_invoices,
    ("stock.picking", "action_assign"): stock.action_assign,
    ("stock.picking", "button_validate"): stock.button_validate,
    ("stock.return.picking", "create_returns"): stock.create_returns,
    ("account.move", "action_post"): accounts.action_post,
    ("account.move.line", "reconcile"): accounts.reconcile,
    ("account.payment", "action_post"): accounts.post_payments,
    ("account.payment.register", "action_create_payments"): accounts.action_create_payments,
    ("account.move.reversal", "refund_moves"): accounts.refund_moves,
    ("account.move.reversal", "reverse_moves"): accounts.refund_moves,
}


def call(
    database: Database,
    model: str,
    method: str,
    args: Sequence[Any],
    named: Row,
    *,
    user: int = ADMINISTRATOR,
) -> Any:
    """What the method returns. Raises: OdooError: nothing took effect."""
    if method.startswith("_"):
        raise access_error(
            f"Private methods (such as '{model}.{method}') cannot be called remotely."
        )
    database.model(model)
    if method in _RIGHTS:
        return _may(database, model, method, named.get("operation") or args[-1], user)
    _check_rights(database, model, method, user)
    named = dict(named)
    database.context = dict(named.pop("context", None) or {})
    values, ids = _arguments(method, list(args), named)
    if method == "load":
        return load(database, model, values["fields"], values["data"])
    if method in _READS:
        return _read(database, model, method, ids, values)
    return database.transaction(lambda: _do(database, model, method, ids, values))


def _arguments(method: str, args: list[Any], named: Row) -> tuple[Row, list[int]]:
    ids = named.pop("ids", None)
    if method not in _ON_MODEL and ids is None and args:
        ids = args.pop(0)
    names = _SIGNATURES.get(method, ())
    values = {**dict(zip(names, args, strict=False)), **named}
    return values, [ids] if isinstance(ids, int) else list(ids or ())


def _check_rights(database: Database, model: str, method: str, user: int) -> None:
    group = _ADMINISTRATORS.get(model)
    verb = "access"
    if group is None and method == "create":
        group, verb = _ADMINISTRATORS_MAKE.get(model), "create"
    if (model, method) in database.denied and user != ADMINISTRATOR:
        group, verb = "Role / Administrator", method
    if group is None or user == ADMINISTRATOR:
        return
    raise access_error(
        f"You are not allowed to {verb} '{database.models[model].title}' ({model}) records.\n\n"
        f"This operation is allowed for the following groups:\n\t- {group}\n\n"
        "Contact your administrator to request access if necessary."
    )


def _may(database: Database, model: str, method: str, operation: str, user: int) -> bool:
    """18 brought ``has_access``, which is called on records; the other one is gone by 20."""
    is_new = "expiration_date" in database.models["res.users.apikeys"].fields
    if method == "has_access" and not is_new:
        name = f"The method '{model}.{method}' does not exist"
        raise OdooError("builtins.AttributeError", name)
    return user == ADMINISTRATOR or (model, operation) not in database.denied


def _read(database: Database, model: str, method: str, ids: list[int], values: Row) -> Any:
    fields = database.model(model).fields
    match method:
        case "fields_get":
            return database.described(model, values.get("attributes") or ["type", "digits"])
        case "read":
            return database.read(model, ids, values.get("fields") or list(fields))
        case "read_group":
            found = database.rows(model, database.search(model, values["domain"]))
            groups = stock.read_group(database, found, values["groupby"], values["fields"])
            for group in groups:
                terms = [*values["domain"], *group["__domain"]]
                group["__domain"] = ["&"] * (len(terms) - 1) + terms
            return groups
    found_ids = database.search(
        model,
        values.get("domain") or [],
        order=values.get("order") or "",
        limit=values.get("limit"),
        offset=values.get("offset") or 0,
    )
    if method == "search":
        return found_ids
    return database.read(model, found_ids, values.get("fields") or list(fields))


def _do(database: Database, model: str, method: str, ids: list[int], values: Row) -> Any:
    match method:
        case "create":
            return _create(database, model, values["vals_list"])
        case "write":
            database.write(model, ids, values["vals"])
            return True
        case "unlink":
            database.unlink(model, ids)
            return True
    button = BUTTONS.get((model, method))
    if button is None:
        name = f"The method '{model}.{method}' does not exist"
        raise OdooError("builtins.AttributeError", name)
    return button(database, ids)


def _create(database: Database, model: str, values: Any) -> Any:
    """One id for one record, ids for a list of them."""
    if isinstance(values, dict):
        return _create(database, model, [values])[0]
    if model == "ir.model.data":
        return [_external(database, each) for each in values]
    return [database.create(model, each) for each in values]


def _external(database: Database, values: Row) -> int:
    name = f"{values['module']}.{values['name']}"
    if name in database.external:
        key = f"(module, name)=({values['module']}, {values['name']})"
        raise validation_error(
            "The operation cannot be completed: duplicate key value violates unique constraint "
            f'"ir_model_data_module_name_uniq_index"\nDETAIL:  Key {key} already exists.\n'
        )
    database.external[name] = (values["model"], values["res_id"], bool(values.get("noupdate")))
    return database.create("ir.model.data", values)
