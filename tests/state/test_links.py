"""Links: whose turn it is, what is known, and that no mark is ever lost."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.errors import BusyError, StaleVersionError
from accord.model.change import Ref
from accord.ports.state import Links, Mend, Seen
from accord.state.links import DynamoLinks
from accord.state.memory import MemoryLinks

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
UNTIL = NOW + dt.timedelta(seconds=65)
ORDER = Ref("uk", "order", "30")
SALE = Ref("main", "sales_order", "12")
FIRST = Seen(NOW, "d1")
SECOND = Seen(NOW + dt.timedelta(seconds=1), "d2")


@pytest.fixture
def links(either) -> Links:
    return either(MemoryLinks, DynamoLinks)


def take(links: Links, owner: str = "a", *, seen: Seen = FIRST, now=NOW, until=UNTIL, ref=ORDER):
    return links.acquire(ref, key="uk-30", owner=owner, now=now, until=until, seen=seen)


# --- get, find, save ---------------------------------------------------------


def test_a_link_that_was_never_made_is_none(links: Links) -> None:
    assert links.get(ORDER) is None


def test_a_new_link_has_the_key_of_its_first_claim(links: Links) -> None:
    link = take(links)

    assert link is not None
    assert (link.key, link.version, link.generation, link.erp) == ("uk-30", 1, 1, None)


def test_the_key_of_the_first_claim_stays(links: Links) -> None:
    links.release(take(links), handled=[FIRST])

    link = links.acquire(ORDER, key="other", owner="b", now=NOW, until=UNTIL, seen=FIRST)

    assert link.key == "uk-30"


def test_what_was_acquired_is_what_is_read(links: Links) -> None:
    assert take(links) == links.get(ORDER)


def test_what_was_saved_is_what_is_read(links: Links) -> None:
    link = replace(
        take(links),
        erp=SALE,
        number="SO12",
        generation=2,
        seen=SECOND,
        facts={"status": "processing", "name": "Zoë ☃"},
    )

    saved = links.save(link)

    assert saved == replace(link, version=link.version + 1)
    assert links.get(ORDER) == saved


def test_a_saved_link_is_found_from_the_other_side(links: Links) -> None:
    links.save(replace(take(links), erp=SALE))

    assert links.find(SALE) == ORDER


def test_a_ref_with_no_link_is_not_found(links: Links) -> None:
    assert links.find(SALE) is None


def test_many_links_are_read_at_once_and_those_that_lack_are_left_out(links: Links) -> None:
    refs = [Ref("uk", "order", str(n)) for n in range(120)]
    for ref in refs[::2]:
        links.save(replace(take(links, ref=ref), number=f"SO{ref.id}"))

    found = links.get_all([*refs, refs[0]])

    assert found == {ref: links.get(ref) for ref in refs[::2]}
    assert links.get_all([]) == {}


def test_the_other_sides_pointer_moves_with_the_link(links: Links) -> None:
    saved = links.save(replace(take(links), erp=SALE))
    again = Ref("main", "sales_order", "13")

    links.save(replace(saved, erp=again))

    assert (links.find(SALE), links.find(again)) == (None, ORDER)


def test_taking_the_erp_off_a_link_removes_its_pointer(links: Links) -> None:
    saved = links.save(replace(take(links), erp=SALE))

    links.save(replace(saved, erp=None, seen=None))

    assert links.find(SALE) is None
    assert links.get(ORDER).erp is None


def test_a_pointer_that_another_link_has_taken_stays_there(links: Links) -> None:
    other = Ref("uk", "order", "31")
    saved = links.save(replace(take(links), erp=SALE))
    links.save(replace(take(links, ref=other), erp=SALE))

    links.save(replace(saved, erp=Ref("main", "sales_order", "13")))

    assert links.find(SALE) == other


def test_a_claim_of_a_natural_key_is_not_what_a_party_leads_back_to(links: Links) -> None:
    party = Ref("main", "party", "7")
    claim = Ref("main", "party_key", "email:9f86d0")

    saved = links.save(replace(take(links, ref=claim), erp=party))

    assert links.find(party) is None
    assert links.get(claim) == saved


def test_saving_again_what_save_returned(links: Links) -> None:
    saved = links.save(replace(take(links), erp=SALE))

    again = links.save(replace(saved, number="SO12"))

    assert links.get(ORDER) == again


def test_saving_a_link_that_was_saved_since_is_refused(links: Links) -> None:
    link = take(links)
    links.save(replace(link, erp=SALE))

    with pytest.raises(StaleVersionError):
        links.save(replace(link, number="SO12"))


def test_saving_after_the_lease_was_lost_is_refused(links: Links) -> None:
    link = take(links)
    take(links, "b", now=UNTIL, until=UNTIL + dt.timedelta(seconds=65))

    with pytest.raises(BusyError):
        links.save(replace(link, erp=SALE))


def test_saving_after_the_release_is_refused(links: Links) -> None:
    link = take(links)
    links.release(link, handled=[FIRST])

    with pytest.raises(BusyError):
        links.save(replace(link, erp=SALE))


def test_saving_a_link_that_nobody_made_is_refused(links: Links) -> None:
    link = replace(take(links), ref=Ref("uk", "order", "31"))

    with pytest.raises(BusyError):
        links.save(link)


def test_another_process_saves_what_it_did_not_acquire_itself(dynamodb, table) -> None:
    name = table()
    saved = DynamoLinks(dynamodb, name).save(replace(take(DynamoLinks(dynamodb, name)), erp=SALE))

    DynamoLinks(dynamodb, name).save(replace(saved, erp=Ref("main", "sales_order", "13")))

    assert DynamoLinks(dynamodb, name).find(SALE) is None


# --- leases and marks --------------------------------------------------------


def test_a_held_link_is_not_given_to_another(links: Links) -> None:
    take(links, "a")

    assert take(links, "b") is None


def test_whoever_is_kept_out_marks_the_link(links: Links) -> None:
    take(links, "a")

    take(links, "b", seen=SECOND)

    assert links.get(ORDER).dirty == SECOND


def test_a_mark_leaves_the_holders_version_good(links: Links) -> None:
    link = take(links, "a")
    take(links, "b", seen=SECOND)

    assert links.save(replace(link, erp=SALE)).version == link.version + 1


def test_a_save_leaves_the_mark(links: Links) -> None:
    link = take(links, "a")
    take(links, "b", seen=SECOND)
    links.save(replace(link, erp=SALE))

    assert links.get(ORDER).dirty == SECOND


def test_an_owner_acquires_again_what_it_holds(links: Links) -> None:
    take(links, "a")
    until = UNTIL + dt.timedelta(seconds=60)

    assert take(links, "a", until=until).leased_until == until


def test_a_lease_that_has_run_out_is_free(links: Links) -> None:
    take(links, "a")

    assert take(links, "b", now=UNTIL, until=UNTIL + dt.timedelta(seconds=65)).owner == "b"


def test_a_released_link_is_free(links: Links) -> None:
    assert links.release(take(links, "a"), handled=[FIRST]) is None

    assert take(links, "b").owner == "b"


def test_the_same_body_again_costs_no_second_round(links: Links) -> None:
    link = take(links, "a", seen=FIRST)
    take(links, "b", seen=FIRST)

    assert links.release(link, handled=[FIRST]) is None


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(SECOND, id="newer"),
        pytest.param(Seen(NOW, "d9"), id="same second, other content"),
        pytest.param(Seen(NOW - dt.timedelta(seconds=5), "d0"), id="older"),
        pytest.param(Seen(NOW, ""), id="content unknown"),
        pytest.param(Seen(None, ""), id="nothing known"),
    ],
)
def test_another_state_sends_the_holder_round_once_more(links: Links, told: Seen) -> None:
    link = take(links, "a", seen=FIRST)
    take(links, "b", seen=told)

    again = links.release(link, handled=[FIRST, Seen(NOW, "")])

    assert again is not None
    assert (again.owner, again.dirty) == ("a", None)
    assert links.get(ORDER) == again


def test_after_the_second_round_the_lease_is_given_up(links: Links) -> None:
    link = take(links, "a", seen=FIRST)
    take(links, "b", seen=SECOND)
    again = links.release(link, handled=[FIRST])

    assert links.release(again, handled=[FIRST, SECOND]) is None
    assert links.get(ORDER).owner == ""


def test_what_was_handled_before_covers_a_mark_too(links: Links) -> None:
    link = take(links, "a", seen=FIRST)
    take(links, "b", seen=FIRST)

    assert links.release(link, handled=[FIRST, SECOND]) is None


@pytest.mark.parametrize("handled", [[FIRST], [SECOND], [FIRST, SECOND]])
@pytest.mark.parametrize("told", [(FIRST, SECOND), (SECOND, FIRST)])
def test_two_different_marks_are_not_taken_for_one(links: Links, told, handled) -> None:
    link = take(links, "a", seen=FIRST)
    for n, seen in enumerate(told):
        take(links, f"b{n}", seen=seen)

    assert links.release(link, handled=handled) is not None


def test_of_two_marks_the_newest_time_is_kept(links: Links) -> None:
    take(links, "a")
    take(links, "b", seen=SECOND)
    take(links, "c", seen=FIRST)

    assert links.get(ORDER).dirty.modified_at == SECOND.modified_at


def test_releasing_a_lease_that_was_lost_is_refused(links: Links) -> None:
    link = take(links, "a")
    take(links, "b", now=UNTIL, until=UNTIL + dt.timedelta(seconds=65))

    with pytest.raises(BusyError):
        links.release(link, handled=[FIRST])


def test_releasing_twice_is_refused(links: Links) -> None:
    link = take(links, "a")
    links.release(link, handled=[FIRST])

    with pytest.raises(BusyError):
        links.release(link, handled=[FIRST])


def test_an_abandoned_link_is_free(links: Links) -> None:
    links.abandon(take(links, "a"))

    assert take(links, "b").owner == "b"


def test_abandoning_what_another_holds_by_now_changes_nothing(links: Links) -> None:
    link = take(links, "a")
    take(links, "b", now=UNTIL, until=UNTIL + dt.timedelta(seconds=65))

    links.abandon(link)

    assert links.get(ORDER).owner == "b"


def test_a_mark_outlives_a_holder_who_gives_up(links: Links) -> None:
    link = take(links, "a", seen=FIRST)
    take(links, "b", seen=SECOND)  # its message is done: only the mark knows of SECOND
    links.abandon(link)

    again = take(links, "a2", seen=FIRST)  # redelivered with the old document

    assert again.dirty == SECOND
    assert links.release(again, handled=[FIRST]) is not None


def test_a_mark_outlives_a_holder_who_died(links: Links) -> None:
    take(links, "a", seen=FIRST)
    take(links, "b", seen=SECOND)

    again = take(links, "a2", seen=FIRST, now=UNTIL, until=UNTIL + dt.timedelta(seconds=65))

    assert links.release(again, handled=[FIRST]) is not None


def test_a_mark_left_behind_that_is_our_own_change_is_no_mark(links: Links) -> None:
    link = take(links, "a", seen=FIRST)
    take(links, "b", seen=SECOND)
    links.abandon(link)

    again = take(links, "b2", seen=SECOND)

    assert again.dirty is None
    assert links.release(again, handled=[SECOND]) is None


# --- races -------------------------------------------------------------------


class Between:
    """A DynamoDB client to whose n-th update something happens first."""

    def __init__(self, client, events: dict[int, Callable[[], object]]) -> None:
        self._client = client
        self._events = events
        self.updates = 0

    def __getattr__(self, name: str):
        return getattr(self._client, name)

    def update_item(self, **request):
        self.updates += 1
        if event := self._events.pop(self.updates, None):
            event()
        return self._client.update_item(**request)


def test_a_link_freed_just_before_the_mark_is_acquired_instead(dynamodb, table) -> None:
    name = table()
    links = DynamoLinks(dynamodb, name)
    link = take(links, "a")
    late = Between(dynamodb, {2: lambda: links.release(link, handled=[FIRST])})

    taken = take(DynamoLinks(late, name), "b", seen=SECOND)

    assert (taken.owner, links.get(ORDER).dirty) == ("b", None)


def test_a_mark_follows_the_lease_to_its_next_holder(dynamodb, table) -> None:
    name = table()
    links = DynamoLinks(dynamodb, name)
    link = take(links, "a")

    def change_hands() -> None:
        links.release(link, handled=[FIRST])
        take(links, "c", until=UNTIL + dt.timedelta(seconds=1))

    late = Between(dynamodb, {2: change_hands})

    assert take(DynamoLinks(late, name), "b", seen=SECOND) is None
    assert (links.get(ORDER).owner, links.get(ORDER).dirty) == ("c", SECOND)


def test_a_mark_just_before_the_release_sends_the_holder_round(dynamodb, table) -> None:
    name = table()
    links = DynamoLinks(dynamodb, name)
    late = Between(dynamodb, {2: lambda: take(links, "b", seen=SECOND)})
    holder = DynamoLinks(late, name)
    link = take(holder, "a")

    assert holder.release(link, handled=[FIRST]) is not None


def test_two_marks_at_once_are_both_kept(dynamodb, table) -> None:
    name = table()
    links = DynamoLinks(dynamodb, name)
    link = take(links, "a")
    late = Between(dynamodb, {2: lambda: take(links, "b", seen=FIRST)})

    take(DynamoLinks(late, name), "c", seen=SECOND)

    assert links.release(link, handled=[SECOND]) is not None


def test_a_lease_lost_between_the_mark_and_the_second_round(dynamodb, table) -> None:
    name = table()
    links = DynamoLinks(dynamodb, name)

    def overtake() -> None:
        take(links, "c", now=UNTIL, until=UNTIL + dt.timedelta(seconds=65))

    holder = DynamoLinks(Between(dynamodb, {3: overtake}), name)
    link = take(holder, "a")
    take(links, "b", seen=SECOND)

    with pytest.raises(BusyError):
        holder.release(link, handled=[FIRST])


def test_no_state_is_lost_whoever_comes_when(links: Links) -> None:
    """Eight workers are told of states of one record; the newest is always handled in the end."""
    guard = threading.Lock()
    newest = 0
    handled_up_to = 0
    holders = 0

    def state(n: int) -> Seen:
        # Several states in each second; every third message is a bare ref.
        return Seen(NOW + dt.timedelta(seconds=n // 4), f"d{n}" if n % 3 else "")

    def told(worker: int) -> None:
        nonlocal newest, handled_up_to, holders
        for turn in range(6):
            with guard:
                newest += 1
                mine = newest
            link = take(links, f"{worker}-{turn}", seen=state(mine))
            if link is None:
                continue
            with guard:
                holders += 1
                assert holders == 1
            carried = mine  # the first round uses the carried document, later ones read
            handled = []
            while link is not None:
                handled_up_to = max(handled_up_to, carried)
                handled.append(state(carried))
                with guard:
                    holders -= 1  # the next one may come in before release returns
                link = links.release(link, handled=handled)
                if link is not None:
                    with guard:
                        holders += 1
                        carried = newest

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(told, range(8)))

    assert handled_up_to == newest


_owners = st.sampled_from(["a", "b", "c"])
_seen = st.builds(
    Seen,
    st.one_of(st.none(), st.integers(0, 2).map(lambda s: NOW + dt.timedelta(seconds=s))),
    st.sampled_from(["", "d1", "d2"]),
)
_erps = st.one_of(st.none(), st.sampled_from([SALE, Ref("main", "sales_order", "13")]))
_acts = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), _owners, _seen, st.integers(0, 3)),
        st.tuples(st.just("save"), _owners, _erps, st.one_of(st.none(), _seen)),
        st.tuples(st.just("release"), _owners, st.lists(_seen, max_size=3)),
        st.tuples(st.just("abandon"), _owners),
    ),
    max_size=14,
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=_acts)
def test_both_implementations_answer_alike(dynamodb, table, acts) -> None:
    sides = (MemoryLinks(), DynamoLinks(dynamodb, table()))
    answers = [[_act(links, act, held) for act in acts] for links, held in ((s, {}) for s in sides)]

    assert answers[0] == answers[1]


def _act(links: Links, act: tuple, held: dict):
    name, owner, *rest = act
    try:
        if name == "acquire":
            seen, minutes = rest
            now = NOW + dt.timedelta(minutes=minutes)
            link = take(links, owner, seen=seen, now=now, until=now + dt.timedelta(seconds=65))
            if link:
                held[owner] = link
            answer = link
        elif owner not in held:
            return None
        elif name == "save":
            erp, seen = rest
            answer = held[owner] = links.save(replace(held[owner], erp=erp, seen=seen))
        elif name == "release":
            answer = links.release(held[owner], handled=rest[0])
            held[owner] = answer or held[owner]
        else:
            answer = links.abandon(held[owner])
    except (BusyError, StaleVersionError) as error:
        return type(error)
    return answer, links.get(ORDER), links.find(SALE)


# --- mends -------------------------------------------------------------------

SKU = Mend("lines.12.sku", "MUG-1", "ada", NOW, why="the product lost it")
STREET = Mend("billing.street", "Zoë's 1", "ada", NOW, was="0123")


def test_mends_are_kept_in_their_order(links: Links) -> None:
    saved = links.save(replace(take(links), mends=(SKU, STREET)))

    assert saved.mends == (SKU, STREET)
    assert links.get(ORDER) == saved


def test_mends_outlast_the_lease(links: Links) -> None:
    links.release(links.save(replace(take(links), mends=(SKU,))), handled=[FIRST])

    assert take(links, "b").mends == (SKU,)


def test_mends_that_are_taken_back_are_gone(links: Links) -> None:
    link = links.save(replace(take(links), mends=(SKU, STREET)))
    links.save(replace(link, mends=()))

    assert links.get(ORDER).mends == ()
