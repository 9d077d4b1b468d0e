"""The stand-in in a process of its own, started and ended by whoever needs it."""

from pathlib import Path

from accord.local.server import Server


class StoreServer(Server):
    """A context manager: inside it the store answers at ``url`` and takes ``consumer_key``.

    ``control`` speaks to its ``/_accord/`` paths (see ``accord.local.store.app``).
    """

    def __init__(
        self,
        *,
        port: int = 0,
        home: str = "https://store.example",
        consumer_key: str = "ck_stand_in",
        consumer_secret: str = "cs_stand_in",
        cron: float = 0.0,
        start_within: float = 30.0,
        log: Path | None = None,
    ) -> None:
        super().__init__(
            "the store's stand-in",
            "accord.local.store.serve",
            *("--port", str(port), "--home", home, "--cron", str(cron)),
            *("--consumer-key", consumer_key, "--consumer-secret", consumer_secret),
            within_s=start_within,
            log=log,
        )
        self.home = home
        self.consumer_key = consumer_key
        self.consumer_secret = consumer_secret

    def run_queue(self) -> int:
        """Sends the queued deliveries, and returns how many there were."""
        return int(self.control("POST", "run-queue")["sent"])
