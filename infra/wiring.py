"""accord.toml, as far as the stacks need it. What its rules mean is the package's business."""

import datetime as dt
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import ROOT
from infra.events import CALLING, CONSENTED

OWNERS = ("commerce", "finance", "warehouse", "support", "ops")
"""Who can be told of a problem; each has a topic."""


@dataclass(frozen=True, slots=True)
class Watch:
    """[alarms] and [audit] of accord.toml, with what holds where they say nothing.

    ``mails`` is an address per owner, ``runbooks`` where those lie, ``late_hours`` how late an
    order may be; ``quiet_hours`` is None where no busy hours are told.
    """

    mails: Mapping[str, str]
    runbooks: str
    late_hours: int
    quiet_hours: int | None
    audit_days: int

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Watch":
        alarms, audit = document.get("alarms", {}), document.get("audit", {})
        return cls(
            mails={owner: alarms[owner] for owner in OWNERS if owner in alarms},
            runbooks=alarms.get("runbooks", "docs/runbooks").rstrip("/"),
            late_hours=alarms.get("late_hours", 4),
            quiet_hours=alarms.get("quiet_hours", 6) if "busy_hours" in alarms else None,
            audit_days=audit.get("keep_days", 400),
        )


class RefusedError(Exception):
    """This file cannot be deployed to this stage; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the stacks take from accord.toml.

    ``stores`` and ``erps`` are names; ``store_secrets`` and ``erp_secrets`` too, without the stage,
    each once. ``poll_minutes`` says how often each back office is asked what changed, in minutes,
    ``workers`` how many may write at once, and ``compiled`` the whole file as JSON.
    ``digest_at`` is when the desks are mailed, a time of day in UTC. ``fixed``: what goes out comes
    from fixed addresses. ``front`` is the API's host, where something stands in front of it.
    ``oauth`` are the back offices that a person allows in a browser, with their secrets;
    ``calling_secrets`` are of those that call.
    """

    stores: tuple[str, ...]
    erps: tuple[str, ...]
    store_secrets: tuple[str, ...]
    erp_secrets: tuple[str, ...]
    poll_minutes: Mapping[str, int]
    workers: int
    watch: Watch
    compiled: str
    digest_at: str = "05:30"
    fixed: bool = False
    front: str = ""
    oauth: tuple[str, ...] = ()
    oauth_secrets: tuple[str, ...] = ()
    calling_secrets: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """All names of secrets, each once."""
        return _once(self.store_secrets + self.erp_secrets)


def read(path: Path, *, prod: bool) -> Wiring:
    """The wiring in ``path``, for a stage that is ``prod`` or is not.

    Raises:
        RefusedError: the file is not there, is no TOML, lacks a table that is needed here, or
            connects a stage that is not prod with what is.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RefusedError(f"{path} is not there; name another with -c config=FILE") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RefusedError(f"{path}: {error}") from error
    if not prod and (live := list(_live(document))):
        raise RefusedError(
            f"{path}: {', '.join(live)} marked prod = true, and this stage is not prod. "
            "Deploy with -c stage=prod, or name this stage's own file with -c config=FILE"
        )
    try:
        stores, erps = document["stores"].values(), document["erps"].values()
        consented = {
            name: erp for name, erp in document["erps"].items() if erp["adapter"] in CONSENTED
        }
        return Wiring(
            stores=tuple(document["stores"]),
            erps=tuple(document["erps"]),
            store_secrets=_once(store["secret"] for store in stores),
            erp_secrets=_once(erp["secret"] for erp in erps),
            poll_minutes={
                name: erp.get("poll_minutes", 1) for name, erp in document["erps"].items()
            },
            # A FIFO event source cannot be held to less than two.
            workers=max([2, *(erp.get("concurrency", 2) for erp in erps)]),
            watch=Watch.of(document),
            compiled=compiled(document),
            digest_at=document.get("digest", {}).get("at", "05:30"),
            fixed=document.get("deploy", {}).get("fixed_addresses", False),
            front=document.get("deploy", {}).get("front", ""),
            oauth=tuple(consented),
            oauth_secrets=_once(erp["secret"] for erp in consented.values()),
            calling_secrets=_once(erp["secret"] for erp in erps if erp["adapter"] in CALLING),
        )
    except (KeyError, AttributeError, TypeError) as error:
        raise RefusedError(f"{path}: {error!r}; `accord config check` says where") from error


def compiled(document: Mapping[str, Any]) -> str:
    """``document`` as JSON, moments and dates as ISO 8601 text; equal files give equal text."""
    return json.dumps(document, default=_iso, sort_keys=True, ensure_ascii=False, indent=1)


def check(path: Path) -> None:
    """Nothing, once `accord config check` has found nothing in ``path``; it prints what it finds.

    Another process, because the stacks do not import the package. ``ACCORD_SKIP_CHECK=1`` leaves it
    out, for tests of the stacks alone.

    Raises:
        RefusedError: it found something, or did not end within a minute.
    """
    if os.environ.get("ACCORD_SKIP_CHECK") == "1":
        return
    package = str(ROOT / "layers/accord/python")
    inherited = os.environ.get("PYTHONPATH")
    try:
        found = subprocess.run(
            [sys.executable, "-m", "accord.cli", "config", "check", str(path)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, (package, inherited))),
            },
            stdout=sys.stderr,  # the CLI above us may be asked for JSON on stdout
            timeout=60,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise RefusedError(f"{path}: `accord config check` did not end within a minute") from error
    if found != 0:
        raise RefusedError(f"{path}: `accord config check` refuses it (see above)")


def _live(document: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("stores", "erps"):
        for name, connection in document.get(kind, {}).items():
            if connection.get("prod", False):
                yield f"{kind}.{name}"


def _once(names: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _iso(value: object) -> str:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON")
