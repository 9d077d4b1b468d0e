"""What every test may use."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

# Recordings of real systems that lie beside the repository in CI; they are not part of it.
SHARED = Path(os.environ.get("ACCORD_SHARED", Path(__file__).parents[2] / "shared"))


# Files that take longest, the longest first. A file's tests run in one process one after another, so
# whoever is given such a file last keeps everybody waiting.
LONGEST = (
    "journeys/test_delivery_to_document.py",
    "journeys/test_stock_on_tryton.py",
    "journeys/test_crash_on_tryton.py",
    "journeys/test_order_life.py",
    "journeys/test_main_job.py",
    "journeys/test_order_life_on_tryton.py",
    "journeys/test_bench_small.py",
    "journeys/test_mending_without_deploy.py",
    "journeys/test_catalogue_on_tryton.py",
    "journeys/test_other_rules_on_tryton.py",
    "journeys/test_customers_on_tryton.py",
    "erp/tryton/test_returning.py",
    "erp/tryton/test_reconciling.py",
    "erp/tryton/test_crediting.py",
    "erp/tryton/test_cancelling.py",
    "infra/test_app.py",
    "functions/test_check_availability.py",
    "functions/test_order_functions.py",
    "functions/test_life_functions.py",
    "state/test_levels.py",
    "state/test_levels_model.py",
    "releases/test_going_on.py",
    "releases/test_taking_back.py",
    "releases/test_later_fields.py",
    "sync/test_life_model.py",
    "sync/test_catalogue.py",
    "local/runner/test_stack.py",
    "local/bench/test_skus.py",
    "state/test_levels_crashes.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Where tests run in several processes: files are handed out in our order."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # it begins with those of most tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; within a file, and among the others, nothing moves."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


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
