"""`accord attention`: what a person must look at, and everything that can be done about it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from accord import bootstrap
from accord.cli.acting import (
    ByOption,
    Filter,
    IdsArgument,
    MatchOption,
    OlderOption,
    OwnerOption,
    ReasonOption,
    StoreOption,
    SubjectOption,
    ThingsArgument,
    WhyOption,
    YesOption,
    acts,
    chosen,
    confirmed,
    meant,
    none_meant,
    operator,
    plan,
    table,
)
from accord.cli.connection import StageOption, connect
from accord.cli.item import entry_json, item_json, mended, next_commands, print_item, story
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.errors import AccordError, BadInputError
from accord.model.words import number_of, one
from accord.ports.state import Item
from accord.settings import settings
from accord.sync import mends
from accord.sync.acts import Target, is_mendable
from accord.sync.digest import OWNERS, digest
from accord.sync.masking import masked
from accord.sync.resolve import Resolver

app = typer.Typer(help="What a person must look at, and mending it.", no_args_is_help=True)


@app.command("list")
def list_(
    *,
    owner: OwnerOption = None,
    reason: ReasonOption = None,
    store: StoreOption = None,
    subject: SubjectOption = None,
    older: OlderOption = None,
    match: MatchOption = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """What is open, oldest first."""
    connect(stage)
    wanted = Filter(owner, reason, store, subject, older, match)
    items = meant(wanted, bootstrap.attention().open())
    if json:
        print_json([item_json(each) for each in items])
    elif items:
        table("Attention", items)
    else:
        console.print(none_meant(), highlight=False)


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    *,
    full: Annotated[
        bool, typer.Option("--full", help="With personal data. Secrets stay masked.")
    ] = False,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """One item whole: what it means, what to do, what was sent and answered, what was done."""
    connect(stage)
    item = bootstrap.attention().get(id_)
    if item is None:
        fail(f"there is no item {id_}; `accord attention list` shows what is open")
    held = bootstrap.payloads().get(item.payload) if item.payload else None
    entries, link = story(item)
    if json:
        print_json(
            {
                **item_json(item),
                "held": masked(held, full=full),
                "journal": [entry_json(each) for each in entries],
                "mends": mended(link, full=full),
                "next": list(next_commands(item)),
            }
        )
        return
    print_item(item, masked(held, full=full), entries, link, full=full)


@app.command()
def replay(
    ids: ThingsArgument = None,
    *,
    owner: OwnerOption = None,
    reason: ReasonOption = None,
    store: StoreOption = None,
    subject: SubjectOption = None,
    older: OlderOption = None,
    match: MatchOption = None,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Sends orders, customers, or what items are about through again; each is read anew. Success
    closes their items."""
    connect(stage)
    wanted = Filter(owner, reason, store, subject, older, match)
    targets, left = _named_or_chosen(ids, wanted)
    _about("Replay", "sent through again", targets, left, yes=yes, json=json)
    who = operator(by, stage)
    _each(targets, left, lambda target: acts().replay(target, by=who, why=why), "queued", json=json)


