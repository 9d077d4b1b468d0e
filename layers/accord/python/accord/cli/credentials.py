"""Credentials on their way from an operator to Secrets Manager: never shown, never half stored."""

import datetime as dt
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from accord import bootstrap
from accord.cli.output import told
from accord.edge import secret_name
from accord.errors import BadInputError, UnavailableError
from accord.local.place import table_of
from accord.oauth import pending_of
from accord.ports.tokens import PENDING, TokenSet
from accord.sync.consent import ASKED_LASTS, LINK_LASTS

APP = ("client_id", "client_secret")
"""Keys of a secret that are our app at a back office which is allowed in a browser."""
LISTS = ("webhook_secrets", "checkout_secrets", "webhook_keys")
"""Keys of a secret that hold a list of texts, newest first: two are valid while one is rotated."""
_UNDER_WAY = LINK_LASTS + ASKED_LASTS  # so long after it was put aside may an app be allowed


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """One secret of Secrets Manager. ``name`` is the configuration's for it."""

    name: str

    def content(self) -> dict[str, Any]:
        """What it holds. Raises: BadInputError: no JSON object. UnavailableError."""
        try:
            text = self._call("get_secret_value").get("SecretString", "")
            found = json.loads(text)
        except ValueError:
            found = None  # whose message would hold the text
        if not isinstance(found, dict):
            raise BadInputError(f"the secret {self.name} holds no JSON object; mend it")
        return found

    def content_if_any(self) -> dict[str, Any]:
        """The same; nothing where nobody has put a value yet."""
        try:
            return self.content()
        except UnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError):
                code = cause.response.get("Error", {}).get("Code")
                if code == "ResourceNotFoundException":
                    return {}
            raise

    def put(self, content: Mapping[str, Any]) -> None:
        """The whole of it, in one write. Raises: UnavailableError."""
        self._call("put_secret_value", SecretString=json.dumps(dict(content)))

    def _call(self, method: str, **fields: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(bootstrap.client("secretsmanager"), method)(
                SecretId=secret_name(self.name), **fields
            )
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(
                f"Secrets Manager refuses {method} of {secret_name(self.name)}: {error}"
            ) from error
        return answer


def given(
    file: Path | None,
    secret: str,
    *,
    needed: Mapping[str, str],
    more: Mapping[str, str],
    held: Mapping[str, Any],
) -> dict[str, Any]:
    """The fields in ``file`` (``-``: JSON on standard input), or else those that a person types,
    unseen. ``needed`` and ``more`` are field → what it is; of ``more`` each may be left out, and so
    may what is ``held`` already.

    Raises: BadInputError: it cannot be read, holds nothing, lacks a field, or has one that is not
    known; no content is repeated.
    """
    found = _asked(needed, more, held) if file is None else _read(file, secret)
    known = {*needed, *more}
    if unknown := sorted(found.keys() - known):
        raise BadInputError(
            f"{_named(file)} has {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    if lacks := sorted(name for name in needed if not (found.get(name) or held.get(name))):
        raise BadInputError(f"{_named(file)} lacks {', '.join(lacks)}")
    filled = {name: _checked(file, name, value) for name, value in found.items() if value}
    if file is not None and not filled:  # what is typed may all be left as it is
        raise BadInputError(f"{_named(file)} holds nothing; known are {', '.join(sorted(known))}")
    return filled


def _asked(
    needed: Mapping[str, str], more: Mapping[str, str], held: Mapping[str, Any]
) -> dict[str, Any]:
    typed = {}
    for name, what in (*needed.items(), *more.items()):
        if held.get(name):
            typed[name] = _hidden(name, f"{what}; empty keeps the present one", default="")
        elif name in more:
            typed[name] = _hidden(name, f"{what}; empty for none", default="")
        else:
            typed[name] = _hidden(name, what)
    return typed


def _hidden(name: str, what: str, **options: Any) -> str:
    # On standard error, so that --json stays readable.
    text: str = typer.prompt(
        f"{name} ({what})", hide_input=True, show_default=False, err=True, **options
    )
    return text.strip()


def _read(file: Path, secret: str) -> dict[str, Any]:
    """The fields, or those of ``secret`` in a file of several, as `accord local` takes it."""
    if str(file) == "-":
        try:
            found = json.loads(sys.stdin.read())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise BadInputError("standard input holds no JSON object of fields")
        return found
    whole = table_of(file)
    _warn_of_readers(file)
    several = bool(whole) and all(isinstance(value, dict) for value in whole.values())
    if several and secret not in whole:
        raise BadInputError(f"{file} has no table for {secret!r}")
    found = whole[secret] if several else whole
    return dict(found)


def _warn_of_readers(file: Path) -> None:
    if file.stat().st_mode & 0o077:
        told.print(
            f"others on this machine may read {file}; delete it now", highlight=False, markup=False
        )


def _checked(file: Path | None, name: str, value: object) -> Any:
    if name in LISTS:
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(each, str) and each for each in texts):
            return texts
        raise BadInputError(f"{name} of {_named(file)} must be a text, or a list of texts")
    if not isinstance(value, str):
        raise BadInputError(f"{name} of {_named(file)} must be a text")
    return value


def _named(file: Path | None) -> str:
    if file is None:
        return "what was typed"
    return "standard input" if str(file) == "-" else str(file)


def merged(before: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``before`` with what is ``new``. Of a list the new ones come first, each once."""
    content = {**before, **new}
    for name in set(LISTS) & new.keys():
        old = before.get(name)
        content[name] = list(dict.fromkeys([*new[name], *(old if isinstance(old, list) else ())]))
    return content


def with_app(
    before: Mapping[str, Any], new: Mapping[str, Any], *, now: dt.datetime, mark: str
) -> dict[str, Any]:
    """``merged``, but another app than that of ``before`` lies aside, under this ``mark``, until
    somebody consents to it: the one of ``before`` goes on renewing the tokens, whatever becomes of
    who runs this. One that waits already stays where none is given and its link may still be
    opened."""
    app = {part: new.get(part) or before.get(part) for part in APP}
    others = {name: value for name, value in new.items() if name not in APP}
    rest = merged({name: before[name] for name in before if name != PENDING}, others)
    if not all(before.get(part) for part in APP):
        return {**rest, **app}
    waits = pending_of(before)
    if not new.keys() & set(APP):
        keeps = waits is not None and _may_still_come(waits, now)
        return {**rest, PENDING: waits} if keeps else rest
    if all(before[part] == app[part] for part in APP):
        return rest
    if waits is not None and all(waits[part] == app[part] for part in APP):
        mark = waits["mark"]  # the link of the run before is for the same
    return {**rest, PENDING: {**app, "mark": mark, "at": now.isoformat()}}


def _may_still_come(waits: Mapping[str, str], now: dt.datetime) -> bool:
    try:
        return now < dt.datetime.fromisoformat(waits["at"]) + _UNDER_WAY
    except (ValueError, TypeError):  # somebody wrote it by hand
        return False


def settled(content: Mapping[str, Any], tokens: TokenSet | None) -> dict[str, Any]:
    """``content`` with the app that waits in the place of the one before, if the ``tokens`` are of
    a consent to it; else as it is."""
    app = pending_of(content)
    if app is None or tokens is None or tokens.app_mark != app["mark"]:
        return dict(content)
    rest = {name: value for name, value in content.items() if name != PENDING}
    return {**rest, **{part: app[part] for part in APP}}
