"""The daily mail: what is open, how old, what to do; each desk its own, once, naming nobody."""

import datetime as dt

import pytest

from accord.errors import Owner, UnavailableError
from accord.ports.notices import Notices
from accord.ports.state import Item
from accord.state.memory import MemoryAttention, MemoryControl
from accord.sync.digest import Digester, age, digest

NOW = dt.datetime(2026, 11, 22, 5, 30, tzinfo=dt.UTC)


def item(id_: str, hours: float = 1, owner: Owner = "finance", **fields: object) -> Item:
    at = NOW - dt.timedelta(hours=hours)
    values = {"subject": f"uk:order:{id_}", "reason": "total_differs", "message": "Ada owes 7"}
    return Item(id=id_, owner=owner, opened_at=at, updated_at=at, **(values | fields))  # type: ignore[arg-type]


class Post(Notices):
    """``refuses`` are owners whose mail cannot be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.refuses: set[str] = set()

    def publish(self, owner: Owner, subject: str, text: str) -> None:
        if owner in self.refuses:
            raise UnavailableError("SNS is away")
        self.sent.append((owner, subject, text))


class Desk:
    """A morning: items, and who was told."""

    def __init__(self, *items: Item) -> None:
        self.now, self.when_empty = NOW, False
        self.attention, self.control, self.post = MemoryAttention(), MemoryControl(), Post()
        for each in items:
            self.attention.put(each)

    def run(self) -> list[str]:
        return list(
            Digester(
                attention=self.attention,
                control=self.control,
                notices=self.post,
                clock=lambda: self.now,
                stage="prod",
                when_empty=self.when_empty,
            ).run()
        )


# --- what it says ----------------------------------------------------------------


def mail(*items: Item, owner: Owner = "finance") -> tuple[str, str]:
    oldest_first = sorted(items, key=lambda each: each.opened_at)
    found = digest(owner, oldest_first, NOW, stage="prod")
    assert found is not None
    return found.subject, found.text


def test_the_subject_says_how_many_and_how_old() -> None:
    subject, _ = mail(item("30", 80), item("31"))

    assert subject == "Accord prod: 2 things need finance, the oldest for 3 days"


def test_one_thing_is_one_thing() -> None:
    assert mail(item("30"))[0] == "Accord prod: 1 thing needs finance, the oldest for 60 minutes"


def test_it_counts_by_reason_and_age() -> None:
    _, text = mail(item("30", 200), item("31", 30), item("32", reason="closed_period"))

    assert "1 thing open for a week or more; 2 things open for a day or more" in text
    assert "   2  The document would come to another total than the store charged." in text
    assert "[closed_period, oldest 60 minutes]" in text


def test_each_is_told_with_its_remedy_and_its_command() -> None:
    _, text = mail(item("30"))

    assert "1. uk:order:30, for 60 minutes" in text
    assert "accord attention replay" in text
    assert "accord attention show 30 --stage prod" in text


def test_only_the_oldest_ten_are_told_one_by_one() -> None:
    _, text = mail(*(item(str(n), hours=n) for n in range(30, 45)))

    assert "10. uk:order:35" in text
    assert "uk:order:34," not in text
    assert "accord attention list --owner finance --stage prod" in text


def test_what_many_wait_for_is_told_with_how_many() -> None:
    _, text = mail(item("w", subject="waiting:main:tax:20", reason="unmapped", count=37))

    assert "37 changes waiting at main for tax:20" in text


def test_a_fee_is_not_named_since_its_name_is_free_text() -> None:
    _, text = mail(item("w", subject="waiting:main:fee:For Maria", reason="unmapped", count=2))

    assert "2 changes waiting at main for a fee" in text
    assert "Maria" not in text


def test_a_part_is_told_with_what_it_is_of() -> None:
    _, text = mail(item("7", subject="uk:refund:7", aggregate="uk:order:30"))

    assert "uk:refund:7 of uk:order:30" in text


def test_nobody_is_named() -> None:
    assert "Ada" not in "".join(mail(item("30")))


def test_nothing_open_is_no_mail_unless_it_is_wanted() -> None:
    assert digest("ops", [], NOW, stage="prod") is None
    found = digest("ops", [], NOW, stage="prod", when_empty=True)
    assert found is not None
    assert found.subject == "Accord prod: nothing is open for ops"


def test_a_subject_is_one_line_of_ascii() -> None:
    found = digest("warehouse", [item("1", 24 * 9000)], NOW, stage="s" * 200)

    assert found is not None
    assert found.subject.isascii()
    assert len(found.subject) < 100
    assert "\n" not in found.subject


@pytest.mark.parametrize(
    ("hours", "said"), [(0.5, "30 minutes"), (1.99, "119 minutes"), (5, "5 hours"), (50, "2 days")]
)
def test_an_age_is_said_in_words(hours: float, said: str) -> None:
    assert age(dt.timedelta(hours=hours)) == said


# --- who is sent it --------------------------------------------------------------


def test_each_desk_gets_its_own() -> None:
    desk = Desk(item("30"), item("31", owner="ops"))

    assert desk.run() == ["finance", "ops"]
    assert [(owner, "uk:order:30" in text) for owner, _, text in desk.post.sent] == [
        ("finance", True),
        ("ops", False),
    ]


def test_run_again_the_same_day_it_sends_nothing() -> None:
    desk = Desk(item("30"))
    desk.run()

    assert desk.run() == []
    assert len(desk.post.sent) == 1


def test_the_next_day_it_is_sent_again() -> None:
    desk = Desk(item("30"))
    desk.run()
    desk.now += dt.timedelta(days=1)

    assert desk.run() == ["finance"]


def test_with_nothing_open_nobody_is_mailed() -> None:
    desk = Desk()
    assert desk.run() == []

    desk.when_empty = True
    assert len(desk.run()) == 5


def test_one_mail_that_fails_keeps_no_other_and_is_sent_by_the_next_run() -> None:
    desk = Desk(item("30"), item("31", owner="ops"))
    desk.post.refuses = {"finance"}
    with pytest.raises(UnavailableError):
        desk.run()
    assert [owner for owner, _, _ in desk.post.sent] == ["ops"]

    desk.post.refuses = set()
    assert desk.run() == ["finance"]


def test_two_runs_at_once_end_well() -> None:
    desk = Desk(item("30"))

    class Twice(MemoryControl):
        def get(self, name: str) -> tuple[str, int] | None:
            return None  # both looked before either wrote

    desk.control = Twice()
    assert desk.run() == desk.run() == ["finance"]
