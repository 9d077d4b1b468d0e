"""How the stand-in is set up, as a person could have done it: what a doctor asks for."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Setup:
    """The settings of the recorded store. They can be changed, and nothing else follows from that.

    ``extra_payments`` and ``extra_shipping`` are (id, title) of methods beside the catalogue's.
    """

    version: str = "10.5.0"
    currency: str = "GBP"
    decimals: int = 2
    prices_include_tax: bool = False
    is_secure: bool = True
    wp_cron: bool = False
    extra_payments: list[tuple[str, str]] = field(default_factory=list)
    extra_shipping: list[tuple[str, str]] = field(default_factory=list)
