"""What every test may use."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

# Recordings of real systems that lie beside the repository in CI; they are not part of it.
SHARED = Path(os.environ.get("ACCORD_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recordings of real systems; the test says so and is skipped where they are absent."""
    if not (SHARED / "woo" / "captures").is_dir():
        pytest.skip(f"needs the recordings of real systems in {SHARED} (set ACCORD_SHARED)")
    return SHARED


EVENTS = Path(__file__).parents[1] / "events"


def capture(name: str) -> dict[str, Any]:
    """One recorded delivery of a real store: headers, exact body text, secret."""
    path = EVENTS / "receive_store_webhook" / f"{name}.json"
    if not path.exists():
        path = EVENTS.parent / "tests" / "woo" / "deliveries" / path.name
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def order_json(name: str) -> dict[str, Any]:
    """The order in a recorded delivery."""
    found: dict[str, Any] = json.loads(capture(name)["body"])
    return found
