"""The part of Xero's own OpenAPI file that is used here, cut out of the whole.

``python -m tests.erp.xero.spec.trim WHOLE.yaml`` writes ``accounting.json`` anew.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
TRIMMED: Final = HERE / "accounting.json"
PATHS: Final = (
    *("/Organisation", "/Accounts", "/TaxRates", "/TrackingCategories", "/BrandingThemes"),
    *("/Currencies", "/Contacts", "/Contacts/{ContactNumber}", "/Contacts/{ContactID}"),
    *("/Items", "/Items/{ItemID}", "/Payments", "/Payments/{PaymentID}"),
    *("/Invoices", "/Invoices/{InvoiceID}", "/Invoices/{InvoiceID}/pdf"),
    *("/Invoices/{InvoiceID}/OnlineInvoice", "/Invoices/{InvoiceID}/History"),
    *("/CreditNotes", "/CreditNotes/{CreditNoteID}", "/CreditNotes/{CreditNoteID}/pdf"),
    "/CreditNotes/{CreditNoteID}/History",
    "/CreditNotes/{CreditNoteID}/Allocations",
    "/CreditNotes/{CreditNoteID}/Allocations/{AllocationID}",
)
_METHODS: Final = {"get", "put", "post", "delete", "parameters"}
_PROSE: Final = {"description", "example", "examples", "externalDocs", "summary", "title", "tags"}
_UNUSED: Final = {"security", "x-permissions"}


def trimmed(whole: dict[str, Any]) -> dict[str, Any]:
    """Those paths and all that they refer to, without examples and prose."""
    paths = {
        path: {method: each for method, each in whole["paths"][path].items() if method in _METHODS}
        for path in PATHS
    }
    kept: dict[str, Any] = {
        "openapi": whole["openapi"],
        "info": {"title": whole["info"]["title"], "version": whole["info"]["version"]},
        "servers": [{"url": whole["servers"][0]["url"]}],
        "paths": _bare(paths),
        "components": {},
    }
    wanted, known = _references(kept["paths"]), set[str]()
    while wanted - known:
        reference = min(wanted - known)
        known.add(reference)
        _, _, kind, name = reference.split("/")
        part = _bare(whole["components"][kind][name])
        kept["components"].setdefault(kind, {})[name] = part
        wanted |= _references(part)
    return kept


def _bare(part: Any, *, names: bool = False) -> Any:
    """Without prose. ``names``: the keys are names that someone gave, not words of OpenAPI."""
    if isinstance(part, dict):
        return {
            key: _bare(value, names=not names and key in {"properties", "responses", "content"})
            for key, value in part.items()
            if names or key not in _PROSE | _UNUSED
        }
    return [_bare(each) for each in part] if isinstance(part, list) else part


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_references(each) for each in part.values()))
    return set().union(*(_references(each) for each in part)) if isinstance(part, list) else set()


def read(path: Path) -> dict[str, Any]:
    """Xero's whole file."""
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader"))  # noqa: B009 - the C loader, where types know only the slow one
    return found


def written(part: dict[str, Any]) -> str:
    """As the file holds it."""
    return json.dumps(part, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TRIMMED.write_text(written(trimmed(read(Path(sys.argv[1])))))
