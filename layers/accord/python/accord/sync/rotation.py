"""A store's webhook secret is renewed while deliveries go on.

First the new one is put before the old one, and both are valid; then, once every receiver knows it,
the webhooks are made anew with it; in the end, at another time, the old one is taken off. Wherever
it breaks off, the same command goes on.

A value of ``control`` per store, ``rotation:{store}``, knows the new secret by a digest.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.ports.state import Control, Entry, Journal
from accord.sync.webhooks import WebhookGuard, fingerprint

KNOWN_AFTER_S = 40.0
"""Until every receiver knows a new secret: after a bad signature it asks again in half a minute."""


class Secrets(Protocol):
    """What a store's webhooks may be signed with, newest first."""

    def read(self) -> Sequence[str]:
        """All that are valid, none where there is no such list yet."""
        ...

    def write(self, secrets: Sequence[str]) -> None:
        """These and no others are valid; whatever else the secret holds stays."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Of one store. ``new()`` makes up a secret of letters and digits, which is all that a store
    takes as it is; ``by`` is who asked for it."""

    name: str
    secrets: Secrets
    guard: WebhookGuard
    control: Control
    journal: Journal
    clock: Callable[[], dt.datetime]
    new: Callable[[], str]
    wait: Callable[[float], object]
    by: str

    def rotate(self) -> Iterator[str]:
        """Does it, or goes on with one that broke off; says each step when it is done.

        Where there was no secret yet there need be no webhooks: they are made with the first one.

        Raises:
            BadInputError: no webhook of the store is ours, and nothing was changed.
            UnauthorizedError: the store's key may not change webhooks; ask again once it may.
        """
        held = list(self.secrets.read())
        is_first = not held
        if not is_first:
            self._expect_hooks()
        if self._is_under_way(held):
            yield "the new secret is there already, and the old ones are valid beside it"
        else:
            secret = self.new()
            self._mark(secret)  # before, so that what is there afterwards is known to be new
            held = [secret, *held]
            self.secrets.write(held)
            self._tell("put a new webhook secret before the others")
            yield "a new secret is there; the old ones are valid beside it"
        if is_first and not self.guard.has_any():
            yield f"the webhooks are made with it, to {self.guard.url}, once they are guarded"
            return
        if self.guard.bear(held[0]):
            yield "all webhooks bear it"
        else:
            self.wait(KNOWN_AFTER_S)
            yield f"every receiver knows it, {KNOWN_AFTER_S:.0f} s later"
            for fix in self.guard.renew():
                yield f"made anew: {fix}"
            self._tell("made the webhooks anew with the new secret")
        yield f"look whether orders come; then `accord secrets rotate {self.name} --finish`"

    def finish(self) -> Iterator[str]:
        """Takes the old secrets off. Again is the same as once.

        Raises: BadInputError: none was begun, no webhook is ours, or one does not bear the new
            secret yet.
        """
        held = list(self.secrets.read())
        if not self._is_under_way(held):
            raise BadInputError(
                f"no rotation of {self.name}'s webhook secret is under way; begin one with "
                f"`accord secrets rotate {self.name}`"
            )
        self._expect_hooks()
        if not self.guard.bear(held[0]):
            raise BadInputError(
                f"not every webhook of {self.name} bears the new secret; "
                f"`accord secrets rotate {self.name}` goes on where it broke off"
            )
        self.secrets.write(held[:1])
        self._mark("")
        self._tell("took the old webhook secrets off")
        yield "the old secrets are not valid any more"

    def _expect_hooks(self) -> None:
        if not self.guard.has_any():
            raise BadInputError(
                f"no webhook of {self.name} goes to {self.guard.url} or bears our name, so none "
                "would bear a new secret; name the right address with --url, or set "
                f"[stores.{self.name}.webhooks] guard = true, deploy, and try again in some minutes"
            )

    def _is_under_way(self, held: Sequence[str]) -> bool:
        found = self.control.get(self._mark_name)
        if found is None or not held:
            return False
        return bool(json.loads(found[0])["new"] == fingerprint(held[0]))

    def _mark(self, secret: str) -> None:
        found = self.control.get(self._mark_name)
        value = {"new": fingerprint(secret) if secret else "", "by": self.by}
        self.control.put(self._mark_name, json.dumps(value), version=found[1] if found else None)

    @property
    def _mark_name(self) -> str:
        return f"rotation:{self.name}"

    def _tell(self, text: str) -> None:
        now = self.clock()
        ref = Ref(self.name, "webhooks", "all")
        entry = Entry(ref, now, "step", text, f"rotate-{now:%Y%m%d%H%M%S}", {"by": self.by})
        self.journal.append([entry])
