"""Attention: one open item per matter, and it stays small."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest

from accord.ports.state import Attention, Item
from accord.state.attention import DynamoAttention
from accord.state.dynamo import Put
from accord.state.memory import MemoryAttention


@pytest.fixture
def attention(either) -> Attention:
    return either(MemoryAttention, DynamoAttention)


@pytest.fixture
def item(later):
    def make(id_: str = "i1", *, opened: float = 0, **changed) -> Item:
        whole = Item(
            id=id_,
            subject="uk:order:30",
            reason="disagreement",
            owner="finance",
            message="uk:order:30: the total differs by 0.07 EUR; compare both",
            opened_at=later(seconds=opened),
            updated_at=later(seconds=opened),
            payload="attention/i1.json",
            correlation_id="c1",
        )
        return replace(whole, **changed)

    return make


def test_what_was_put_is_what_is_read(attention: Attention, item) -> None:
    assert attention.put(item()) == item()
    assert attention.get("i1") == item()


def test_an_unknown_item_is_none(attention: Attention) -> None:
    assert attention.get("i1") is None


def test_what_is_open_is_told_by_its_subject_and_within_a_bound(attention: Attention, item) -> None:
    subjects = ("uk:stock:A", "waiting:main:outage", "uk:order:1", "uk:price:A", "de:stock:A")
    for n, subject in enumerate(subjects):
        attention.put(item(f"i{n}", opened=n, subject=subject))

    assert [one.id for one in attention.open(about="waiting:")] == ["i1"]
    assert [one.id for one in attention.open(about=("uk:stock:", "uk:price:"))] == ["i0", "i3"]
    assert [one.id for one in attention.open(limit=2)] == ["i0", "i1"]
    assert [one.id for one in attention.open(limit=9)] == ["i0", "i1", "i2", "i3", "i4"]


def test_all_that_is_open_is_counted(attention: Attention, item, later) -> None:
    for n in range(5):
        attention.put(item(f"i{n}", opened=n, subject=f"uk:order:{n}"))
    attention.close("i3", now=later(seconds=9), by="ada")

    assert attention.count_open() == 4


def test_an_item_that_an_older_release_opened_is_told_by_its_subject(either, item) -> None:
    attention = either(MemoryAttention, DynamoAttention)
    attention.put(item("i1", subject="waiting:main:outage"))
    if isinstance(attention, DynamoAttention):
        (entry,) = attention._table.query("open")
        attention._table.write(Put({name: entry[name] for name in ("pk", "sk", "id")}))

    assert [one.id for one in attention.open(about="waiting:")] == ["i1"]
    assert attention.open(about="uk:") == []


def test_the_oldest_open_item_comes_first(attention: Attention, item) -> None:
    for id_, opened in (("i1", 9), ("i2", 1), ("i3", 5)):
        attention.put(item(id_, opened=opened))

    assert [one.id for one in attention.open()] == ["i2", "i3", "i1"]


def test_an_owner_sees_what_is_theirs(attention: Attention, item) -> None:
    attention.put(item("i1"))
    attention.put(item("i2", owner="ops"))

    assert [one.id for one in attention.open(owner="ops")] == ["i2"]


def test_a_subject_shows_what_is_open_for_it(attention: Attention, item) -> None:
    attention.put(item("i1"))
    attention.put(item("i2", reason="rejected"))
    attention.put(item("i3", subject="uk:order:31"))

    assert [one.id for one in attention.of("uk:order:30")] == ["i1", "i2"]


def test_nothing_is_open_for_a_subject_that_is_well(attention: Attention) -> None:
    assert list(attention.of("uk:order:30")) == []


@pytest.mark.parametrize("count", [1, 7])
def test_putting_it_again_updates_and_keeps_when_it_opened(
    attention: Attention, item, later, count: int
) -> None:
    attention.put(item())
    again = item(opened=60, message="still so", count=count, owner="ops")

    assert attention.put(again) == replace(again, opened_at=later())
    assert list(attention.open()) == [replace(again, opened_at=later())]


def test_a_first_item_may_count_many(attention: Attention, item) -> None:
    attention.put(item(count=40))

    assert attention.get("i1").count == 40


def test_a_closed_item_is_no_longer_open(attention: Attention, item, later) -> None:
    attention.put(item())

    attention.close("i1", now=later(minutes=1), by="success")

    assert (list(attention.open()), list(attention.of("uk:order:30"))) == ([], [])


def test_a_closed_item_says_who_closed_it_and_when(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.close("i1", now=later(minutes=1), by="success")

    assert attention.get("i1") == item(closed_at=later(minutes=1), closed_by="success")


def test_the_first_closing_stays(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.close("i1", now=later(minutes=1), by="success")
    attention.close("i1", now=later(minutes=2), by="someone")

    assert attention.get("i1").closed_by == "success"


def test_closing_what_was_never_there_changes_nothing(attention: Attention, later) -> None:
    attention.close("i1", now=later(), by="success")

    assert attention.get("i1") is None


def test_a_matter_that_comes_back_is_opened_anew(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.close("i1", now=later(minutes=1), by="success")

    again = attention.put(item(opened=600))

    assert again == item(opened=600)
    assert list(attention.open()) == [again]


def test_a_reopened_item_can_be_closed_again(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.close("i1", now=later(minutes=1), by="success")
    attention.put(item(opened=600))
    attention.close("i1", now=later(minutes=20), by="success")

    assert list(attention.open()) == []


@pytest.mark.parametrize("text", ["x", "é", "☃", "🦉", "\ud83d"])
def test_a_long_message_is_cut_and_shows_it(attention: Attention, item, text: str) -> None:
    stored = attention.put(item(message=text * 9000))

    assert stored.message.endswith("…")
    assert len(repr(asdict(stored)).encode(errors="replace")) < 4600
    assert sum(len(str(v).encode()) for v in asdict(stored).values() if isinstance(v, str)) <= 4000


def test_a_message_that_fits_is_whole(attention: Attention, item) -> None:
    assert attention.put(item(message="x" * 3000)).message == "x" * 3000


def test_a_hundred_and_fifty_open_items_are_listed(attention: Attention, item) -> None:
    for n in range(150):
        attention.put(item(f"i{n}", opened=n, subject="main: unauthorized"))

    assert [one.id for one in attention.open()] == [f"i{n}" for n in range(150)]


def test_many_at_once_open_one_item(attention: Attention, item) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: attention.put(item(opened=n, count=n)), range(12)))

    assert len(attention.open()) == 1
    assert len(attention.of("uk:order:30")) == 1


def test_a_closed_item_expires_and_an_open_one_does_not(dynamodb, table, item, later) -> None:
    name = table()
    attention = DynamoAttention(dynamodb, name)

    def expiry():
        key = {"pk": {"S": "A#i1"}, "sk": {"S": "item"}}
        return dynamodb.get_item(TableName=name, Key=key)["Item"].get("expires_at")

    attention.put(item())
    attention.close("i1", now=later(), by="success")
    assert expiry() == {"N": str(int(later(days=90).timestamp()))}

    attention.put(item())
    assert expiry() is None


# --- what a person does about it ----------------------------------------------


def test_a_dismissed_item_is_closed_with_who_and_why(attention: Attention, item, later) -> None:
    attention.put(item())

    assert attention.dismiss("i1", now=later(seconds=9), by="ada", why="booked by hand")
    found = attention.get("i1")
    assert found is not None
    assert (found.closed_at, found.closed_by, found.closed_why) == (
        later(seconds=9),
        "ada",
        "booked by hand",
    )
    assert list(attention.open()) == list(attention.of("uk:order:30")) == []


@pytest.mark.parametrize("count", [1, 7])
def test_the_same_trouble_does_not_open_what_was_dismissed(
    attention: Attention, item, later, count: int
) -> None:
    attention.put(item())
    attention.dismiss("i1", now=later(seconds=9), by="ada", why="so be it")

    answer = attention.put(item(opened=60, count=count))

    assert answer == attention.get("i1")
    assert answer.closed_by == "ada"
    assert list(attention.open()) == []


@pytest.mark.parametrize("change", [{"message": "it differs by 9.00"}, {"content": "another"}])
def test_another_content_opens_what_was_dismissed(
    attention: Attention, item, later, change: dict
) -> None:
    attention.put(item(content="the first" if "content" in change else ""))
    attention.dismiss("i1", now=later(seconds=9), by="ada", why="so be it")
    again = item(opened=60, **change)

    assert attention.put(again) == again
    assert list(attention.open()) == [again]


def test_the_content_tells_the_trouble_where_the_message_is_another(
    attention: Attention, item, later
) -> None:
    attention.put(item(content="c"))
    attention.dismiss("i1", now=later(seconds=9), by="ada", why="so be it")

    assert attention.put(item(content="c", message="in other words")).closed_at is not None


def test_what_closed_by_itself_opens_again(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.close("i1", now=later(seconds=9), by="a later attempt")

    assert attention.put(item(opened=60)).closed_at is None


@pytest.mark.parametrize("before", ["closed", "absent"])
def test_what_is_not_open_cannot_be_dismissed(
    attention: Attention, item, later, before: str
) -> None:
    if before == "closed":
        attention.put(item())
        attention.close("i1", now=later(seconds=9), by="a later attempt")

    assert not attention.dismiss("i1", now=later(seconds=10), by="ada", why="late")


def test_an_act_stays_on_the_item_when_it_is_put_again(attention: Attention, item) -> None:
    attention.put(item())
    attention.act("i1", "replayed by ada")
    attention.put(item(opened=5, message="still so"))

    found = attention.get("i1")
    assert found is not None
    assert (found.acted, found.message) == ("replayed by ada", "still so")


def test_an_act_on_an_item_that_is_not_there_makes_none(attention: Attention) -> None:
    attention.act("i1", "replayed by ada")

    assert attention.get("i1") is None


@pytest.fixture(params=["memory", "dynamodb"])
def heard(request) -> tuple[Attention, list[Item]]:
    """A list, and what it told of as it opened."""
    told: list[Item] = []
    if request.param == "memory":
        return MemoryAttention(heard=told.append), told
    client, table = (request.getfixturevalue(name) for name in ("dynamodb", "table"))
    return DynamoAttention(client, table(), heard=told.append), told


def test_an_item_is_told_of_when_it_opens_and_not_when_it_is_met_again(heard, item, later) -> None:
    attention, told = heard
    attention.put(item())
    attention.put(item(message="it differs by 0.08 EUR", count=2))
    assert told == [item()]

    attention.close("i1", now=later(seconds=5), by="a later attempt")
    attention.put(item(opened=9))
    assert told == [item(), item(opened=9)]


def test_what_was_dismissed_and_stays_closed_is_not_told_of(heard, item, later) -> None:
    attention, told = heard
    attention.put(item())
    attention.dismiss("i1", now=later(seconds=5), by="maria", why="")
    told.clear()

    attention.put(item(opened=9))
    assert told == []
    attention.put(item(opened=10, message="it differs by 0.09 EUR"))
    assert [each.opened_at for each in told] == [later(seconds=10)]


def test_several_are_read_at_once_open_or_closed(attention: Attention, item, later) -> None:
    for n in range(120):
        attention.put(item(f"i{n}", subject=f"uk:order:{n}"))
    attention.close("i7", now=later(seconds=9), by="kim")
    found = attention.get_all([*(f"i{n}" for n in range(120)), "i7", "none"])

    assert sorted(one.id for one in found) == sorted(f"i{n}" for n in range(120))
    assert [one.id for one in found if one.closed_at] == ["i7"]
    assert list(attention.get_all([])) == []


def test_a_redacted_item_keeps_all_but_its_words(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.redact("i1", "removed")

    assert attention.get("i1") == item(message="removed", payload="")
    assert attention.of("uk:order:30") == [item(message="removed", payload="")]


def test_a_redacted_item_that_is_closed_stays_closed(attention: Attention, item, later) -> None:
    attention.put(item())
    attention.dismiss("i1", now=later(seconds=9), by="kim", why="known")
    attention.redact("i1", "removed")
    left = attention.get("i1")

    assert left is not None
    assert (left.message, left.payload, left.closed_by) == ("removed", "", "kim")
    assert attention.open() == []
    assert attention.put(item()).closed_at is not None  # the same trouble: it was dismissed


def test_redacting_what_is_not_there_makes_nothing(attention: Attention) -> None:
    attention.redact("i1", "removed")

    assert attention.get("i1") is None
