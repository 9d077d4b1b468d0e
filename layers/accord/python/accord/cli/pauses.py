"""Leaving a connection alone, letting it go on, and how all of them stand."""

import datetime as dt
import re
import zoneinfo
from typing import Annotated, Any

import typer
from rich.text import Text

from accord import bootstrap, erp
from accord.bootstrap import sign_in
from accord.cli.acting import ByOption, WhyOption, age_of, operator
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.rules.config import Config, bears
from accord.rules.windows import over_at
from accord.sync.standing import Standing, standings

Name = Annotated[str, typer.Argument(metavar="STORE|ERP", help="Its name in accord.toml.")]


def pause(  # noqa: PLR0917 - they are options, and named where it is run
    name: Name,
    until: Annotated[
        str | None,
        typer.Option(
            help="Until when: 18:00, 2026-11-30 or 2026-11-30T06:00, as clocks show there."
        ),
    ] = None,
    for_: Annotated[str | None, typer.Option("--for", help="For how long: 2h, 30m, 3d.")] = None,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
) -> None:
    """Leaves a store or back office alone; what comes up meanwhile waits for the end of it.

    A pause that holds already is replaced, and said; without --why its reason holds on.
    """
    connect(stage)
    config = _known(name)
    now = bootstrap.now()
    end = _end(until, for_, now, zone=bears(config, name).zone)
    if end is not None and end <= now:
        fail(f"{end:%F %H:%M} UTC has passed; name a later time")
    begun, before = bootstrap.pauses().begin(name, by=operator(by, stage), until=end, why=why)
    over = "" if end else f"; `accord resume {name}` lets it go on"
    _say(f"{name} {begun}{over}. All workers know within seconds.")
    if before:
        held = "" if before.until else " (until it is resumed)"
        _say(f"That replaces another pause: it {before}{held}, since {before.at:%F %H:%M} UTC.")


def resume(name: Name, by: ByOption = None, stage: StageOption = None) -> None:
    """Ends a pause, or a rest that it asked for; what waits goes on within a minute, oldest order
    first."""
    connect(stage)
    table = bears(_known(name), name)
    rests = bootstrap.guard().resting(name)
    ended = bootstrap.pauses().end(name, by=operator(by, stage))
    closed = over_at(table.maintenance, bootstrap.now(), zone=table.zone)
    goes = (
        f"is in maintenance until {closed:%F %H:%M} UTC and goes on then" if closed else "goes on"
    )
    if ended is not None:
        _say(f"{name} {goes}; it {ended}.")
    elif rests:
        _say(f"{name} {goes}; it had asked for rest until {rests:%H:%M:%S} UTC.")
    else:
        _say(f"{name} was not paused" + (f"; it {goes}." if closed else "."))


def status(stage: StageOption = None, json: JsonOption = False) -> None:
    """How each connection stands: paused, in maintenance, away, its limits, what waits."""
    connect(stage)
    now = bootstrap.now()
    found = list(
        standings(
            bootstrap.config(),
            bootstrap.guard(),
            bootstrap.waiting(),
            now=now,
            connected=_is_connected,
        )
    )
    if json:
        print_json([_as_json(each) for each in found])
        return
    print_table(
        "Connections",
        ["connection", "stands", "at once", "this minute", "today", "waiting", "oldest"],
        [
            [
                each.name,
                Text(_said(each), "green" if each.is_open else "yellow"),
                _share(each.slots),
                _share(each.minute),
                _share(each.day),
                each.waiting,
                f"{each.oldest:%F %H:%M}" if each.oldest else "",
            ]
            for each in found
        ],
    )


def _is_connected(name: str) -> bool:
    """Whether somebody allows us in; always, where nobody has to."""
    if erp.load(bootstrap.config().erps[name].adapter).oauth is None:
        return True
    tokens = sign_in.connected(name)
    return tokens is not None and tokens.refused_at is None


def _known(name: str) -> Config:
    """The configuration. Ends the command where it has nothing of that name."""
    config = bootstrap.config()
    if name not in {*config.stores, *config.erps}:
        fail(f"there is no {name!r}; accord.toml has {', '.join((*config.stores, *config.erps))}")
    return config


def _end(until: str | None, for_: str | None, now: dt.datetime, *, zone: str) -> dt.datetime | None:
    """When it is over, in UTC. Ends the command where that cannot be read."""
    if until is not None and for_ is not None:
        fail("--until and --for say the same; give one of them")
    if for_ is not None:
        return now + age_of(for_)
    if until is None:
        return None
    tz = zoneinfo.ZoneInfo(zone)
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", until):
            time = dt.time.fromisoformat(until.zfill(5))
            local = now.astimezone(tz)
            end = dt.datetime.combine(local.date(), time, tz)
            if end <= now:
                end = dt.datetime.combine(local.date() + dt.timedelta(days=1), time, tz)
        else:
            end = dt.datetime.fromisoformat(until)
            end = end if end.tzinfo is not None else end.replace(tzinfo=tz)
    except ValueError:
        fail(f"{until!r} is no time; write it like 18:00, 2026-11-30 or 2026-11-30T06:00")
    return end.astimezone(dt.UTC)


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _said(standing: Standing) -> str:
    said = []
    if not standing.connected:
        said.append(f"not connected: run `accord connect {standing.name}`")
    if standing.pause:
        said.append(str(standing.pause).removeprefix("was "))
    if standing.in_maintenance:
        said.append(f"in maintenance until {standing.in_maintenance:%F %H:%M} UTC")
    if standing.breaker:
        what = {"outage": "away", "unauthorized": "turns our credentials down"}
        said.append(f"{what[standing.breaker.trouble]} since {standing.breaker.at:%F %H:%M} UTC")
    if standing.resting:
        said.append(f"asked to be left alone until {standing.resting:%H:%M:%S} UTC")
    return "; ".join(said) or "open"


def _share(pair: tuple[int, int] | None) -> str:
    return f"{pair[0]:,} of {pair[1]:,}" if pair else "–"


def _as_json(standing: Standing) -> dict[str, Any]:
    def of(pair: tuple[int, int] | None) -> dict[str, int] | None:
        return {"used": pair[0], "allowed": pair[1]} if pair else None

    def at(moment: dt.datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    pause, breaker = standing.pause, standing.breaker
    return {
        "name": standing.name,
        "kind": "store" if standing.is_store else "erp",
        "open": standing.is_open,
        "connected": standing.connected,
        "paused": {
            "by": pause.by,
            "at": at(pause.at),
            "until": at(pause.until),
            "why": pause.why,
        }
        if pause
        else None,
        "maintenance_until": at(standing.in_maintenance),
        "breaker": {"trouble": breaker.trouble, "since": at(breaker.at)} if breaker else None,
        "resting_until": at(standing.resting),
        "at_once": of(standing.slots),
        "per_minute": of(standing.minute),
        "per_day": of(standing.day),
        "waiting": standing.waiting,
        "oldest": at(standing.oldest),
    }
