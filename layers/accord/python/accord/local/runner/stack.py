"""A synthesised cloud assembly, running on this machine."""

import atexit
import contextlib
import datetime as dt
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from accord.errors import BadInputError, UnavailableError
from accord.local.process import NotStartedError, Process
from accord.local.runner import calls as recorded
from accord.local.runner import resources
from accord.local.runner.alarms import Alarm, Measured, evaluate_all
from accord.local.runner.calls import Calls
from accord.local.runner.dashboard import Picture, picture
from accord.local.runner.environment import Workshop, access_key
from accord.local.runner.gateway import Gateway, Route
from accord.local.runner.metrics import Metrics
from accord.local.runner.moto_server import MotoServer
from accord.local.runner.pollers import Poller, polling_key
from accord.local.runner.resources import REGION, Deployment
from accord.local.runner.runtime import Counts, Function, Log
from accord.local.runner.sandbox import Answer
from accord.local.runner.schedules import Timer
from accord.local.runner.template import load
from accord.local.runner.throttles import Plan as Throttled
from accord.local.runner.wire import Wire

log = logging.getLogger(__name__)

_START_S = 60.0
DASHBOARD = "/_local/dashboard"
"""Where the runner itself tells how it goes, beside the routes of the API."""
_MOTO = "accord.local.runner.moto_server"


