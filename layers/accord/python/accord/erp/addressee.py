"""Whom an address is written to, where a back office keeps one line for it. Pure."""

from accord.model.party import Address


def addressee(address: Address, company: str) -> str:
    """The person; a company that is not the party's own ``company`` stands before them."""
    other = address.company if address.company != company else ""
    return ", ".join(part for part in (other, address.name) if part) or company
