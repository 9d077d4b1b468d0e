"""What every test may use."""

import os
from pathlib import Path

import pytest

# Recordings of real systems that lie beside the repository in CI; they are not part of it.
SHARED = Path(os.environ.get("ACCORD_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recordings of real systems; the test says so and is skipped where they are absent."""
    if not (SHARED / "woo" / "captures").is_dir():
        pytest.skip(f"needs the recordings of real systems in {SHARED} (set ACCORD_SHARED)")
    return SHARED
