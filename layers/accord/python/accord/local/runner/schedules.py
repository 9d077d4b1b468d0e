"""Schedules: a function invoked again and again, faster by ``speed``.

Source: Amazon EventBridge Scheduler User Guide, "Schedule types" and "Context attributes".
"""

import datetime as dt
import logging
import re
import threading
import uuid
from contextlib import AbstractContextManager

from accord.errors import BadInputError
from accord.local.runner.resources import ScheduleSpec
from accord.local.runner.runtime import Function

log = logging.getLogger(__name__)

_RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)")
_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


def interval(expression: str) -> float | None:
    """Seconds between two turns of ``rate(…)``; None for ``cron(…)`` and ``at(…)``.

    Raises: BadInputError: it is none of these.
    """
    if expression.startswith(("cron(", "at(")):
        return None
    match = _RATE.fullmatch(expression)
    if match is None or match[1] == "0":
        raise BadInputError(f"{expression} is no schedule; write it like rate(5 minutes)")
    return int(match[1]) * _SECONDS[match[2]]


class Timer:
    """One schedule. A turn that falls into the one before is left out, not made up for.

    Schedules that share a ``turn`` run one after another, where AWS would run them side by side: a
    function that several of them start at the same moment then needs one process of this machine.
    """

    def __init__(
        self,
        spec: ScheduleSpec,
        function: Function,
        *,
        speed: float,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        self._spec = spec
        self._function = function
        self._turn = turn or threading.Lock()
        every_s = interval(spec.expression)
        self._every_s = None if every_s is None else every_s / speed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"schedule {spec.name}", daemon=True)

    def start(self) -> None:
        """First turn after one interval. A cron schedule is left to `LocalStack.invoke`."""
        if self._every_s is None:
            log.info(
                "%s (%s) does not run by itself here: invoke %s when it is wanted",
                self._spec.name,
                self._spec.expression,
                self._function.spec.folder,
            )
            return
        self._thread.start()

    def stop(self) -> None:
        """No more turns."""
        self._stop.set()

    def join(self, timeout_s: float = 3.0) -> None:
        """Waits for a turn under way."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            with self._turn:
                if self._stop.is_set():
                    return
                answer = self._function.invoke(self._event(dt.datetime.now(dt.UTC)))
            if not answer.ok and not self._stop.is_set():
                log.warning(
                    "%s: %s", self._spec.name, answer.payload[:300].decode(errors="replace")
                )

    def _event(self, now: dt.datetime) -> bytes:
        filled = {
            "<aws.scheduler.schedule-arn>": self._spec.name,
            "<aws.scheduler.scheduled-time>": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "<aws.scheduler.execution-id>": str(uuid.uuid4()),
            "<aws.scheduler.attempt-number>": "1",
        }
        text = self._spec.input
        for name, value in filled.items():
            text = text.replace(name, value)
        return text.encode()
