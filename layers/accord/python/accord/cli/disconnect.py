"""`accord disconnect`: access to a back office that was allowed in a browser is given up."""

from typing import Annotated

import typer

from accord import bootstrap
from accord.bootstrap import sign_in, tables
from accord.cli.acting import ByOption, WhyOption, YesOption, confirmed, operator
from accord.cli.connection import StageOption
from accord.cli.connection import connect as reach
from accord.cli.output import JsonOption, console, fail, print_json, told
from accord.errors import UnsupportedError
from accord.ports.tokens import TokenSet
from accord.sync.connecting import disconnected


def disconnect(
    name: Annotated[str, typer.Argument(metavar="ERP", help="A back office of accord.toml.")],
    *,
    yes: YesOption = False,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Forgets the access to a back office that somebody allowed in a browser.

    Nothing there is changed: what needs it waits until `accord connect` is run again. The journal
    keeps who did it. What the back office itself must do is said.
    """
    reach(stage)
    found, title = _known(name)
    while True:
        plan = _plan(name, title, found, json=json)
        undone = {**plan, "done": False}
        confirmed(f"The access to {name} will be forgotten.", yes=yes, json=json, plan=undone)
        done = disconnected(
            name,
            found,
            tables.tokens(),
            tables.consents(),
            tables.journal(),
            by=operator(by, stage),
            why=why,
            clock=bootstrap.now,
        )
        newer = None if done else sign_in.connected(name)
        if newer is None:
            break
        anew = f"{name} was connected anew meanwhile, and nothing was forgotten"
        if yes:
            fail(f"{anew}; look at it, and run this once more")
        told.print(f"{anew}.", highlight=False)
        found = newer
    if json:
        print_json({**plan, "done": done})
    else:
        console.print(f"{name} is disconnected; all workers know within a minute.", highlight=False)


def _known(name: str) -> tuple[TokenSet, str]:
    """What is kept, and what its back office is called; no name where accord.toml has it no more,
    while it is still open to us. Ends the command: there is nothing."""
    found = sign_in.connected(name)
    try:
        title = sign_in.oauth_of(name).title
    except UnsupportedError as error:
        if found is None:
            fail(f"{error}; of one that takes a key, withdraw the key there")
        title = ""
    if found is None:
        fail(f"{name} is not connected: nobody has allowed it, or it was disconnected before")
    return found, title


def _plan(name: str, title: str, found: TokenSet, *, json: bool) -> dict[str, str]:
    """What will happen, which is said unless as ``json``."""
    whose = found.tenant.name or found.tenant.id
    plan = {
        "erp": name,
        "organisation": whose,
        "since": f"{found.consented_at:%F %H:%M} UTC",
        "remedy": f"take Accord's access back in {title or 'the back office'} as well, where it "
        "lists connected apps; and where a machine was lost, renew the app's secret and run "
        "`accord connect` with it",
    }
    if not json:
        after = (
            "Disconnected, its orders wait, and `refresh_tokens` rings until it is connected again "
            "or taken out of accord.toml."
            if title
            else "It is not in accord.toml any more: nothing waits for it."
        )
        console.print(
            f"{name} is connected{f' with {whose}' if whose else ''} since {plan['since']}. "
            f"{after} Then {plan['remedy']}.",
            highlight=False,
            markup=False,
        )
    return plan
