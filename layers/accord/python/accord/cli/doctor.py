"""`accord doctor`: what would not match between a store and its back office."""

from typing import Annotated

import typer

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.rules.findings import SEVERITIES, Finding
from accord.rules.written import written
from accord.sync.doctor import Doctor

_SHOWN = 20  # findings of one topic that are printed; --json has all
_TITLES = {
    "error": "Errors: something is not carried, or wrongly",
    "warning": "Warnings",
    "note": "Notes",
}


def doctor(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    *,
    receiver: Annotated[
        str, typer.Option(help="Where the store's webhooks should go: https://…/webhooks.")
    ] = "",
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Reads a store and its back office whole, and says what does not match, with a remedy each.

    It changes nothing. Exit code 1 if anything is an error.
    """
    connect(stage)
    stores = bootstrap.config().stores
    if store not in stores:
        fail(f"there is no store {store!r}; accord.toml has {', '.join(stores)}")
    rules, client = stores[store], bootstrap.store(store)
    with told.status("reading", spinner="dots") as status:
        found = Doctor(
            name=store,
            rules=rules,
            store=client,
            shop=client,
            erp=lambda: bootstrap.back_office(rules.erp),
            clock=bootstrap.now,
            receiver=receiver or rules.webhooks.delivery_url or "",
            progress=status.update,
            writes=written(bootstrap.config(), rules.erp),
        ).examine()
    if json:
        print_json([as_json(each) for each in found])
    elif found:
        show(found)
    else:
        console.print("Everything matches.")
    if any(each.severity == "error" for each in found):
        raise typer.Exit(1)


def show(found: list[Finding]) -> None:
    """A table for each severity."""
    for severity in SEVERITIES:
        of_it = [each for each in found if each.severity == severity]
        if not of_it:
            continue
        rows: list[list[str]] = []
        for topic in dict.fromkeys(each.topic for each in of_it):
            same = [each for each in of_it if each.topic == topic]
            rows += [[topic, each.subject, each.what, each.remedy] for each in same[:_SHOWN]]
            if len(same) > _SHOWN:
                rows.append([topic, "…", f"and {len(same) - _SHOWN:,} more", "--json has all"])
        print_table(
            f"{_TITLES[severity]} ({len(of_it):,})", ["topic", "subject", "what", "remedy"], rows
        )


def as_json(each: Finding) -> dict[str, str]:
    """For scripts."""
    return {
        "severity": each.severity,
        "topic": each.topic,
        "subject": each.subject,
        "what": each.what,
        "remedy": each.remedy,
    }
