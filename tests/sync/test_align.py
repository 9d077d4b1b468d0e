"""Two listings side by side: whatever their order, each entry is met once."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from accord.sync.align import Aligned

START = dt.date(2026, 11, 1)
ENTRIES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300)), max_size=120)
PAGE = 7


def met(
    left: list[tuple[int, int]], right: list[tuple[int, int]], most: int
) -> tuple[list[int], list[int], list[int], int]:
    """Keys met together, alone on the left and on the right; the most that was ever kept."""
    sides: Aligned[int, int, int] = Aligned(most=most)
    pairs: list[int] = []
    lefts: list[int] = []
    rights: list[int] = []
    kept = 0
    queues = sorted(left), sorted(right)
    while not sides.ended:
        of, side = (queues[0], sides.left) if sides.left_is_next else (queues[1], sides.right)
        page, of[:] = of[:PAGE], of[PAGE:]
        for day, key in page:
            side.put(key, START + dt.timedelta(days=day), key)
        side.ended = not of
        pairs += [key for key, _, _ in sides.pairs()]
        lefts += [key for key, _ in sides.alone_left()]
        rights += [key for key, _ in sides.alone_right()]
        kept = max(kept, len(sides.left.kept), len(sides.right.kept))
    assert not sides.left.kept
    assert not sides.right.kept
    return pairs, lefts, rights, kept


@given(ENTRIES, ENTRIES, st.integers(1, 200))
def test_nothing_is_lost_and_nothing_is_met_twice_in_one_way(
    left: list[tuple[int, int]], right: list[tuple[int, int]], most: int
) -> None:
    left = list({key: (day, key) for day, key in left}.values())
    right = list({key: (day, key) for day, key in right}.values())
    ours, theirs = {key for _, key in left}, {key for _, key in right}

    pairs, lefts, rights, _ = met(left, right, most)

    assert sorted(pairs + lefts) == sorted(ours)
    assert sorted(pairs + rights) == sorted(theirs)
    assert set(lefts) >= ours - theirs
    assert set(rights) >= theirs - ours


@given(st.integers(1, 400), st.integers(1, 30))
def test_of_equal_listings_everything_is_a_pair_and_little_is_kept(count: int, a_day: int) -> None:
    entries = [(n // a_day, n) for n in range(count)]

    pairs, lefts, rights, kept = met(list(entries), list(entries), 1000)

    assert (len(pairs), lefts, rights) == (count, [], [])
    assert kept <= 2 * PAGE


def test_no_more_is_kept_than_there_is_room_for() -> None:
    left = [(0, n) for n in range(600)]
    right = [(0, n) for n in range(1000, 1600)]

    _, lefts, rights, kept = met(left, right, 150)

    assert (len(lefts), len(rights)) == (600, 600)
    assert kept <= 150 + PAGE