class LocalStack:
    """Everything the templates hold, running while the context is entered.

    Every process it starts ends with it, however it ends.
    """

    def __init__(
        self,
        assembly: Path,
        *,
        work: Path,
        port: int = 0,
        speed: float = 1.0,
        secrets: Mapping[str, Mapping[str, Any]] | None = None,
        config: Path | None = None,
        moto: Literal["process", "thread"] = "process",
        concurrency: int = 4,
        environment: Mapping[str, str] | None = None,
        timeouts_s: Mapping[str, float] | None = None,
        show: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            assembly: What ``synth.assembly`` returns.
            work: Folder for logs and copies of assets.
            port: Of the HTTP API on 127.0.0.1; 0 for any.
            speed: Schedules, visibility timeouts, delays and the memory of deduplication are
                shorter by this factor; functions and their timeouts are not, so a visibility
                timeout must stay longer than its worker takes.
            secrets: Name → content; see ``resources.deploy``.
            config: Stands in for the compiled accord.toml of the assembly.
            moto: "process" gives the AWS stand-in a core of its own.
            concurrency: Most processes of one function.
            environment: Added to the environment of every function.
            timeouts_s: Folder → the function's timeout in place of its own. What a killed worker
                held is free again after that.
            show: Called with every log line of every function.
        """
        self._assembly = assembly
        self._work = work.resolve()
        self._port = port
        self._speed = speed
        self._secrets = dict(secrets or {})
        self._config = config
        self._moto_mode = moto
        self._concurrency = concurrency
        self._environment = environment
        self._timeouts_s = dict(timeouts_s or {})
        self._show = show
        self._metrics = Metrics()
        self._open = contextlib.ExitStack()
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()
        self._functions: dict[str, Function] = {}
        self._pollers: list[Poller] = []
        self._timers: list[Timer] = []
        self._turns: dict[str, contextlib.AbstractContextManager[object]] = {}
        self.resources = Deployment()
        self.url = ""
        self.endpoint = ""

    def __enter__(self) -> Self:
        """Raises: BadInputError, UnsupportedError: the assembly. UnavailableError: the machine."""
        stacks = load(self._assembly)
        self._since = time.monotonic()
        self._work.mkdir(parents=True, exist_ok=True)
        atexit.register(self.close)
        try:
            self._start(stacks)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops everything; a second time does nothing."""
        parts: list[Poller | Timer] = [*self._timers, *self._pollers]
        for part in parts:
            part.stop()
        # What is under way is cut off, as by a deployment that fails: messages stay in their queue.
        self._open.close()
        for part in parts:
            part.join()
        atexit.unregister(self.close)

    def _start(self, stacks: Any) -> None:
        gateway = Gateway(self._metrics, port=self._port)
        self._gateway = gateway
        self._open.callback(gateway.close)
        self.url = gateway.url
        self.endpoint = self._start_moto()
        self._wire = Wire(self.endpoint)
        self._open.callback(self._wire.forget)
        self._open.callback(self._wire.close)
        self._open.callback(self._close_clients)
        self.resources = self._deploy(stacks)
        self._open.callback(self._close_functions)
        self._make_functions()
        self._wake_up()
        gateway.own[DASHBOARD] = lambda: self.dashboard().to_json()
        gateway.start()

    def _deploy(self, stacks: Any) -> Deployment:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return resources.deploy(
                stacks,
                self.client,
                secrets=self._secrets,
                api_url=self.url,
            )
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(f"the AWS stand-in refused a resource: {error}") from error

    def _make_functions(self) -> None:
        workshop = Workshop(
            self._work, endpoint=self.endpoint, config=self._config, extra=self._environment
        )
        for arn, deployed in self.resources.functions.items():
            timeout_s = self._timeouts_s.get(deployed.folder, deployed.timeout_s)
            spec = replace(deployed, timeout_s=timeout_s)
            lines = Log(self._work / "logs" / f"{spec.folder}.log", self._metrics, self._show)
            self._functions[arn] = Function(spec, workshop, lines, concurrency=self._concurrency)

    def _wake_up(self) -> None:
        sources: dict[str, list[str]] = {}
        for queue in self.resources.queues.values():
            if queue.dead is not None:
                sources.setdefault(queue.dead, []).append(queue.arn)
        for mapping in self.resources.mappings:
            feeders = sources.get(mapping.queue, [])
            self._pollers.append(
                Poller(
                    mapping,
                    self.resources.queues[mapping.queue],
                    self._functions[mapping.function],
                    self._wire,
                    dead_of=feeders[0] if len(feeders) == 1 else None,
                )
            )
        self._turns = {arn: threading.RLock() for arn in self._functions}
        self._timers = [
            Timer(
                schedule,
                self._functions[schedule.function],
                speed=self._speed,
                turn=self._turns[schedule.function],
            )
            for schedule in self.resources.schedules
        ]
        self._gateway.routes = [
            Route(route.key, self._functions[route.function], route.timeout_s)
            # The one that names more of the path wins, $default last.
            for route in sorted(self.resources.routes, key=lambda each: each.key.count("{"))
            if route.key != "$default"
        ] + [
            Route(route.key, self._functions[route.function], route.timeout_s)
            for route in self.resources.routes
            if route.key == "$default"
        ]
        parts: list[Poller | Timer] = [*self._pollers, *self._timers]
        for part in parts:
            part.start()

    def _start_moto(self) -> str:
        if self._moto_mode == "thread":
            server = MotoServer(speed=self._speed)
            self._open.callback(server.close)
            return f"http://127.0.0.1:{server.port}"
        process = Process(
            _MOTO,
            *("--speed", str(self._speed)),
            what="the AWS stand-in",
            log=self._work / "aws.log",
            environment={
                "PATH": os.environ.get("PATH", ""),
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_DEFAULT_REGION": REGION,
            },
            folder=self._work,
        )
        self._open.callback(process.stop)
        process.start()
        import boto3  # noqa: F401  # takes as long as the other process needs to start

        try:
            return f"http://127.0.0.1:{process.wait(_START_S)['port']}"
        except NotStartedError as error:
            raise UnavailableError(str(error), sent=False) from error

    def client(self, service: str) -> Any:
        """A boto3 client of the AWS stand-in; one per service, closed with the stack."""
        import boto3
        from botocore.config import Config

        with self._clients_lock:
            if service not in self._clients:
                session = boto3.session.Session(
                    aws_access_key_id=access_key("runner"),
                    aws_secret_access_key="local",
                    region_name=REGION,
                )
                self._clients[service] = session.client(
                    service,
                    endpoint_url=self.endpoint,
                    config=Config(
                        connect_timeout=3, read_timeout=30, retries={"total_max_attempts": 2}
                    ),
                )
            return self._clients[service]

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _close_functions(self) -> None:
        for function in self._functions.values():
            function.close()

    def function(self, folder: str) -> Function:
        """Raises: BadInputError: there is none."""
        return self._functions[self.resources.function(folder).arn]

    def invoke(self, folder: str, event: Mapping[str, Any], *, wait_s: float = 30.0) -> Answer:
        """How one invocation ended. Raises: BadInputError: there is no such function."""
        return self.function(folder).invoke(json.dumps(event).encode(), wait_s=wait_s)

    @contextlib.contextmanager
    def unscheduled(self, *, but: Collection[str] = ()) -> Iterator[None]:
        """Within, no schedule begins a turn, and those that one began are over.

        The functions ``but`` keep theirs. What the turns before have queued may still be under way.
        Can be nested in one thread.
        """
        with contextlib.ExitStack() as held:
            for arn, turn in self._turns.items():
                if self.resources.functions[arn].folder not in but:
                    held.enter_context(turn)
            yield

    def prewarm(self, folders: Iterable[str] | None = None, *, count: int = 1) -> None:
        """Has ``count`` processes of each function ready (of all functions when none are named).

        Raises: UnavailableError: a handler cannot be imported; the message names its log.
        """
        names = [spec.folder for spec in self.resources.functions.values()]
        wanted = [self.function(folder) for folder in (names if folders is None else folders)]
        with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as workers:
            ready = list(workers.map(lambda function: function.prewarm(count), wanted))
        if not all(ready):
            function = wanted[ready.index(False)]
            function.flush()
            folder, lines = function.spec.folder, function.log.path
            raise UnavailableError(f"{folder} does not start; see {lines}", sent=False)

    def metrics(self) -> dict[str, float]:
        """Metric → the sum of what the functions have published since the start."""
        for function in self._functions.values():
            function.flush()
        return self._metrics.sums()

    def counts(self) -> dict[str, Counts]:
        """Folder → what became of the function's invocations."""
        return {each.spec.folder: each.counts for each in self._functions.values()}

    def queues(self) -> dict[str, dict[str, float]]:
        """Queue → messages ``visible``, ``hidden``, ``delayed``; ``age_s`` of the oldest, real."""
        found: dict[str, dict[str, float]] = self._wire.own("queues")
        return found

    def alarms(self) -> list[Alarm]:
        """Every alarm of the templates, evaluated now."""
        return evaluate_all(self.resources.alarms, self.measured())

    def dashboard(self) -> Picture:
        """The templates' dashboard now. Raises: BadInputError: there is none."""
        if not self.resources.dashboards:
            raise BadInputError(
                "no dashboard is in the templates; see infra/constructs/dashboard.py"
            )
        (name, body), *_ = self.resources.dashboards.items()
        now = dt.datetime.now(dt.UTC)
        return picture(name, body, self.alarms(), self.measured(), at=now)

    def measured(self) -> Measured:
        """All that was measured so far."""
        for function in self._functions.values():
            function.flush()
        return Measured(
            metrics=self._metrics,
            queues=self.queues(),
            since=self._since,
            now=time.monotonic(),
            speed=self._speed,
        )

    def throttle(self, plan: Throttled | None) -> None:
        """Has tables and queues refuse calls of the functions from now on, or no longer."""
        if plan is None:
            self._wire.own("throttles", method="DELETE")
        else:
            self._wire.own("throttles", method="PUT", body=asdict(plan))

    def throttled(self) -> dict[str, int]:
        """ "links: too much to do" → how often so far."""
        found: dict[str, int] = self._wire.own("throttles")
        return found

    def calls(self) -> dict[str, Calls]:
        """Folder → the AWS calls its code made."""
        return self._calls(access_key)

    def source_calls(self) -> dict[str, Calls]:
        """Folder → the calls by which its queue is read, which on AWS its role must allow too."""
        return self._calls(polling_key)

    def _calls(self, key: Callable[[str], str]) -> dict[str, Calls]:
        found = recorded.load(self._wire.own("calls"))
        folders = [each.spec.folder for each in self._functions.values()]
        return {folder: found.get(key(folder), Calls()) for folder in folders}

    def clear_calls(self) -> None:
        """Counts calls from none again."""
        self._wire.own("calls", method="DELETE")

    def wait_idle(self, timeout_s: float, *, not_for: Collection[str] = ()) -> bool:
        """Every queue that feeds a function is empty, and nothing is under way.

        Of queues in ``not_for`` what will only come later does not count.
        False when that was not so within ``timeout_s``.
        """
        fed = {self.resources.queues[mapping.queue].name for mapping in self.resources.mappings}
        deadline = time.monotonic() + timeout_s
        while not self._idle(fed, not_for):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _idle(self, fed: set[str], not_for: Collection[str]) -> bool:
        before = self._done()
        if self._busy():
            return False
        figures = self.queues()
        later = ("hidden", "delayed")
        if any(figures[name]["visible"] for name in fed):
            return False
        if any(figures[name][kind] for name in fed.difference(not_for) for kind in later):
            return False
        # Nothing began and ended unseen between the looks.
        return not self._busy() and self._done() == before

    def _busy(self) -> bool:
        functions = self._functions.values()
        return self._gateway.in_flight > 0 or any(each.in_flight for each in functions)

    def _done(self) -> int:
        return sum(each.counts.invocations for each in self._functions.values())
