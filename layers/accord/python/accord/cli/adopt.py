"""`accord adopt`: links what is on both sides already, from a list."""

import csv
import datetime as dt
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.errors import BadInputError
from accord.model.words import number_of
from accord.sync.adopt import Adoption
from accord.sync.adopt_rows import THINGS, Answer, Row
from accord.sync.sales import BackOffice

_COLUMNS = ("kind", "store_id", "number", "erp_number")


def adopt(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    *,
    list_: Annotated[
        Path,
        typer.Option("--csv", help="The list, with the header kind,store_id,number,erp_number."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what would be linked.")
    ] = False,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Links orders, customers and products that both sides have. It makes nothing on either.

    Columns of the list, others are ignored:

    kind: order, customer or product.

    store_id: the id in the store.

    number: the order's number, the customer's e-mail address, the product's SKU.

    erp_number: the sales order's number, the account code, the item code.

    One side is enough: an order is then found by number, total and day, a customer by e-mail
    address, a product by SKU. Totals must agree to the cent. Run twice, it is the same as once.
    Exit code 1 if a row could not be linked.
    """
    rows = _rows(list_)
    connect(stage)
    if store not in bootstrap.config().stores:
        fail(f"there is no store {store!r}; accord.toml has {', '.join(bootstrap.config().stores)}")
    answers = []
    with told.status("reading", spinner="dots") as status:
        for answer in _adoption(store, dry=dry_run).adopt(rows):
            answers.append(answer)
            status.update(f"{len(answers):,} of {number_of(len(rows), 'row')}")
    if json:
        print_json({"dry_run": dry_run, "rows": [_as_json(each) for each in answers]})
    else:
        _show(answers, dry=dry_run)
    if any(each.what == "not" for each in answers):
        raise typer.Exit(1)


def _adoption(store: str, *, dry: bool) -> Adoption:
    config, client = bootstrap.config(), bootstrap.store(store)
    rules = config.stores[store]
    zone = zoneinfo.ZoneInfo(config.erps[rules.erp].time_zone)
    return Adoption(
        name=store,
        rules=rules,
        back=BackOffice(rules.erp, bootstrap.back_office(rules.erp), zone),
        store=client,
        shop=client,
        links=bootstrap.links(),
        levels=bootstrap.levels(),
        steps=bootstrap.steps(),
        control=bootstrap.control(),
        queues=bootstrap.queues(),
        clock=bootstrap.now,
        run=f"adopt-{dt.datetime.now(dt.UTC).isoformat()}",
        dry=dry,
    )


def _rows(path: Path) -> list[Row]:
    """The list's rows. Raises: BadInputError: it is none; the message names the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "kind" not in names or not {*names} & {*_COLUMNS[1:]}:
        raise BadInputError(f"{path}: the first line must be {','.join(_COLUMNS)}, or some of them")
    reader.fieldnames = names
    return list(_read(path, reader))


def _read(path: Path, reader: "csv.DictReader[str]") -> Iterator[Row]:
    for fields in reader:
        values = {name: (fields.get(name) or "").strip() for name in _COLUMNS}
        if not any(values.values()):
            continue
        kind = values["kind"].lower()
        thing = next((each for each in THINGS if each == kind), None)
        if thing is None:
            raise BadInputError(
                f"{path}, line {reader.line_num}: the kind is {kind!r}; use {', '.join(THINGS)}"
            )
        yield Row(
            reader.line_num, thing, values["store_id"], values["number"], values["erp_number"]
        )


def _show(answers: list[Answer], *, dry: bool) -> None:
    lacking = [each for each in answers if each.what == "not"]
    linked = [each for each in answers if each.what == "linked"]
    if linked:
        print_table(
            "Would be linked" if dry else "Linked",
            ["line", "store", "back office"],
            [[each.row.line, each.store, each.erp] for each in linked],
        )
    if lacking:
        print_table(
            "Not linked",
            ["line", "kind", "row", "why"],
            [[each.row.line, each.row.thing, _named(each.row), each.why] for each in lacking],
        )
    count = Counter(each.what for each in answers)
    console.print(
        f"{count['linked']:,} {'would be ' if dry else ''}linked, {count['already']:,} were "
        f"already, {count['not']:,} could not be.",
        highlight=False,
    )


def _named(row: Row) -> str:
    return " / ".join(filter(None, (row.store_id, row.number, row.erp_number)))


def _as_json(each: Answer) -> dict[str, object]:
    return {
        "line": each.row.line,
        "kind": each.row.thing,
        "what": each.what,
        "store": each.store,
        "erp": each.erp,
        "why": each.why,
    }
