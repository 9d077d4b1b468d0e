"""How long a batch takes, and when it is too much: what a batch size is adapted to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds for a call and for each of its items, and where a host gives up.

    A batch of more than ``most`` items is refused with 503, and nothing of it is done. One that
    takes longer than ``gives_up_s`` is done to its end, but answered with 504 at that moment by
    the proxy in front.
    """

    call_s: float = 0.0
    item_s: float = 0.0
    most: int | None = None
    gives_up_s: float | None = None

    def seconds(self, items: int) -> float:
        """Of a whole batch."""
        return self.call_s + items * self.item_s


NONE = Latency()
SMALL_HOST = Latency(item_s=0.02)  # 100 stock updates took a recorded store 2.0 s
POOR_HOST = Latency(item_s=2.0, most=25, gives_up_s=60.0)  # a plugin in every save, few workers
