"""A webhook secret is renewed without a moment in which a delivery is refused."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from accord.errors import BadInputError, UnauthorizedError, UnavailableError
from accord.model.change import Ref
from accord.sync.rotation import KNOWN_AFTER_S, Rotation
from tests.sync.test_webhooks import ORDERS, Refusing, Room


@dataclass
class Kept:
    """A list of secrets; ``breaks`` says after how many writes nothing is written any more."""

    held: list[str] = field(default_factory=lambda: ["old"])
    history: list[list[str]] = field(default_factory=list)

    def read(self) -> Sequence[str]:
        return list(self.held)

    def write(self, secrets: Sequence[str]) -> None:
        self.held = list(secrets)
        self.history.append(self.held)


@dataclass
class Renewing:
    """A store with webhooks made by hand, and a rotation of its secret."""

    room: Room = field(default_factory=Room)
    kept: Kept = field(default_factory=Kept)
    waited: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        for topic in ORDERS:
            self.room.add(topic, secret="old")
        numbers = itertools.count(1)
        guard = replace(self.room.guard, secret=lambda: self.kept.read()[0])
        self.rotation = Rotation(
            name="uk",
            secrets=self.kept,
            guard=guard,
            control=self.room.control,
            journal=self.room.journal,
            clock=self.room.clock,
            new=lambda: f"new{next(numbers)}",
            wait=self.waited.append,
            by="olivia",
        )

    def borne(self) -> set[str]:
        return {hook.secret for hook in self.room.hooks.values()}


@pytest.fixture
def renewing() -> Renewing:
    return Renewing()


def test_the_new_secret_is_put_before_the_old_one_and_the_webhooks_bear_it(
    renewing: Renewing,
) -> None:
    steps = list(renewing.rotation.rotate())

    assert renewing.kept.held == ["new1", "old"]
    assert renewing.borne() == {"new1"}
    assert len(renewing.room.hooks) == len(ORDERS)
    assert steps[-1].endswith("--finish`")


def test_no_webhook_bears_a_secret_before_every_receiver_knows_it(renewing: Renewing) -> None:
    seen: list[tuple[list[str], set[str]]] = []
    waits = replace(
        renewing.rotation,
        wait=lambda seconds: seen.append((list(renewing.kept.held), renewing.borne())),
    )
    list(waits.rotate())

    assert seen == [(["new1", "old"], {"old"})]
    assert KNOWN_AFTER_S > 30


def test_finished_only_the_new_secret_is_valid(renewing: Renewing) -> None:
    list(renewing.rotation.rotate())
    list(renewing.rotation.finish())

    assert renewing.kept.held == ["new1"]
    assert renewing.borne() == {"new1"}


def test_rotated_again_before_the_end_no_third_secret_is_made(renewing: Renewing) -> None:
    list(renewing.rotation.rotate())
    made = dict(renewing.room.hooks)

    list(renewing.rotation.rotate())

    assert renewing.kept.held == ["new1", "old"]
    assert renewing.room.hooks == made


def test_after_the_end_another_rotation_makes_another_secret(renewing: Renewing) -> None:
    for _ in range(2):
        list(renewing.rotation.rotate())
        list(renewing.rotation.finish())

    assert renewing.kept.held == ["new2"]
    assert renewing.borne() == {"new2"}


def test_what_is_not_begun_cannot_be_finished(renewing: Renewing) -> None:
    renewing.kept.held = ["another", "old"]

    with pytest.raises(BadInputError, match="no rotation"):
        list(renewing.rotation.finish())

    assert renewing.kept.held == ["another", "old"]


def test_while_a_webhook_bears_the_old_secret_it_stays_valid(renewing: Renewing) -> None:
    list(renewing.rotation.rotate())
    renewing.room.add("order.created", secret="old")

    with pytest.raises(BadInputError, match="not every webhook"):
        list(renewing.rotation.finish())

    assert renewing.kept.held == ["new1", "old"]
    list(renewing.rotation.rotate())
    list(renewing.rotation.finish())
    assert renewing.borne() == {"new1"}


@pytest.mark.parametrize("steps", range(6))
def test_broken_off_after_any_step_the_same_command_goes_on(renewing: Renewing, steps: int) -> None:
    list(itertools.islice(renewing.rotation.rotate(), steps))
    list(renewing.rotation.rotate())
    list(renewing.rotation.finish())

    assert renewing.kept.held == ["new1"]
    assert renewing.borne() == {"new1"}
    assert len(renewing.room.hooks) == len(ORDERS)


@pytest.mark.parametrize("refused", ["hooks", "create_hook", "delete_hook"])
@pytest.mark.parametrize(
    "error",
    [UnauthorizedError("no rights", connection="uk"), UnavailableError("off", connection="uk")],
)
def test_refused_by_the_store_both_secrets_stay_valid_and_it_goes_on_later(
    renewing: Renewing, refused: str, error: Exception
) -> None:
    away = Refusing(renewing.room.store, refused, error=error)
    guard = replace(renewing.rotation.guard, shop=away)

    with pytest.raises(type(error)):
        list(replace(renewing.rotation, guard=guard).rotate())
    # Where they cannot even be looked at, nothing is begun.
    assert renewing.kept.held == (["old"] if refused == "hooks" else ["new1", "old"])
    list(renewing.rotation.rotate())
    list(renewing.rotation.finish())

    assert renewing.borne() == {"new1"}
    assert len(renewing.room.hooks) == len(ORDERS)


def test_where_no_webhook_is_ours_nothing_is_begun_or_ended(renewing: Renewing) -> None:
    made = dict(renewing.room.hooks)
    renewing.room.hooks.clear()
    with pytest.raises(BadInputError, match="--url"):
        list(renewing.rotation.rotate())
    assert renewing.kept.held == ["old"]

    renewing.room.hooks.update(made)
    list(renewing.rotation.rotate())
    renewing.room.hooks.clear()
    with pytest.raises(BadInputError, match="--url"):
        list(renewing.rotation.finish())
    assert renewing.kept.held == ["new1", "old"]


def test_the_first_secret_of_all_needs_no_webhooks_yet(renewing: Renewing) -> None:
    renewing.kept.held = []
    renewing.room.hooks.clear()

    list(renewing.rotation.rotate())
    assert renewing.kept.held == ["new1"]
    assert renewing.waited == []

    replace(renewing.rotation.guard, secret=lambda: renewing.kept.read()[0]).run()
    list(renewing.rotation.finish())
    assert renewing.borne() == {"new1"}


def test_a_secret_that_could_not_be_written_is_not_taken_for_one(renewing: Renewing) -> None:
    def refuse(_: Sequence[str]) -> None:
        raise UnavailableError("no Secrets Manager", connection="aws")

    write: Callable[[Sequence[str]], None] = renewing.kept.write
    renewing.kept.write = refuse  # type: ignore[method-assign]
    with pytest.raises(UnavailableError):
        list(renewing.rotation.rotate())
    renewing.kept.write = write  # type: ignore[method-assign]

    list(renewing.rotation.rotate())

    assert renewing.kept.held == ["new2", "old"]
    assert renewing.borne() == {"new2"}


def test_the_story_says_who_did_it_and_holds_no_secret(renewing: Renewing) -> None:
    list(renewing.rotation.rotate())
    list(renewing.rotation.finish())

    told = renewing.room.journal.of(Ref("uk", "webhooks", "all"))
    assert {entry.details.get("by") for entry in told if "secret" in entry.text} >= {"olivia"}
    assert "new1" not in str(told)
    held = [renewing.room.control.get(name) for name in ("rotation:uk", "webhooks:uk")]
    assert "new1" not in str(held)
