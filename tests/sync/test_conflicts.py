"""The three-way merge: nothing is lost, it settles in one round, and a person is asked in time."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.model.party import Address, Profile
from accord.sync import conflicts
from accord.sync.conflicts import FIELDS, Base, Decision, Merge, Policy, Shown, Side, merge

HOME = Address("Ada Byron", "", "12 Row\nFlat 2", "London", "SW1A 1AA", "", "GB")
AWAY = Address("Ada Byron", "", "1 Other Road", "York", "YO1 7HH", "", "GB")
FULL = Profile(
    name="Ada Byron",
    company="Engine Ltd",
    email="ada@example.com",
    phone="020 7946 1111",
    vat_number="GB123456789",
    billing=HOME,
    shipping=AWAY,
    price_group="Trade",
    payment_terms="30 days",
)
POLICIES: tuple[Policy, ...] = ("store", "erp", "newest", "ask")


def base(profile: Profile) -> Base:
    return conflicts.rebased(Shown(profile, {}))


def all_by(policy: Policy) -> dict[str, Policy]:
    return dict.fromkeys(FIELDS, policy)


def applied(profile: Profile, values: Mapping[str, conflicts.Value]) -> Profile:
    return replace(profile, **values)  # type: ignore[arg-type]


def merged(
    store: Profile,
    erp: Profile,
    policy: Policy = "ask",
    *,
    was: Profile = FULL,
    newer: Side | None = None,
) -> Merge:
    """Of two sides that both showed ``was`` before."""
    bases = base(was)
    return merge(Shown(store, bases), Shown(erp, bases), all_by(policy), newer=newer)


# --- one field ----------------------------------------------------------------


def test_a_change_on_one_side_goes_to_the_other() -> None:
    due = merged(replace(FULL, phone="1"), FULL)

    assert (due.to_erp, due.to_store, due.conflicts) == ({"phone": "1"}, {}, ())


def test_the_same_change_on_both_sides_is_agreed() -> None:
    changed = replace(FULL, phone="1")

    assert merged(changed, changed) == Merge({}, {})


def test_a_field_that_was_emptied_is_emptied_on_the_other_side() -> None:
    assert merged(replace(FULL, phone=""), FULL).to_erp == {"phone": ""}


def test_a_field_that_a_side_does_not_hold_is_never_a_change() -> None:
    due = merged(replace(FULL, price_group=None), replace(FULL, price_group="Retail"))

    assert due == Merge({}, {})


@pytest.mark.parametrize(
    ("policy", "newer", "to_store", "to_erp", "asked"),
    [
        ("store", None, {}, {"phone": "1"}, []),
        ("erp", None, {"phone": "2"}, {}, []),
        ("newest", "store", {}, {"phone": "1"}, []),
        ("newest", "erp", {"phone": "2"}, {}, []),
        ("newest", None, {}, {}, ["phone"]),
        ("ask", "store", {}, {}, ["phone"]),
    ],
)
def test_two_different_changes_are_settled_by_the_policy(
    policy: Policy, newer: Side | None, to_store: object, to_erp: object, asked: list[str]
) -> None:
    due = merged(replace(FULL, phone="1"), replace(FULL, phone="2"), policy, newer=newer)

    assert (due.to_store, due.to_erp) == (to_store, to_erp)
    assert [each.field for each in due.conflicts] == asked


def test_a_conflict_shows_the_base_and_both_values() -> None:
    (conflict,) = merged(replace(FULL, phone="1"), replace(FULL, phone="2")).conflicts

    assert (conflict.store_base, conflict.store, conflict.erp) == ("020 7946 1111", "1", "2")


def test_a_side_that_keeps_a_value_in_its_own_way_has_not_changed_it() -> None:
    """Bases are per side: the store joined two names, and says so ever since."""
    theirs = replace(FULL, name="A. Byron")
    due = merge(Shown(FULL, base(FULL)), Shown(theirs, base(theirs)), all_by("ask"))

    assert due == Merge({}, {})


# --- meeting for the first time -----------------------------------------------


def met(store: Profile, erp: Profile) -> Merge:
    return merge(Shown(store, {}), Shown(erp, {}), all_by("ask"))


def test_what_is_empty_at_the_first_meeting_is_filled() -> None:
    due = met(replace(FULL, phone=""), replace(FULL, vat_number=""))

    assert (due.to_store, due.to_erp) == (
        {"phone": "020 7946 1111"},
        {"vat_number": "GB123456789"},
    )


def test_an_address_that_says_less_is_no_other_address() -> None:
    assert met(FULL, replace(FULL, billing=replace(HOME, name=""))) == Merge({}, {})


def test_two_values_at_the_first_meeting_are_settled_by_the_policy() -> None:
    due = met(FULL, replace(FULL, phone="2"))

    assert [each.field for each in due.conflicts] == ["phone"]


# --- a person's decision --------------------------------------------------------


def decided(take: str, store: str, erp: str, value: str = "") -> dict[str, Decision]:
    marks = (conflicts.mark("phone", store), conflicts.mark("phone", erp))
    return {"phone": Decision(take, *marks, value)}  # type: ignore[arg-type]


def deciding(decisions: Mapping[str, Decision], store: str = "1", erp: str = "2") -> Merge:
    sides = (Shown(replace(FULL, phone=each), base(FULL)) for each in (store, erp))
    return merge(*sides, all_by("ask"), decisions=decisions)


def test_a_decision_settles_a_conflict() -> None:
    assert deciding(decided("erp", "1", "2")) == Merge({"phone": "2"}, {})


def test_a_decided_value_goes_to_both_sides() -> None:
    due = deciding(decided("value", "1", "2", "3"))

    assert (due.to_store, due.to_erp) == ({"phone": "3"}, {"phone": "3"})


def test_a_decision_about_a_value_that_is_no_longer_there_is_asked_again() -> None:
    due = deciding(decided("erp", "1", "2"), store="4")

    assert [each.field for each in due.conflicts] == ["phone"]


# --- normalising ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("company", "Fox &amp; Sons", "Fox & Sons"),
        ("company", "Fox &amp;amp; Sons", "Fox & Sons"),
        ("name", "Ada  Byron ", "Ada Byron"),
        ("email", "Ada@Example.COM", "ada@example.com"),
        ("phone", "(020) 7946-1111", "020 7946 1111"),
        ("phone", "0044 20 7946 1111", "+44 20 79461111"),
        ("vat_number", "gb 123.456.789", "GB123456789"),
        ("billing", HOME, replace(HOME, street="12 Row, Flat 2")),
        ("billing", HOME, replace(HOME, postal_code="sw1a1aa", country="gb")),
    ],
)
def test_what_a_round_trip_changes_is_no_change(
    field: str, one: conflicts.Value, other: conflicts.Value
) -> None:
    assert conflicts.mark(field, one) == conflicts.mark(field, other)


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("name", "ada byron", "Ada Byron"),
        ("phone", "020 7946 1111", "020 7946 1112"),
        ("billing", HOME, replace(HOME, street="12 Row\nFlat 3")),
        ("billing", HOME, replace(HOME, state="LND")),
    ],
)
def test_what_a_person_changes_is_a_change(
    field: str, one: conflicts.Value, other: conflicts.Value
) -> None:
    assert conflicts.mark(field, one) != conflicts.mark(field, other)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("a&;mp#38 \n\tÄ\u0301"), max_size=40))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = conflicts.cleaned(text)

    assert conflicts.cleaned(once) == once


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=3000))
def test_a_base_knows_its_value_again(text: str) -> None:
    shown = Shown(Profile(name=text), base(Profile(name=text)))

    assert not shown.is_changed("name")


def test_a_very_long_value_is_kept_as_its_mark() -> None:
    kept = conflicts.kept("name", "x" * 5000)

    assert len(kept) == 17


# --- properties -----------------------------------------------------------------

TEXTS = st.sampled_from(["", "a", "b", "c &amp; d", "c & d", " a "])
PLACES = st.sampled_from([Address(), HOME, AWAY, replace(HOME, street="12 Row, Flat 2")])
PROFILES = st.builds(
    Profile,
    name=TEXTS,
    company=TEXTS | st.none(),
    email=TEXTS,
    phone=TEXTS,
    vat_number=TEXTS,
    billing=PLACES,
    shipping=PLACES | st.none(),
    price_group=TEXTS | st.none(),
    payment_terms=st.none(),
)
BASES = PROFILES.map(base) | st.just({})
SIDES = st.builds(Shown, profile=PROFILES, base=BASES)
RULES = st.fixed_dictionaries({field: st.sampled_from(POLICIES) for field in FIELDS})
examples = settings(max_examples=60, deadline=None)
NEWER = st.sampled_from(["store", "erp", None])


def after(side: Shown, written: Mapping[str, conflicts.Value], due: Merge) -> Shown:
    """The side once it answered."""
    asked = {each.field for each in due.conflicts}
    answered = Shown(applied(side.profile, written), side.base)
    return Shown(answered.profile, conflicts.rebased(answered, except_=asked))


@examples
@given(store=SIDES, erp=SIDES, rules=RULES, newer=NEWER)
def test_it_settles_in_one_round(
    store: Shown, erp: Shown, rules: dict[str, Policy], newer: Side | None
) -> None:
    due = merge(store, erp, rules, newer=newer)
    again = merge(after(store, due.to_store, due), after(erp, due.to_erp, due), rules, newer=newer)

    assert (again.to_store, again.to_erp) == ({}, {})
    assert [each.field for each in again.conflicts] == [each.field for each in due.conflicts]


@examples
@given(store=SIDES, erp=SIDES, rules=RULES, newer=NEWER)
def test_no_update_is_lost(
    store: Shown, erp: Shown, rules: dict[str, Policy], newer: Side | None
) -> None:
    """A value is overwritten only if its side did not change it, or the policy says so."""
    due = merge(store, erp, rules, newer=newer)

    for side, other, written, wins in (
        (store, erp, due.to_store, "erp"),
        (erp, store, due.to_erp, "store"),
    ):
        for field in written:
            policy = rules[field]
            by_policy = policy == wins or (policy == "newest" and newer == wins)
            assert by_policy or not side.value(field) or not side.is_changed(field)
            first = field not in side.base or not side.value(field)
            assert first or other.is_changed(field)


@examples
@given(store=SIDES, erp=SIDES, rules=RULES, newer=NEWER)
def test_what_changed_on_one_side_is_on_both_in_the_end_or_asked_about(
    store: Shown, erp: Shown, rules: dict[str, Policy], newer: Side | None
) -> None:
    due = merge(store, erp, rules, newer=newer)
    asked = {each.field for each in due.conflicts}
    ours, theirs = after(store, due.to_store, due), after(erp, due.to_erp, due)

    for field in (*store.changed, *erp.changed):
        one, other = ours.value(field), theirs.value(field)
        if field not in asked and one is not None and other is not None:
            same = conflicts.mark(field, one) == conflicts.mark(field, other)
            assert same or conflicts.alike(one, other)


@examples
@given(profile=PROFILES, known=BASES, rules=RULES)
def test_merging_with_itself_is_nothing(
    profile: Profile, known: Base, rules: dict[str, Policy]
) -> None:
    side = Shown(profile, known)

    assert merge(side, side, rules) == Merge({}, {})


@examples
@given(
    was=PROFILES,
    store=PROFILES,
    erp=PROFILES,
    policy=st.sampled_from(["store", "erp", "newest"]),
    newer=st.sampled_from(["store", "erp"]),
)
def test_order_of_arrival_does_not_matter_where_the_policy_decides(
    was: Profile, store: Profile, erp: Profile, policy: Policy, newer: Side
) -> None:
    """Told of both at once, or of one side first and the other while its writes are under way."""
    bases = base(was)
    rules = all_by(policy)
    both = merge(Shown(store, bases), Shown(erp, bases), rules, newer=newer)
    at_once = (applied(store, both.to_store), applied(erp, both.to_erp))

    swapped: Policy = {"store": "erp", "erp": "store"}.get(policy, policy)  # type: ignore[assignment]
    other_side: Side = "erp" if newer == "store" else "store"
    mirrored = merge(Shown(erp, bases), Shown(store, bases), all_by(swapped), newer=other_side)

    assert at_once == (applied(store, mirrored.to_erp), applied(erp, mirrored.to_store))


@examples
@given(store=PROFILES, erp=PROFILES, was=PROFILES, newer=st.sampled_from(["store", "erp"]))
def test_a_merge_that_broke_off_goes_on_to_the_same_end(
    store: Profile, erp: Profile, was: Profile, newer: Side
) -> None:
    """Its writes to one side were done and not remembered."""
    rules = all_by("newest")
    ours, theirs = Shown(store, base(was)), Shown(erp, base(was))
    due = merge(ours, theirs, rules, newer=newer)
    sent = {field: conflicts.mark(field, value) for field, value in due.to_erp.items()}
    half = Shown(applied(erp, due.to_erp), theirs.base)

    half, ours = conflicts.resumed(half, ours, sent, is_answer=False)
    again = merge(ours, half, rules, newer=newer)

    assert not again.to_erp
    assert again.to_store == due.to_store


@examples
@given(was=PROFILES, store=PROFILES, edited=PROFILES)
def test_a_merge_that_broke_off_overwrites_nobodys_later_change(
    was: Profile, store: Profile, edited: Profile
) -> None:
    ours, theirs = Shown(store, base(was)), Shown(was, base(was))
    due = merge(ours, theirs, all_by("ask"))
    sent = {field: conflicts.mark(field, value) for field, value in due.to_erp.items()}
    later = Shown(edited, base(was))

    later, ours = conflicts.resumed(later, ours, sent, is_answer=False)
    again = merge(ours, later, all_by("ask"))

    known = [field for field in again.to_erp if field in base(was)]
    assert not any(Shown(edited, base(was)).is_changed(field) for field in known)


@examples
@given(was=PROFILES, store=PROFILES, back=PROFILES)
def test_what_was_changed_again_while_a_write_broke_off_is_a_change(
    was: Profile, store: Profile, back: Profile
) -> None:
    """Also where it went back to what it was before: the other side shows the value between."""
    ours, theirs = Shown(store, base(was)), Shown(was, base(was))
    due = merge(ours, theirs, all_by("store"))
    sent = {field: conflicts.mark(field, value) for field, value in due.to_erp.items()}
    half = Shown(applied(was, due.to_erp), theirs.base)

    half, ours = conflicts.resumed(half, Shown(back, ours.base), sent, is_answer=False)
    again = merge(ours, half, all_by("ask"))

    assert not again.to_store.keys() & sent.keys()
    for field in sent:
        shown, wanted = Shown(back, {}).value(field), Shown(store, {}).value(field)
        if shown is not None and conflicts.mark(field, shown) != conflicts.mark(field, wanted):
            assert again.to_erp.get(field) == shown
