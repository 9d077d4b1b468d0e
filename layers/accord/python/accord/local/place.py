"""Everything on one machine: the stack, a back office, a store stand-in, joined by accord.toml."""

import contextlib
import datetime as dt
import itertools
import json
import re
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from accord import erp
from accord.erp.hooks import webhook_of
from accord.errors import BadInputError
from accord.local import tryton
from accord.local.ledger import LedgerServer
from accord.local.odoo.desk import Desk as OdooDesk
from accord.local.odoo.desk import Furniture
from accord.local.odoo.process import OdooServer
from accord.local.recorded import References, read_all
from accord.local.runner.stack import LocalStack
from accord.local.runner.synth import assembly
from accord.local.store.process import StoreServer
from accord.local.tryton import Catalogue, TrytonServer
from accord.local.xero import Desk as XeroDesk
from accord.local.xero.desk import Furniture as XeroFurniture
from accord.local.xero.process import XeroServer
from accord.ports.erp import Connection, ErpAdapter
from accord.rules.load import check
from accord.sync.turn import EPOCH, TRUSTED

BackOffice = Literal["tryton", "memory", "odoo", "xero"]
STAGE = "dev"
WEBHOOK_SECRET = "local-webhook-secret"
CHECKOUT_SECRET = "local-checkout-secret"
REPO = Path(__file__).parents[5]
"""The checkout: functions, infra and accord.toml lie there."""
_PLENTY = {"per_minute": 6_000, "per_day": 1_000_000}
_SERVICES = {"SHIPPING": "Shipping", "FEE": "Fee", "ROUNDING": "Rounding", "MISC": "Other goods"}
_EPOCH_TABLE = "control"
_TOKENS_TABLE = "tokens"


def config_text(path: Path) -> str:
    """The configuration file as text. Raises: BadInputError: it is not there, or is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}; name another file") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not UTF-8 text; save it as such") from error


def toml_of(path: Path, *, stage: str = STAGE) -> dict[str, Any]:
    """What ``path`` says. Raises: BadInputError: it is not there, or has errors; all are named."""
    text = config_text(path)
    config, findings = check(text, stage=stage)
    if config is None:
        errors = "\n".join(f"{path}: {finding}" for finding in findings)
        raise BadInputError(errors)
    return tomllib.loads(text, parse_float=Decimal)


def secrets_of(path: Path) -> dict[str, dict[str, Any]]:
    """Secrets by name, from TOML or JSON: ``["store/uk"]`` with its keys, ``["erp/main"]``, …

    Raises: BadInputError: it cannot be read; no content is repeated.
    """
    found = table_of(path)
    for name, content in found.items():
        if not isinstance(content, dict):
            raise BadInputError(f"{path}: {name} must be a table of keys")
    return found


def table_of(path: Path) -> dict[str, Any]:
    """What a TOML or JSON file of secrets holds. Raises: BadInputError: as ``secrets_of``."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error
    except ValueError:  # whose message would hold a part of the text
        raise BadInputError(f"{path} is neither TOML nor JSON") from None
    if not isinstance(found, dict):
        raise BadInputError(f"{path} must hold secrets by name")
    return found


