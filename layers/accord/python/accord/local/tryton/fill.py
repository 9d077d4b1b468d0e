"""Makes one Tryton database from nothing: modules, a company, its books, a web shop.

Runs in its own process (``python -m accord.local.tryton.fill``), since Tryton is GPL and only
spoken to over HTTP elsewhere. Each line it prints is a step that begins, for people who wait.

Source: the order of the steps follows Tryton's own wizards (company, chart of accounts) as its
scenario tests run them, trytond 8.2.
"""

import argparse
import datetime as dt
import os
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

from accord.local.tryton.names import (
    ADMIN_PASSWORD,
    CARRIER,
    CARRIER_ITEM,
    CASH_ACCOUNT,
    COMPANY,
    COUNTRIES,
    CURRENCIES,
    DATABASE,
    EAST,
    JOURNAL,
    LOGIN,
    MODULES,
    PASSWORD,
    PAYMENT_TERM,
    SALES_CATEGORY,
    SUBDIVISIONS,
    WAREHOUSE,
    WEB_SHOP,
)


def main() -> None:
    """Makes the database in the folder named on the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="where to make it; it exists and is empty")
    parser.add_argument("year", type=int, help="the middle of three fiscal years")
    given = parser.parse_args()
    # Tryton's dependencies warn of their own ageing; the reader of the progress can mend none.
    warnings.simplefilter("ignore")
    _initialise(given.folder / f"{DATABASE}.sqlite")
    _fill(given.year)


def _step(text: str) -> None:
    print(text, flush=True)


def _initialise(file: Path) -> None:
    """An empty database with every module, and the administrator."""
    from trytond import config

    _step("creating tables for Tryton's modules (the longest step)")
    file.touch()
    secret = file.with_name("admin-password")
    secret.write_text(ADMIN_PASSWORD)
    os.environ["TRYTONPASSFILE"] = str(secret)
    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(file.parent))
    from trytond import admin

    admin.run(
        argparse.Namespace(
            database_names=[DATABASE],
            update=list(MODULES),
            activatedeps=True,
            indexes=True,
            update_modules_list=False,
            languages=[],
            login="admin",
            email="admin@example.com",
            password=False,
            reset_password=False,
            administrator=None,
            active=True,
            hostname=None,
            test_email=None,
            validate=None,
            export_translations=False,
        )
    )
    secret.unlink()


def _fill(year: int) -> None:
    from proteus import Model
    from proteus import config as proteus_config

    connection = proteus_config.set_trytond(DATABASE, user="admin")
    _step("company, currencies, countries")
    company = _company(Model, connection)
    _step("chart of accounts")
    accounts = _chart(Model, company)
    _step(f"fiscal years {year - 1} to {year + 1}")
    for each in (year - 1, year, year + 1):
        _fiscal_year(Model, company, each)
    _step("payment term, journal, web shop, carrier")
    _trade(Model, company, accounts)
    _step("the connector's user")
    _user(Model, company)


def _company(model: Any, connection: Any) -> Any:
    """The one company, in pounds, and what addresses and amounts refer to."""
    currency = model.get("currency.currency")
    for code, (name, symbol, digits) in CURRENCIES.items():
        made = currency(name=name, symbol=symbol, code=code, digits=digits)
        made.rounding = Decimal(1).scaleb(-digits)
        # A rate is needed for any foreign document; 1.0 stands for one that nobody has set.
        made.rates.new(date=dt.date(2000, 1, 1), rate=Decimal("1.0"))
        made.save()
    proxy = connection.get_proxy("country.country")
    codes = list(COUNTRIES)
    ids = proxy.create([{"code": code, "name": COUNTRIES[code]} for code in codes], {})
    countries = dict(zip(codes, ids, strict=True))
    connection.get_proxy("country.subdivision").create(
        [
            {"code": f"{country}-{code}", "name": name, "type": kind, "country": countries[country]}
            for country, (kind, parts) in SUBDIVISIONS.items()
            for code, name in parts.items()
        ],
        {},
    )
    party = model.get("party.party")(name=COMPANY)
    address = party.addresses[0]
    address.street, address.city, address.postal_code = "1 Quay Street", "Bristol", "BS1 4AA"
    address.country = model.get("country.country")(countries["GB"])
    party.save()
    from proteus import Wizard

    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = party
    wizard.form.currency = currency.find([("code", "=", "GBP")])[0]
    wizard.form.timezone = "UTC"
    wizard.execute("add")
    # Proteus has no other way to say which company the rest is made for.
    connection._context = model.get("res.user").get_preferences(True, {})  # noqa: SLF001
    return model.get("company.company").find()[0]


def _chart(model: Any, company: Any) -> dict[str, Any]:
    """The generic chart that Tryton brings; answers its main accounts by their type."""
    from proteus import Wizard

    template = model.get("account.account.template").find([("parent", "=", None)], limit=1)[0]
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    wizard.form.account_template = template
    wizard.form.company = company
    wizard.execute("create_account")
    account = model.get("account.account")
    kinds = ("receivable", "payable", "revenue", "expense")
    accounts = {
        kind: account.find(
            [(f"type.{kind}", "=", True), ("company", "=", company.id), ("closed", "!=", True)],
            limit=1,
        )[0]
        for kind in kinds
    }
    wizard.form.account_receivable = accounts["receivable"]
    wizard.form.account_payable = accounts["payable"]
    wizard.form.category_account_revenue = accounts["revenue"]
    wizard.form.category_account_expense = accounts["expense"]
    wizard.execute("create_properties")
    # WooCommerce rounds the tax of each line unless told otherwise; Tryton's own default is the
    # document's.
    configuration = model.get("account.configuration")(1)
    configuration.tax_rounding = "line"
    configuration.save()
    accounts["cash"] = account.find([("company", "=", company.id), ("code", "=", CASH_ACCOUNT)])[0]
    return accounts


def _fiscal_year(model: Any, company: Any, year: int) -> None:
    strict = model.get("ir.sequence.strict")
    types = model.get("ir.sequence.type")
    fiscal = model.get("account.fiscalyear")(
        name=str(year),
        company=company,
        start_date=dt.date(year, 1, 1),
        end_date=dt.date(year, 12, 31),
    )

    def sequence(kind: str, name: str, prefix: str = "") -> Any:
        made = strict(name=f"{name} {year}", company=company)
        made.sequence_type = types.find([("name", "=", kind)], limit=1)[0]
        made.prefix, made.padding = prefix, 5 if prefix else 0
        made.save()
        return made

    fiscal.move_sequence = sequence("Account Move", "Move")
    invoice = sequence("Invoice", "Invoice", f"INV-{year}-")
    credit = sequence("Invoice", "Credit note", f"CN-{year}-")
    (of_invoices,) = fiscal.invoice_sequences
    of_invoices.out_invoice_sequence = of_invoices.in_invoice_sequence = invoice
    of_invoices.out_credit_note_sequence = of_invoices.in_credit_note_sequence = credit
    fiscal.save()
    fiscal.click("create_period")


def _trade(model: Any, company: Any, accounts: dict[str, Any]) -> None:
    """What an order needs beside items and taxes, which the demo's catalogue brings."""
    term = model.get("account.invoice.payment_term")(name=PAYMENT_TERM)
    term.lines.new(type="remainder")
    term.save()
    journal = model.get("account.journal")(name=JOURNAL, code="WEB", type="cash")
    journal.save()
    model.get("account.invoice.payment.method")(
        name=JOURNAL,
        company=company,
        journal=journal,
        credit_account=accounts["cash"],
        debit_account=accounts["cash"],
    ).save()
    warehouse = _warehouses(model)
    # Tryton refuses to quote an order of the shop's guest party: guests' orders need another.
    guest = model.get("party.party")(name="Web shop visitor")
    guest.save()
    shop = model.get("web.shop")(name=WEB_SHOP, company=company, guest_party=guest)
    shop.currency = company.currency
    shop.warehouses.append(warehouse)
    shop.save()
    (unit,) = model.get("product.uom").find([("name", "=", "Unit")])
    category = model.get("product.category")(name=SALES_CATEGORY, accounting=True)
    category.account_revenue, category.account_expense = accounts["revenue"], accounts["expense"]
    category.save()
    item = model.get("product.template")(name="Shipping", type="service", salable=True)
    item.default_uom, item.list_price, item.code = unit, Decimal(0), CARRIER_ITEM
    item.account_category = category
    item.save()
    courier = model.get("party.party")(name=CARRIER)
    courier.save()
    model.get("carrier")(party=courier, carrier_product=item.products[0]).save()


def _warehouses(model: Any) -> Any:
    """The one that Tryton brings, and another of the same make; answers the first."""
    location = model.get("stock.location")
    (main,) = location.find([("type", "=", "warehouse")])
    main.name, main.code = "Main Warehouse", WAREHOUSE
    (lost,) = location.find([("type", "=", "lost_found")])
    main.lost_found_location = lost  # what a count adds must come from somewhere
    main.save()
    east = location(name="East Depot", code=EAST, type="warehouse")
    for field, name, kind in (
        ("input_location", "East Input", "storage"),
        ("output_location", "East Output", "storage"),
        ("storage_location", "East Storage", "storage"),
        ("lost_found_location", "East Lost and Found", "lost_found"),
        ("production_location", "East Production", "production"),
    ):
        part = location(name=name, type=kind)
        part.save()
        setattr(east, field, part)
    east.save()
    return location(main.id)


def _user(model: Any, company: Any) -> None:
    user = model.get("res.user")(name="Connector", login=LOGIN, password=PASSWORD)
    group = model.get("res.group")
    for each in group.find([]):
        user.groups.append(group(each.id))
    user.companies.append(type(company)(company.id))
    user.company = company
    user.save()


if __name__ == "__main__":
    main()
