"""The virtual clock, and ports that tell of each of their calls: who listens may refuse it, or kill
the worker there."""

import datetime as dt
from collections.abc import Callable
from typing import Any

Hook = Callable[[str], None]


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
    test may put another in its place."""

    def __init__(self, port: Any, name: str, hook: Hook) -> None:
        self._port = port
        self._name = name
        self._hook = hook

    def __getattr__(self, method: str) -> Any:
        port, hook = self._port, self._hook
        found = getattr(port, method)
        if not callable(found):
            return found
        before, after = f"before {self._name}.{method}", f"after {self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            hook(before)
            answer = getattr(port, method)(*args, **kwargs)
            hook(after)
            return answer

        self.__dict__[method] = call
        return call


def hooked(port: Any, name: str, hook: Hook) -> Any:
    """``port`` with ``hook`` told ``before name.method`` and ``after name.method`` of each call."""
    return _Hooked(port, name, hook)
