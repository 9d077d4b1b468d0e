"""Between an adapter and its back office: what is asked is counted, and lost by plan."""

from collections import Counter
from collections.abc import Callable

import httpx

Name = Callable[[httpx.Request], str]
"""Request → the name of its call. Two requests that do the same have the same name."""


class Wire(httpx.BaseTransport):
    """To ``inner``. ``calls`` counts what was sent, by name, since ``mend``."""

    def __init__(self, inner: httpx.BaseTransport, name: Name) -> None:
        self.inner = inner
        self._name = name
        self.mend()

    def mend(self) -> None:
        """All is well from now on, and nothing was asked yet."""
        self.calls: Counter[str] = Counter()
        self._lost: dict[str, bool] = {}
        self._kept: set[str] = set()
        self._waiting: list[httpx.Request] = []
        self._refusals = 0

    def lose(self, call: str, *, done: bool) -> None:
        """The next ``call`` is not answered; ``done``: it takes effect all the same."""
        self._lost[call] = done

    def keep(self, call: str) -> None:
        """The next ``call`` is not answered, and takes effect when ``arrive`` lets it."""
        self._kept.add(call)

    def arrive(self) -> list[httpx.Response]:
        """What was kept takes effect now: the answers, which nobody waits for any more."""
        late, self._waiting = self._waiting, []
        return [self._read(request) for request in late]

    def be_away(self, times: int) -> None:
        """So many requests are answered 503."""
        self._refusals = times

    @property
    def is_spent(self) -> bool:
        """Whether nothing that was planned is left."""
        return not (self._lost or self._kept or self._refusals)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, or what was planned in its place."""
        request.read()
        call = self._name(request)
        self.calls[call] += 1
        if self._refusals:
            self._refusals -= 1
            return httpx.Response(503, request=request)
        if call in self._kept:
            self._kept.remove(call)
            self._waiting.append(request)
            raise httpx.ReadTimeout("nobody waits for it any more", request=request)
        if call in self._lost:
            if self._lost.pop(call):
                self._read(request)
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return self.inner.handle_request(request)

    def _read(self, request: httpx.Request) -> httpx.Response:
        answer = self.inner.handle_request(request)
        answer.read()
        answer.close()
        return answer

    def close(self) -> None:
        """The way behind it is closed as well."""
        self.inner.close()
