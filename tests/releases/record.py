"""What a release writes, kept for the releases after it: ``python -m tests.releases.record``.

Plays the recorded life with the code of this moment and writes ``tests/releases/<version>/``:

- ``tables.json``, ``objects.json``: all that lies in DynamoDB and S3 when it ends;
- ``messages.json``: every message that was queued, ``pending.json``: those that were not done yet;
- ``past.json``: what changed in the store and the back office, call by call;
- ``inputs.json``: what schedules and routes hand to functions;
- ``shapes.json``: the fields of each of them; see ``shapes``.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.conftest import EVENTS as INPUTS
from tests.releases import life
from tests.releases.kept import cloud, dump
from tests.releases.shapes import kinds, shapes_of

HERE = Path(__file__).parent
_PARTS = ("tables", "objects", "messages", "pending", "past", "inputs", "shapes")
_SCHEDULED = ("poll_erp", "poll_store", "reconcile", "wake", "guard_webhooks", "report_backlog")
Json = dict[str, Any]


def main() -> None:
    """Writes the folder of pyproject.toml's version. A release that is out is never written over."""
    root = HERE.parents[1]
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    folder = HERE / version
    if folder.exists():
        sys.exit(
            f"{folder.relative_to(root)} is there. Raise version in pyproject.toml for a new "
            "release; one that was never deployed may be deleted and recorded anew."
        )
    recorded = record()
    folder.mkdir()
    for part in _PARTS:
        text = json.dumps(recorded[part], indent=1, ensure_ascii=False, sort_keys=part == "shapes")
        (folder / f"{part}.json").write_text(text + "\n", encoding="utf-8")
    print(f"{folder.relative_to(root)}: {len(recorded['messages'])} messages")


def record() -> Json:
    """All parts, by name."""
    with cloud():
        world = life.new()
        life.live(world)
        tables, objects = dump()
        ended = {"at": world.clock().isoformat(), "queued": world.pending()}
        inputs = _inputs()
        samples = [*kinds(tables, objects, world.told), *_of_inputs(inputs)]
        return {
            "tables": tables,
            "objects": objects,
            "messages": world.told,
            "pending": ended,
            "past": world.past,
            "inputs": inputs,
            "shapes": shapes_of(samples),
        }


def _inputs() -> dict[str, Json]:
    """By function and case."""
    return {
        f"{name}/{path.stem}": json.loads(path.read_text(encoding="utf-8"))
        for name in _SCHEDULED
        for path in sorted((INPUTS / name).glob("*.json"))
    }


def _of_inputs(inputs: dict[str, Json]) -> list[tuple[str, Json]]:
    return [(f"input/{name}", given) for name, given in inputs.items()]


def releases() -> list[str]:
    """Those that are recorded, oldest first."""
    found = [path.parent.name for path in HERE.glob("*/shapes.json")]
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def read(release: str, part: str) -> Any:
    return json.loads((HERE / release / f"{part}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
