"""A note on the store's order, exactly once; one that the shopper gets by e-mail, at most once."""

import re
from dataclasses import dataclass

from accord.ports.state import Step
from accord.ports.store import Store
from accord.sync.steps import Promise, Result, Writer

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FIELD = re.compile(r"\{(\w+)\}")
_UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes of one run. ``prod``: this stage may write to shoppers; elsewhere all is private."""

    store: Store
    writer: Writer
    prod: bool = False

    def tell(
        self,
        order_id: str,
        key: str,
        text: str,
        *,
        to_customer: bool = False,
        marker: str | None = None,
    ) -> str:
        """The note's id, also when an earlier try wrote it.

        A private note ends in ``[accord key]`` and is looked for before it is repeated. A shopper's
        holds no such thing: it is known by ``marker``, a part of ``text`` that no other note holds
        (None: all of it). The store sends an e-mail with it, so after a try without an answer it is
        looked for and never repeated: empty when it was not found.

        Raises: TransientError: an unanswered attempt may still take effect. RejectedError.
        """
        public = to_customer and self.prod
        sign = f"[accord {key}]"
        known_by = (marker or text) if public else sign
        body = text if public else f"{text} {sign}"

        def find(step: Step) -> Result | None:
            id_ = self.store.find_note(order_id, known_by)
            if id_ is not None:
                return {"note": id_}
            return {"note": ""} if public and not step.fresh else None

        def do(_: Step) -> Result:
            return {"note": self.store.add_note(order_id, body, to_customer=public)}

        promise = Promise("possible", self.store.settle)
        result = self.writer.once(key, promise, find=find, do=do, find_unasked=False)
        return str(result["note"])


def fill(template: str, **values: str) -> str:
    """``template`` with its {fields} filled in.

    A part in [brackets] goes as a whole when a field in it is empty; elsewhere an empty field
    becomes a dash.
    """

    def part(found: re.Match[str]) -> str:
        fields = _FIELD.findall(found[1])
        if not fields:
            return found[0]  # brackets of the merchant's own
        return found[1] if all(values[field] for field in fields) else ""

    known = {name: value or _UNKNOWN for name, value in values.items()}
    return _OPTIONAL.sub(part, template).format_map(known)