@app.command()
def dismiss(
    ids: IdsArgument = None,
    *,
    why: Annotated[str, typer.Option(help="Why, for those who look later. No personal data.")],
    owner: OwnerOption = None,
    reason: ReasonOption = None,
    store: StoreOption = None,
    subject: SubjectOption = None,
    older: OlderOption = None,
    match: MatchOption = None,
    by: ByOption = None,
    stage: StageOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Closes items that were settled elsewhere. One opens again only when its content changes.

    What an order claimed of the stock beyond its document is free again.
    """
    connect(stage)
    found = chosen(ids, Filter(owner, reason, store, subject, older, match))
    items = [each for each in found if not each.subject.startswith("waiting:")]
    left = [
        f"{each.id}: things wait for it, and would be forgotten; it closes itself"
        for each in found
        if each not in items
    ]
    left += [f"{each.id}: it is closed already" for each in items if each.closed_at]
    items = [each for each in items if not each.closed_at]
    plan("Dismiss", items, left, json=json)
    _nothing(items, left, json=json)
    what = f"{_count(items)} will be closed until the content changes."
    confirmed(what, yes=yes, json=json, plan=_undone([each.id for each in items], left))
    who = operator(by, stage)
    done = [each.id for each in items if acts().dismiss(each, by=who, why=why)]
    _told(done, left, [], "dismissed", json=json)


@app.command()
def mend(
    ids: ThingsArgument = None,
    *,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="What is right.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="As the store says again.")
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Print the fields that can be mended.")
    ] = False,
    owner: OwnerOption = None,
    reason: ReasonOption = None,
    store: StoreOption = None,
    subject: SubjectOption = None,
    older: OlderOption = None,
    match: MatchOption = None,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Lays a value over what the store says of an order or customer, and sends it through again.

    It holds on every later pass; the store stays as it is. `--remove` takes it back.
    """
    if fields:
        _fields(json=json)
        return
    values = _values(set_ or ())
    if not values and not remove:
        fail("say what is right with --set FIELD=VALUE; --fields prints what can be mended", code=2)
    connect(stage)
    wanted = Filter(owner, reason, store, subject, older, match)
    targets, left = _named_or_chosen(ids, wanted)
    doing = acts()
    laid: dict[str, Sequence[Any]] = {}
    for target in targets:
        try:
            if not is_mendable(target):
                raise BadInputError("only orders, refunds and customers can be mended")
            laid[_name(target)] = doing.check(target, values)
        except AccordError as error:
            left.append(f"{_name(target)}: {error}")
    due = [each for each in targets if _name(each) in laid]
    said = [f"{name} = {value!r}" for name, value in values.items()]
    said += [f"{name} as in the store" for name in remove or ()]
    if not json:
        console.print(f"Mend: {', '.join(said)}", highlight=False, markup=False, soft_wrap=True)
    _about("Mend", "mended and sent through again", due, left, yes=yes, json=json)
    who = operator(by, stage)

    def act(target: Target) -> None:
        doing.mend(target, laid[_name(target)], lifted=remove or (), by=who, why=why)

    _each(due, left, act, "mended and queued", json=json)


@app.command()
def resolve(
    ids: IdsArgument = None,
    *,
    take: Annotated[
        str, typer.Option(help="`store`, `erp`, or the value that is right; JSON for an address.")
    ],
    field: Annotated[str | None, typer.Option(help="One field only, where several differ.")] = None,
    owner: OwnerOption = None,
    reason: ReasonOption = None,
    store: StoreOption = None,
    subject: SubjectOption = None,
    older: OlderOption = None,
    match: MatchOption = None,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Says whose value holds where both sides changed a customer. The item closes once it is so."""
    connect(stage)
    resolver = Resolver(
        links=bootstrap.links(),
        attention=bootstrap.attention(),
        payloads=bootstrap.payloads(),
        queues=bootstrap.queues(),
        clock=bootstrap.now,
    )
    items = chosen(ids, Filter(owner, reason, store, subject, older, match))
    for item in items:
        resolver.check(item.id, take, field=field)
    whose = {"store": "the store's", "erp": "the back office's"}.get(take, "the given value")
    plan("Resolve", items, [], json=json)
    _nothing(items, [], json=json)
    what = f"{field or 'every field in dispute'} will be {whose}"
    undone = _undone([each.id for each in items], [])
    confirmed(f"{_count(items)}: {what}.", yes=yes, json=json, plan=undone)
    who = operator(by, stage)
    results = []
    for item in items:
        at = f"{who} {bootstrap.now().isoformat()}"
        decided = resolver.settle(item.id, take, field=field, by=at)
        acts().resolved(Target.of(item), decided, by=who, why=why)
        results.append({"id": item.id, "fields": list(decided), "take": whose})
        if not json:
            console.print(f"{', '.join(decided)}: {whose}; queued.", highlight=False)
    if json:
        print_json({"done": results})


@app.command("digest")
def digest_(
    *, owner: OwnerOption = None, stage: StageOption = None, json: JsonOption = False
) -> None:
    """What each desk is mailed in the morning, as it would be now. Sends nothing."""
    connect(stage)
    now = bootstrap.now()
    for each in OWNERS if owner is None else (owner,):
        items = bootstrap.attention().open(owner=each)
        mail = digest(each, items, now, stage=settings().stage, when_empty=owner is not None)
        if mail is None:
            continue
        if json:
            print_json({"owner": each, "subject": mail.subject, "text": mail.text})
        else:
            console.print(mail.subject, style="bold", highlight=False, markup=False)
            console.print(mail.text, highlight=False, markup=False, soft_wrap=True)


# --- one after the other ---------------------------------------------------------


def _named_or_chosen(ids: Sequence[str] | None, wanted: Filter) -> tuple[list[Target], list[str]]:
    """Orders and customers that are named, and what the items that are meant are about; and what
    cannot be sent again with the reason. Ends the command where nothing is named."""
    named = [Target.named(each) for each in ids or () if ":" in each]
    others = [each for each in ids or () if ":" not in each]
    targets, left = _targets(chosen(others, wanted) if others or not named else [])
    return [*named, *targets], left


def _targets(items: Sequence[Item]) -> tuple[list[Target], list[str]]:
    """What can be sent again, and what cannot with the reason."""
    targets, left = [], []
    for item in items:
        try:
            targets.append(Target.of(item))
        except BadInputError as error:
            left.append(str(error))
    return targets, left


def _about(
    title: str, what: str, targets: Sequence[Target], left: Sequence[str], *, yes: bool, json: bool
) -> None:
    """The plan, and a person's word for it."""
    items = [each.item for each in targets if each.item is not None]
    plan(title, items, left, json=json)
    refs = [str(each.ref) for each in targets if each.item is None]
    if refs and not json:
        console.print(", ".join(refs), highlight=False)
    _nothing(targets, left, json=json)
    undone = _undone([_name(each) for each in targets], left)
    confirmed(f"{_count(targets)} will be {what}.", yes=yes, json=json, plan=undone)


def _undone(due: Sequence[str], left: Sequence[str]) -> dict[str, list[str]]:
    """The plan for a script, where nobody agreed to it."""
    return {"done": [], "due": list(due), "left_alone": list(left), "failed": []}


def _nothing(found: Sequence[object], left: Sequence[str], *, json: bool) -> None:
    """Ends the command where nothing is to be done."""
    if found:
        return
    if json:
        print_json({"done": [], "left_alone": list(left), "failed": []})
    else:
        said = "Nothing matches that can be done." if left else none_meant()
        console.print(said, highlight=False)
    raise typer.Exit(1 if left else 0)


def _each(
    targets: Sequence[Target],
    left: Sequence[str],
    act: Callable[[Target], None],
    verb: str,
    *,
    json: bool,
) -> None:
    """One that fails does not keep the others from being done."""
    done: list[str] = []
    failed: list[str] = []
    for target in targets:
        try:
            act(target)
        except AccordError as error:
            failed.append(f"{_name(target)}: {error}")
        else:
            done.append(_name(target))
    _told(done, left, failed, verb, json=json)
    if not json and len(targets) == 1 and done:
        story = targets[0].story
        console.print(
            f"`accord trace {story.system} {story.id}` tells what became of it.", highlight=False
        )


def _told(
    done: Sequence[str], left: Sequence[str], failed: Sequence[str], verb: str, *, json: bool
) -> None:
    if json:
        print_json({"done": list(done), "left_alone": list(left), "failed": list(failed)})
    else:
        console.print(f"{_count(done)} {verb}.", highlight=False)
        for each in failed:
            console.print(f"failed: {each}", highlight=False, markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _count(found: Sequence[object]) -> str:
    return number_of(len(found), "item")


def _name(target: Target) -> str:
    return target.item.id if target.item is not None else str(target.ref)


def _values(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            fail(f"{each!r} is no FIELD=VALUE", code=2)
        found[name.strip()] = value
    return found


def _fields(*, json: bool) -> None:
    kinds = {kind: mends.allowed(kind) for kind in ("order", "refund", "customer")}
    if json:
        print_json(kinds)
        return
    for kind, known in kinds.items():
        print_table(f"Of {one(kind)}", ["field", "what it is"], [[*each] for each in known.items()])
