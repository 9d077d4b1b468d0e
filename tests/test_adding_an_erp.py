"""The guide to adding a back office says what the code does."""

import dataclasses
import re
from pathlib import Path

import pytest

from accord.ports.erp import Capabilities

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
    and word
    not in {"opening.py", "life.py", "catalogue.py", "comparison.py"}  # named in full before
)


def test_every_capability_is_asked_for() -> None:
    words = {word for code in CODE for word in re.findall(r"\w+", code)}

    assert {field.name for field in dataclasses.fields(Capabilities)} - words == set()


@pytest.mark.parametrize("path", PATHS)
def test_what_it_points_to_exists(path: str) -> None:
    assert any((place / path).exists() for place in PLACES)
