"""`accord disconnect`: access to a back office that was allowed in a browser is given up."""

from typing import Annotated

import typer

from accord import bootstrap
from accord.bootstrap import sign_in, tables
from accord.cli.acting import ByOption, WhyOption, YesOption, confirmed, operator
from accord.cli.connection import StageOption
from accord.cli.connection import connect as reach
from accord.cli.output import JsonOption, console, fail, print_json
from accord.errors import UnsupportedError
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
    try:
        title = sign_in.oauth_of(name).title
    except UnsupportedError as error:
        fail(f"{error}; of one that takes a key, withdraw the key there")
    found = sign_in.connected(name)
    if found is None:
        fail(f"{name} is not connected: nobody has allowed it, or it was disconnected before")
    whose = found.tenant.name or found.tenant.id
    plan = {
        "erp": name,
        "organisation": whose,
        "since": f"{found.consented_at:%F %H:%M} UTC",
        "remedy": f"take Accord's access back in {title} as well, where it lists connected apps; "
        "and where a machine was lost, renew the app's secret and run `accord connect` with it",
    }
    if not json:
        console.print(
            f"{name} is connected{f' with {whose}' if whose else ''} since {plan['since']}. "
            "Disconnected, its orders wait, and `refresh_tokens` rings until it is connected again "
            f"or taken out of accord.toml. Then {plan['remedy']}.",
            highlight=False,
            markup=False,
        )
    confirmed(f"The access to {name} will be forgotten.", yes=yes, json=json)
    done = disconnected(
        name,
        tables.tokens(),
        tables.journal(),
        by=operator(by, stage),
        why=why,
        clock=bootstrap.now,
    )
    if json:
        print_json({**plan, "done": done})
    else:
        console.print(f"{name} is disconnected; all workers know within a minute.", highlight=False)