@dataclass(slots=True)
class Place:
    """A context manager: inside it everything runs.

    Without ``real`` the store and the back office of accord.toml are stood in for on this machine.
    ``real`` holds the secrets of real ones, which are then used as the configuration names them;
    ``file`` is where that was read.
    """

    config: dict[str, Any]
    references: References
    work: Path
    erp: BackOffice = "tryton"
    real: Mapping[str, Mapping[str, Any]] | None = None
    file: Path | None = None
    port: int = 0
    speed: float = 1.0
    cron: float = 0.0
    erp_timeout: float = 30.0
    announced: bool = False  # to `accord trace` and the others: one at a time on a machine
    concurrency: int = 4
    environment: Mapping[str, str] | None = None
    timeouts_s: Mapping[str, float] | None = None  # see LocalStack, as the one above
    progress: Callable[[str], None] = field(default=lambda _: None)
    show: Callable[[str], None] | None = None
    stack: LocalStack = field(init=False)
    store: StoreServer = field(init=False)
    books: TrytonServer | LedgerServer | OdooServer | XeroServer = field(init=False)
    store_name: str = field(init=False)
    _open: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        self.store_name = next(iter(self.config["stores"]))
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def webhook_url(self) -> str:
        """Where the store's deliveries go."""
        return f"{self.stack.url}/stores/{self.store_name}/webhooks"

    @property
    def _compiled(self) -> Path:
        """What the functions read."""
        return self.work / "accord.json"

    @property
    def _file(self) -> Path:
        """What the file says, before others stand in for what it names."""
        return self.work / "file.json"

    def back_office(self) -> ErpAdapter:
        """The adapter that the functions use, for looking at the books as they do."""
        name = self.config["stores"][self.store_name]["erp"]
        table = self.config["erps"][name]
        return erp.load(table["adapter"]).connect(
            Connection(
                name=name,
                adapter=table["adapter"],
                url=table["url"],
                options=table.get("options", {}),
                secret=self._credentials,
                tokens=self.books.access if isinstance(self.books, XeroServer) else None,
            )
        )

    def sales(self) -> list[dict[str, Any]]:
        """What stands in the back office: key, number, state, party, amounts as text, lines."""
        if isinstance(self.books, TrytonServer):
            return [
                {
                    "key": each["web_id"],
                    "number": each["number"] or "",
                    "state": each["state"],
                    "party": each["party"]["name"],
                    "currency": each["currency"],
                    "gross": f"{each['gross']:.2f}",
                    "tax": f"{each['tax']:.2f}",
                    "lines": len(each["lines"]),
                    "payments": 0,
                }
                for each in tryton.sales(self.books)
            ]
        if isinstance(self.books, OdooServer | XeroServer):
            return self.books.sales()
        return [_ledger_sale(each) for each in self.books.sales()]

    @property
    def _credentials(self) -> dict[str, str]:
        """Of the back office that stands in."""
        return {} if isinstance(self.books, LedgerServer) else self.books.secret

    def _start(self) -> None:
        repo_assembly: list[Path] = []
        self.work.mkdir(parents=True, exist_ok=True)
        wiring = self._wiring()
        self._file.write_text(compiled(self.config), encoding="utf-8")
        failed: list[BaseException] = []

        def synthesise() -> None:
            try:
                repo_assembly.append(
                    assembly(REPO, stage=STAGE, config=wiring, progress=self.progress)
                )
            except BaseException as error:  # noqa: BLE001 - told to the thread that waits
                failed.append(error)

        thread = threading.Thread(target=synthesise)
        thread.start()
        try:
            if self.real is None:
                self._stand_in()
        finally:
            thread.join()
        if failed:
            raise failed[0]
        path = self._compiled
        path.write_text(compiled(self.config), encoding="utf-8")
        self.progress("starting the functions and the AWS stand-in")
        self.stack = self._open.enter_context(
            LocalStack(
                repo_assembly[0],
                work=self.work,
                port=self.port,
                speed=self.speed,
                secrets=self.real if self.real is not None else self._secrets(),
                config=path,
                concurrency=self.concurrency,
                environment=self.environment,
                timeouts_s=self.timeouts_s,
                show=self.show,
            )
        )
        if self.real is None:
            self._trust()
            self._consent()
        if self.announced:
            self._announce()
        self.stack.prewarm(["receive_store_webhook", "order_created", "order_updated"])

    def _wiring(self) -> Path | None:
        """The file that the stack is made for; None for the checkout's own, which names no back
        office that lets us in by a consent."""
        if self.real is not None:
            return self.file
        if erp.load(self.erp).oauth is None:
            return None
        path = self.work / "wiring.toml"
        path.write_text(_in_books_of(self.erp, config_text(REPO / "accord.toml")), "utf-8")
        return path

    def _stand_in(self) -> None:
        """A store and a back office of our own in the place of those that accord.toml names."""
        table = self.config["stores"][self.store_name]
        table["url"] = self.references.home
        if self.references.oldest is not None:
            start = table["orders"]["start_at"]
            table["orders"]["start_at"] = min(start, self.references.oldest)
        self.store = self._open.enter_context(
            StoreServer(home=self.references.home, cron=self.cron, log=self.work / "store.log")
        )
        table["api_url"] = self.store.url
        books = self.config["erps"][table["erp"]]
        books["timeout"] = self.erp_timeout
        if self.erp == "memory":
            ledger = self._open.enter_context(LedgerServer(log=self.work / "ledger.log"))
            books |= {"adapter": "memory", "options": {}, "url": ledger.url}
            self.books = ledger
            return
        taxes = {f"VAT {percent.normalize():f}%": percent for percent in self.references.percents}
        for name, percent in taxes.items():
            table["mappings"]["taxes"].setdefault(f"{percent.normalize():f}", name)
        if self.erp == "odoo":
            odoo = self._open.enter_context(OdooServer(log=self.work / "odoo.log"))
            books |= {"adapter": "odoo", "options": odoo.options, "url": odoo.url}
            self.books = odoo
            self._furnish(OdooDesk(odoo), taxes, table["mappings"]["payments"].values())
            return
        if self.erp == "xero":
            xero = self._open.enter_context(XeroServer(log=self.work / "xero.log"))
            books |= {"adapter": "xero", "options": xero.options, "url": xero.url}
            books.setdefault("limits", _PLENTY)  # a machine's own: Xero's are for its service
            table["flows"]["fulfilment"] = "off"  # nothing is shipped there
            self.books = xero
            self._furnish_xero(XeroDesk(xero), taxes, table["mappings"]["payments"].values())
            return
        server = TrytonServer.ready(REPO / tryton.CACHE, progress=self.progress)
        self.progress("starting Tryton")
        self.books = self._open.enter_context(server)
        books |= {"adapter": "tryton", "options": server.options, "url": server.url}
        tryton.seed(
            server,
            Catalogue(
                currencies=self.references.currencies,
                taxes=taxes,
                items=self.references.skus,
                services=_SERVICES,
                parties={"WEBGUEST": "Web guest"},
            ),
        )

    def _furnish(
        self, desk: OdooDesk, taxes: Mapping[str, Decimal], payments: Iterable[Mapping[str, Any]]
    ) -> None:
        """What the store's orders refer to, in an Odoo that holds nothing yet."""
        accounts = dict.fromkeys(each["account"] for each in payments if each.get("account"))
        desk.furnish(
            Furniture(
                currency="GBP",
                currencies=self.references.currencies,
                taxes=taxes,
                items=tuple(self.references.skus),
                services=tuple(_SERVICES),
                journals={name: f"BNK{n}" for n, name in enumerate(accounts, start=1)},
            )
        )

    def _furnish_xero(
        self, desk: XeroDesk, taxes: Mapping[str, Decimal], payments: Iterable[Mapping[str, Any]]
    ) -> None:
        """The same in a Xero: every tax's type is its name, and the money goes to banks."""
        accounts = dict.fromkeys(each["account"] for each in payments if each.get("account"))
        desk.furnish(
            XeroFurniture(
                currency="GBP",
                currencies=self.references.currencies,
                taxes=taxes,
                items=tuple(self.references.skus),
                services=tuple(_SERVICES),
                banks={f"09{n}": name for n, name in enumerate(accounts, start=1)},
            )
        )

    def _secrets(self) -> dict[str, dict[str, Any]]:
        table = self.config["stores"][self.store_name]
        books = self.config["erps"][table["erp"]]
        return {
            table["secret"]: {
                "webhook_secrets": [*self.references.secrets, WEBHOOK_SECRET],
                "checkout_secrets": [CHECKOUT_SECRET],
                "consumer_key": self.store.consumer_key,
                "consumer_secret": self.store.consumer_secret,
            },
            books["secret"]: {**self._credentials, **_call_keys(books["adapter"])},
        }

    def _trust(self) -> None:
        """Tables and back office are both new, so nothing can be older than what we remember."""
        from accord.state.control import DynamoControl

        table = f"accord-{STAGE}-{_EPOCH_TABLE}"
        DynamoControl(self.stack.client("dynamodb"), table).put(EPOCH, TRUSTED, version=None)

    def _consent(self) -> None:
        """Lets the functions into a stand-in that is let into by OAuth, as a person would."""
        if not isinstance(self.books, XeroServer):
            return
        from accord.state.tokens import DynamoTokens

        tokens = DynamoTokens(self.stack.client("dynamodb"), f"accord-{STAGE}-{_TOKENS_TABLE}")
        tokens.keep(self.config["stores"][self.store_name]["erp"], self.books.consent())

    def _announce(self) -> None:
        """So that `accord trace` and the others find this stack while it runs."""
        path = REPO / ".accord" / "local.json"
        path.parent.mkdir(exist_ok=True)
        told = json.dumps(
            {
                "endpoint": self.stack.endpoint,
                "webhooks": self.webhook_url,
                "stage": STAGE,
                "config": str(self._compiled),
                "file": str(self._file),
            }
        )
        path.write_text(told, encoding="utf-8")

        def withdraw() -> None:
            if path.exists() and path.read_text(encoding="utf-8") == told:  # not a later one's
                path.unlink()

        self._open.callback(withdraw)


