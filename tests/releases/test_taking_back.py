"""What this code writes the release before can read: it runs beside it, and after a roll-back."""

from typing import Any

import pytest

from tests.releases import record
from tests.releases.record import read
from tests.releases.restored import RELEASES
from tests.releases.shapes import kinds, misfits, shapes_of

Json = dict[str, Any]
REMEDY = """
{release} cannot read what this code writes, and runs beside it while it is rolled out:

{found}

Teach readers first and write one release later: give a new field a default and let nobody need it;
stop reading a field in one release, and stop writing it in the next. See docs/releasing.md.
"""


@pytest.fixture(scope="module")
def written() -> Json:
    """What today's code writes in the same life."""
    return record.record()


@pytest.mark.parametrize("release", RELEASES)
def test_the_release_before_reads_what_this_one_writes(release: str, written: Json) -> None:
    known = read(release, "shapes")
    samples = kinds(written["tables"], written["objects"], written["messages"])
    found = {
        text
        for kind, sample in samples
        if kind in known  # what it does not know it does not look for
        for text in misfits(sample, known[kind], kind)
    }

    assert not found, REMEDY.format(release=release, found="\n".join(sorted(found)))


@pytest.mark.parametrize("release", RELEASES)
def test_the_release_before_meets_no_item_among_its_own_that_it_does_not_know(
    release: str, written: Json
) -> None:
    known = read(release, "shapes")
    folders = {kind.rpartition("/")[0] for kind in known if not kind.startswith("message")}
    found = {
        f"{kind} is new, beside what it lists"
        for kind, _ in kinds(written["tables"], written["objects"], ())
        if kind not in known and kind.rpartition("/")[0] in folders
    }

    assert not found, REMEDY.format(release=release, found="\n".join(sorted(found)))


@pytest.mark.parametrize("release", RELEASES)
def test_schedules_hand_over_what_either_release_reads(release: str, written: Json) -> None:
    theirs, ours = read(release, "inputs"), written["inputs"]
    found = []
    for reader, inputs, shapes in (
        (release, ours, read(release, "shapes")),
        ("this code", theirs, shapes_of((f"input/{n}", it) for n, it in ours.items())),
    ):
        for name, given in inputs.items():
            if shape := shapes.get(f"input/{name}"):
                found += [f"{reader}: {it}" for it in misfits(given, shape, name)]

    assert not found, REMEDY.format(release=release, found="\n".join(found))
