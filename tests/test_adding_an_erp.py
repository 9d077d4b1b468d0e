"""The guide to adding a back office says what the code does."""

import dataclasses
import re
from pathlib import Path
from typing import get_args

import pytest

from accord import erp
from accord.local.offices import opening
from accord.local.place import BackOffice
from accord.ports.erp import Capabilities

LISTS = ("offices/opening.py", "place.py", "bench/figures.py")
NAMED = re.compile(rf"""["']({"|".join(erp.NAMES)})["']""")
ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "adding-an-erp.md").read_text(encoding="utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", GUIDE))
PLACES = (ROOT, ROOT / "layers" / "accord" / "python" / "accord", ROOT / "tests" / "journeys")
PATHS = sorted(
    word
    for word in CODE
    if re.fullmatch(r"[\w.]+(/[\w.]+)+/?|\w+\.(py|toml)", word)
    and "NAME" not in word
    and word not in {"mapping.py", "client.py", "adapter.py", "webhook.py"}  # of any adapter
    and word not in {"opening.py", "life.py", "client_contract.py", "catalogue.py", "comparison.py"}
    # whose folder is named before
)


def test_every_capability_is_asked_for() -> None:
    words = {word for code in CODE for word in re.findall(r"\w+", code)}

    assert {field.name for field in dataclasses.fields(Capabilities)} - words == set()


@pytest.mark.parametrize("path", PATHS)
def test_what_it_points_to_exists(path: str) -> None:
    assert any((place / path).exists() for place in PLACES)


def test_whatever_can_be_loaded_is_opened_and_runs_on_one_machine() -> None:
    assert set(get_args(BackOffice)) == set(opening.NAMES) == set(erp.NAMES)


def test_nothing_outside_the_places_of_the_guide_lists_the_back_offices() -> None:
    """One of them may stand there: the one that is taken where nobody says."""
    package = ROOT / "layers" / "accord" / "python" / "accord"
    lists = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if len(set(NAMED.findall(path.read_text(encoding="utf-8")))) > 1
    }

    assert lists == {"erp/__init__.py", *(f"local/{each}" for each in LISTS)}
    assert all(f"`local/{each}`" in GUIDE for each in LISTS)
