"""`accord secrets`: what a store signs with is renewed, and no delivery is lost by it."""

import secrets
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import typer

from accord import bootstrap
from accord.cli.acting import ByOption, operator
from accord.cli.connection import StageOption, connect, local_webhooks
from accord.cli.credentials import KeptSecret
from accord.cli.output import console, fail, told
from accord.errors import BadInputError
from accord.settings import settings
from accord.sync.rotation import Rotation

app = typer.Typer(help="Renew what a store signs its deliveries with.", no_args_is_help=True)
_LETTERS = string.ascii_letters + string.digits  # WordPress decodes entities in anything else
_LENGTH = 50
_LIST = "webhook_secrets"


@app.command("rotate")
def rotate(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="Take the old secret off; the last step.")
    ] = False,
    url: Annotated[
        str, typer.Option(help="Where this stage's webhooks go, if accord.toml does not say.")
    ] = "",
    by: ByOption = None,
    stage: StageOption = None,
) -> None:
    """Gives a store's webhooks a new secret. Run it once more if it breaks off: it goes on.

    The new secret is put before the old one, then the webhooks are made anew with it. Both are
    valid until --finish, which you run once orders have come with the new one.
    """
    connect(stage)
    stores = bootstrap.config().stores
    if store not in stores:
        fail(f"there is no store {store!r}; accord.toml has {', '.join(stores)}")
    address = url or address_of(store, is_local=stage is None)
    console.print(f"webhooks of {store} that go to {address}", highlight=False)
    rotation = _rotation(store, address, operator(by, stage))
    for step in rotation.finish() if finish else rotation.rotate():
        console.print(f"✓ {step}", highlight=False)


def _rotation(store: str, url: str, by: str) -> Rotation:
    kept = StoreSecrets(bootstrap.config().stores[store].secret)
    guard = bootstrap.webhook_guard(store, url=url, secret=lambda: kept.read()[0])
    return Rotation(
        name=store,
        secrets=kept,
        guard=guard,
        control=bootstrap.control(),
        journal=bootstrap.journal(),
        clock=bootstrap.now,
        new=new_secret,
        wait=_wait,
        by=by,
    )


def new_secret() -> str:
    """Fifty letters and digits that nobody can guess."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def _wait(seconds: float) -> None:
    with told.status(f"waiting {seconds:.0f} s, until every receiver knows it", spinner="dots"):
        time.sleep(seconds)


def address_of(store: str, *, is_local: bool) -> str:
    """Where the store's webhooks for this stage go, as accord.toml or the stack says.

    Raises: BadInputError: neither does. What the store has may be another stage's.
    """
    named = bootstrap.config().stores[store].webhooks.delivery_url
    if named:
        return named
    path = f"/stores/{store}/webhooks"
    if is_local:
        url = urlsplit(local_webhooks())
        return f"{url.scheme}://{url.netloc}{path}"
    if public := settings().public_url:
        return f"{public}{path}"
    hooks = bootstrap.store(store).hooks()
    found = sorted({hook.url for hook in hooks if urlsplit(hook.url).path.endswith(path)})
    raise BadInputError(
        f"say with --url, or as delivery_url of [stores.{store}.webhooks], which address is this "
        f"stage's; webhooks of {store} go to {', '.join(found) or 'none like it'}"
    )


@dataclass(frozen=True, slots=True)
class StoreSecrets:
    """The list in one secret of Secrets Manager. ``name`` is the configuration's for it."""

    name: str

    def read(self) -> Sequence[str]:
        """See ``Secrets.read``."""
        found = KeptSecret(self.name).content().get(_LIST, [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise BadInputError(f"{_LIST} of the secret {self.name} is no list of texts; mend it")
        return [each for each in found if each]

    def write(self, secrets: Sequence[str]) -> None:
        """See ``Secrets.write``."""
        kept = KeptSecret(self.name)
        kept.put({**kept.content(), _LIST: list(secrets)})