def compiled(config: Mapping[str, Any]) -> str:
    """The configuration as the functions read it."""
    return json.dumps(config, default=_plain)


def _in_books_of(adapter: str, text: str) -> str:
    """The configuration file ``text`` with another kind of back office, which has no settings,
    ships nothing, and bears more than its maker's service does."""
    text = re.sub(r'(?m)^adapter = "\w+"', f'adapter = "{adapter}"', text)
    text = re.sub(r'(?m)^fulfilment = "\w+"', 'fulfilment = "off"', text)
    head, table, rest = text.partition("[erps.main.options]\n")
    own, mark, others = rest.partition("\n[")
    plenty = "".join(f"{name} = {count}\n" for name, count in _PLENTY.items())
    text = head + table + re.sub(r"(?m)^\w+ = .*\n?", "", own) + mark + others
    return f"{text}\n[erps.main.limits]\n{plenty}"


def _ledger_sale(each: dict[str, Any]) -> dict[str, Any]:
    totals = each["totals"] or {}
    return {
        "key": each["key"],
        "number": each["number"],
        "state": each["state"],
        "party": each["party"],
        "currency": each["currency"],
        "gross": totals.get("gross", ""),
        "tax": totals.get("tax", ""),
        "lines": len(each["lines"]),
        "payments": len(each["payments"]),
    }


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} has no form in JSON")


@contextlib.contextmanager
def work_folder(name: str) -> Iterator[Path]:
    """An empty folder below ``.accord`` for one run; logs stay there until the next.

    A run that goes on meanwhile keeps its own: the second is ``name-2``.
    """
    import fcntl
    import shutil

    place = REPO / ".accord"
    place.mkdir(exist_ok=True)
    for number in itertools.count(1):
        folder = place / (name if number == 1 else f"{name}-{number}")
        with folder.with_suffix(".lock").open("w") as lock:  # its process holds it, and no other
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield folder
            return


def _call_keys(adapter: str) -> dict[str, list[str]]:
    """What the recorded calls of back offices are signed with, for one of a kind that calls."""
    if webhook_of(adapter) is None:
        return {}
    calls = read_all(REPO / "events" / "receive_erp_webhook")
    return {"webhook_keys": list(dict.fromkeys(each.secret for each in calls if each.secret))}
