"""Who buys: the shopper, as the store knows them, and where things go."""

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. ``country`` is ISO 3166-1 alpha-2, ``state`` the store's code for it."""

    name: str = ""
    company: str = ""
    street: str = ""  # one line of text per line of the address
    city: str = ""
    postal_code: str = ""
    state: str = ""
    country: str = ""

    @property
    def fingerprint(self) -> str:
        """Equal addresses, letter case and spaces aside, have equal fingerprints."""
        parts = (
            *(self.name, self.company, self.street, self.city),
            *(self.postal_code, self.state, self.country),
        )
        text = "\x1f".join([" ".join(part.casefold().split()) for part in parts])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __bool__(self) -> bool:
        return any((self.street, self.city, self.postal_code, self.country))


@dataclass(frozen=True, slots=True)
class Party:
    """A shopper. ``customer_id`` is the store's account, None for a guest.

    ``code`` is the account code of the back office's party, where a person named it.
    """

    name: str
    company: str
    email: str
    phone: str
    vat_number: str
    customer_id: str | None
    billing: Address
    shipping: Address  # the billing address when the store gave none
    code: str = ""

    @property
    def display_name(self) -> str:
        """The company where there is one, else the person, else the e-mail address."""
        return self.company or self.name or self.email

    @property
    def is_nobody(self) -> bool:
        """Nothing tells who bought: no name, no e-mail, no account, no VAT number."""
        return not (self.display_name or self.customer_id or self.vat_number)


def plain_vat_number(text: str) -> str:
    """Letters and digits only, capitals: ``gb 123.456`` is ``GB123456``; Greece's begin with EL.

    Source: Council Directive 2006/112/EC, article 215: Greece may use the prefix EL.
    """
    plain = "".join(char for char in text.upper() if char.isalnum())
    return re.sub(r"^GR(?=\d{9}$)", "EL", plain)


CUSTOMER_TERMS = frozenset({"price_group", "payment_terms"})
"""Fields of a profile that not every back office keeps."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What both sides keep of a customer. None: this side does not hold that field at all.

    An empty text or address is known to be empty.
    """

    name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    vat_number: str | None = None
    billing: Address | None = None
    shipping: Address | None = None
    price_group: str | None = None
    payment_terms: str | None = None
