"""Raw bytes as requests: what a fuzzer that knows nothing of HTTP can change one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Self

from accord.local.fuzz.bodies import HOME, SECRET, Case, event_of
from accord.local.fuzz.door import FUNCTION, Door, in_time, opened
from accord.local.fuzz.reading import Reader
from accord.local.place import REPO, toml_of
from accord.local.recorded import read_all
from accord.local.store.deliveries import sign
from accord.rules.config import Config
from accord.woo.webhook import FOLLOWED

_TOPICS = sorted(FOLLOWED)
_UNSIGNED = 0x80  # bit of the first byte


class Inputs:
    """Takes inputs. Made by ``opened``."""

    def __init__(self, door: Door, reader: Reader) -> None:
        self._door = door
        self._reader = reader

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        """With the rules of the repository's accord.toml."""
        config = Config.model_validate(toml_of(REPO / "accord.toml"))
        with opened() as door:
            yield cls(door, Reader(config))

    def wrong(self, data: bytes) -> str:
        """What does not hold for the request that ``data`` is; empty where all does."""
        case = case_of(data)
        return in_time(lambda: self._reader.read(self._door.take(case), Random(0))).wrong

    def seed(self, folder: Path) -> None:
        """Puts the recorded deliveries into ``folder``, as inputs to begin with."""
        folder.mkdir(parents=True, exist_ok=True)
        for each in read_all(REPO / "events" / FUNCTION):
            if each.topic in FOLLOWED:
                first = bytes([_TOPICS.index(each.topic)])
                (folder / each.name).write_bytes(first + each.body.encode())


def case_of(data: bytes) -> Case:
    """The request that ``data`` is."""
    first, body = (data[0], data[1:]) if data else (_UNSIGNED, b"")
    topic = _TOPICS[first % len(_TOPICS)]
    headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-source": f"{HOME}/"}
    if first & _UNSIGNED:
        headers["x-wc-webhook-signature"] = sign(body, SECRET)[::-1]
    else:
        headers["x-wc-webhook-signature"] = sign(body, SECRET)
    return Case(0, f"{topic}, {len(body)} bytes", event_of(body, headers))
