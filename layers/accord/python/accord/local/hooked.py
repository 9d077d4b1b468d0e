"""The virtual clock, and ports that tell of each of their calls: who listens may refuse it, or kill
the worker there."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Hook = Callable[[str], None]


class Ear(Protocol):
    """Who listens."""

    @property
    def hook(self) -> Hook: ...


@dataclass(frozen=True, slots=True)
class _Always:
    hook: Hook


class KilledError(BaseException):
    """The worker's process is gone: no handler of ours may catch it."""


class Clock:
    """A virtual clock: it moves when it is told to."""

    def __init__(self, start: dt.datetime) -> None:
        self.now = start

    def __call__(self) -> dt.datetime:
        return self.now


class _Hooked:
    """Used like ``port``. Each method is looked up once here, and on ``port`` with every call: a
    test may put another in its place. So is the hook of ``ear``."""

    def __init__(self, port: Any, name: str, ear: Ear) -> None:
        self._port = port
        self._name = name
        self._ear = ear

    def __getattr__(self, method: str) -> Any:
        port, ear = self._port, self._ear
        found = getattr(port, method)
        if not callable(found):
            return found
        before, after = f"before {self._name}.{method}", f"after {self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            ear.hook(before)
            answer = getattr(port, method)(*args, **kwargs)
            ear.hook(after)
            return answer

        self.__dict__[method] = call
        return call


def hooked(port: Any, name: str, hook: Hook) -> Any:
    """``port`` with ``hook`` told ``before name.method`` and ``after name.method`` of each call."""
    return _Hooked(port, name, _Always(hook))


def heard(port: Any, name: str, ear: Ear) -> Any:
    """The same with the hook that ``ear`` has at the moment of each call."""
    return _Hooked(port, name, ear)
