"""What a long simulation has done so far, in a file: broken off, it goes on where it was.

A line of JSON says whose run it is; each line after it is a shard that was played.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from accord.errors import BadInputError
from accord.local.simulate.shard import Result
from accord.rules.config import Config


@dataclass(frozen=True, slots=True)
class Played:
    """One shard: what it came to, and what it took."""

    result: Result
    peak_mib: float  # of its process so far
    cpu_s: float
    wall_s: float = 0.0  # of the whole run, when this shard was over


_played = TypeAdapter(Played)


class Kept:
    """The shards of one run in ``path``, read once and added to.

    Raises: BadInputError: the file holds another run, or shards that other code has played.
    """

    def __init__(self, path: Path, *, seed: int, orders: int, config: Config) -> None:
        self.played: list[Played] = []
        self._path = path
        whose = {"seed": seed, "orders": orders, "version": version(config)}
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines:
            path.write_text(json.dumps(whose) + "\n")
            return
        if (said := _whose(lines[0])) != whose:
            differ = ", ".join(key for key in whose if said.get(key) != whose[key])
            raise BadInputError(
                f"{path} holds another run, or none ({differ}): name another file, or delete it"
            )
        self.played += _whole(lines[1:])
        # A line that a dying process left unfinished would spoil the next.
        path.write_text("\n".join(lines[: 1 + len(self.played)]) + "\n")

    def add(self, played: Played) -> None:
        """Kept before it is counted."""
        with self._path.open("a") as file:
            file.write(_played.dump_json(played).decode() + "\n")

    @property
    def wall_s(self) -> float:
        """What the runs so far took together."""
        return max((each.wall_s for each in self.played), default=0.0)


def version(config: Config) -> str:
    """A hash over Accord's code and the configuration, as hexadecimal text."""
    total, package = hashlib.sha256(), Path(__file__).parents[2]
    for path in sorted(package.rglob("*.py")):
        total.update(path.relative_to(package).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update(config.model_dump_json().encode())
    return total.hexdigest()


def _whose(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _whole(lines: list[str]) -> Iterator[Played]:
    for line in lines:
        try:
            yield _played.validate_json(line)
        except ValidationError:
            return
