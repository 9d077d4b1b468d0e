"""How an act of an operator begins: which items are meant, what will happen, who asks for it."""

import datetime as dt
import getpass
import itertools
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from accord import bootstrap
from accord.cli.output import console, fail, print_json, print_table, told
from accord.errors import Owner, UnavailableError
from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.model.keys import order_key
from accord.model.party import Profile
from accord.ports.state import Item
from accord.settings import settings
from accord.sync.acts import Acts
from accord.sync.concerns import cause_of, stores_of, systems_of, waiter
from accord.sync.reading import customer_of, order_of
from accord.sync.remedies import REMEDIES

IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Items by id.")]
ThingsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Items by id, or orders and customers: uk:order:30."),
]
OwnerOption = Annotated[Owner | None, typer.Option(help="Only what is this desk's.")]
ReasonOption = Annotated[str | None, typer.Option(help="Only this reason code.")]
StoreOption = Annotated[
    str | None, typer.Option(help="Only what concerns this store, or names this back office.")
]
SubjectOption = Annotated[str | None, typer.Option(help="Only this record: uk:order:30.")]
OlderOption = Annotated[str | None, typer.Option(help="Only what is open longer: 2d, 12h, 30m.")]
MatchOption = Annotated[str | None, typer.Option(help="Only what says this text.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
WhyOption = Annotated[str, typer.Option(help="Why, for those who look later. No personal data.")]
ByOption = Annotated[
    str | None,
    typer.Option(
        help="Who you are. Default: your AWS identity for a --stage, else your login here.",
        envvar="ACCORD_OPERATOR",
    ),
]

_SHOWN = 20  # of a plan; the rest is counted
_WAITING = 1000  # of what waits for one cause, the oldest, whose stores are looked at
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are meant. All that is given must hold."""

    owner: Owner | None = None
    reason: str | None = None
    store: str | None = None
    subject: str | None = None
    older: str | None = None
    match: str | None = None

    @property
    def is_empty(self) -> bool:
        return not any((self.owner, self.reason, self.store, self.subject, self.older, self.match))

    def check(self, items: Sequence[Item]) -> None:
        """Ends the command where it names a store or a reason that neither ``items`` nor anything
        else may have: nothing that it finds would mean that all is well."""
        if self.store is not None:
            config = bootstrap.config()
            names = (*config.stores, *config.erps)
            if self.store not in names:
                known = ", ".join(names)
                fail(f"there is no store {self.store!r}; accord.toml has {known}", code=2)
        used = sorted({item.reason for item in items})
        if self.reason not in {None, *REMEDIES, *used}:
            fail(
                f"there is no reason {self.reason!r}; open are {', '.join(used) or 'none'}, and "
                f"known are {', '.join(sorted(REMEDIES))}",
                code=2,
            )

    def takes(self, item: Item, now: dt.datetime) -> bool:
        text = f"{item.message} {item.subject} {item.aggregate}".casefold()
        return (
            self.owner in {None, item.owner}
            and self.reason in {None, item.reason}
            and (self.store is None or _is_of(item, self.store))
            and self.subject in {None, item.subject, item.aggregate}
            and (self.older is None or now - item.opened_at >= age_of(self.older))
            and (self.match is None or self.match.casefold() in text)
        )


def chosen(ids: Sequence[str] | None, filter_: Filter) -> list[Item]:
    """The open items that are meant, oldest first; those named by id also where they are closed.

    Ends the command: nothing is named, or there is no such item.
    """
    if not ids and filter_.is_empty:
        fail("name items by id, or choose them with --reason, --owner, --store, …", code=2)
    if not ids:
        return meant(filter_, bootstrap.attention().open())
    found = []
    for id_ in dict.fromkeys(ids):
        item = bootstrap.attention().get(id_)
        if item is None:
            fail(f"there is no item {id_}; `accord attention list` shows what is open")
        found.append(item)
    return meant(filter_, found)


def meant(filter_: Filter, items: Sequence[Item]) -> list[Item]:
    """Those of ``items`` that it takes. Ends the command where it names what there is not."""
    filter_.check(items)
    now = bootstrap.now()
    return [item for item in items if filter_.takes(item, now)]


def none_meant() -> str:
    """What to say where a filter takes none of what is open: that is no peace."""
    count = bootstrap.attention().count_open()
    if not count:
        return "Nothing needs a person."
    if count == 1:
        return "The one open item does not match."
    return f"None of the {count:,} open items matches."


def age_of(text: str) -> dt.timedelta:
    """``2d``, ``12h`` or ``30m``; ends the command where it is none."""
    found = re.fullmatch(r"(\d{1,4})([dhm])", text)
    if found is None:
        fail(f"{text!r} is no age; write 2d, 12h or 30m", code=2)
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})


def aged(age: dt.timedelta) -> str:
    """For people: ``3 d``, ``2 h 5 min``."""
    if age.days:
        return f"{age.days} d"
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def count_of(item: Item) -> int:
    """How many it concerns: of what is open, those that wait now."""
    cause = cause_of(item)
    return item.count if cause is None or item.closed_at else bootstrap.waiting().count(cause)


def open_for(item: Item, now: dt.datetime) -> dt.timedelta:
    """Until now, or until it was closed."""
    return (item.closed_at or now) - item.opened_at


def table(title: str, items: Sequence[Item]) -> None:
    now = bootstrap.now()
    print_table(
        title,
        ["id", "owner", "reason", "subject", "n", "age", "message"],
        [
            [i.id, i.owner, i.reason, i.subject, count_of(i), aged(open_for(i, now)), i.message]
            for i in items
        ],
    )


def plan(title: str, items: Sequence[Item], left: Sequence[str], *, json: bool) -> None:
    """Says what is meant and what is left alone, before anything happens."""
    if not json:
        if items:
            table(title, items[:_SHOWN])
            if len(items) > _SHOWN:
                console.print(f"… and {len(items) - _SHOWN} more")
        for each in left:
            console.print(f"left alone: {each}", highlight=False, markup=False, soft_wrap=True)


def confirmed(question: str, *, yes: bool, json: bool, plan: object = None) -> None:
    """Goes on once a person has agreed. Where nobody can be asked it ends the command, code 2.

    ``plan`` is what would be done, as JSON; it is printed where it is not done.
    """
    if yes:
        return
    try:
        if not sys.stdin.isatty():
            told.print(f"{question} Nothing was done: add --yes to do it.", highlight=False)
            raise typer.Exit(2)
        typer.confirm(question, abort=True, err=json)
    except (typer.Exit, typer.Abort):
        if json and plan is not None:
            print_json(plan)
        raise


def operator(by: str | None, stage: str | None) -> str:
    """Who acts: as given, else the caller's AWS identity, or the login of this machine.

    Raises: UnavailableError: AWS does not say who calls.
    """
    if by and by.strip():
        return by.strip()[:100]
    if stage is None:
        return getpass.getuser()
    try:
        sts = boto3.client("sts", region_name=settings().region)
        arn: str = sts.get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(
            f"AWS does not say who you are: {error}; say it with --by"
        ) from error
    return arn


def acts() -> Acts:
    """What a person may do, at the stack that the command is connected with."""
    return Acts(
        attention=bootstrap.attention(),
        links=bootstrap.links(),
        queues=bootstrap.queues(),
        journal=bootstrap.journal(),
        clock=bootstrap.now,
        order=_order,
        profile=_profile,
        key=_key,
    )


def _order(ref: Ref) -> SalesOrder | None:
    store = bootstrap.store(ref.system)
    answer = store.get_order(ref.id)
    # As the store shows it: a mend is checked against that, whatever lies over it already.
    return None if answer is None else order_of(store, answer[0], None)


def _profile(ref: Ref) -> Profile | None:
    store = bootstrap.store(ref.system)
    answer = store.get_customer(ref.id)
    return None if answer is None else customer_of(store, answer[0], None).profile


def _key(ref: Ref) -> str:
    store = bootstrap.config().stores[ref.system]
    return order_key(store.key, ref.id) if ref.kind == "order" else f"{store.key}-p"


def _is_of(item: Item, name: str) -> bool:
    """Whether it concerns the store, or names the back office, of that ``name``."""
    config = bootstrap.config()
    if name in systems_of(item) or name in stores_of(item, config):
        return True
    cause = cause_of(item)
    if cause is None:
        return False
    waits = itertools.islice(bootstrap.waiting().of(cause), _WAITING)
    return name in stores_of(item, config, {waiter(each) for each in waits})
