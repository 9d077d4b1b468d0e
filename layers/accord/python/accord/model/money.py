"""Money: an exact amount in one currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Self

# Digits after the point where they are not two. Source: ISO 4217, list one, 2024.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {
    **dict.fromkeys(_NO_DIGITS.split(), 0),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
    "CLF": 4,
    "UYW": 4,
}


def digits(currency: str) -> int:
    """Digits after the point of ``currency``'s smallest unit."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``amount`` in major units (12.50), never rounded unasked; ``currency`` is ISO 4217."""

    amount: Decimal
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(Decimal(0), currency)

    @classmethod
    def total(cls, amounts: Iterable["Money"], currency: str) -> "Money":
        """The sum, which is zero of ``currency`` for no amounts.

        Raises: ValueError: an amount is in another currency.
        """
        return sum(amounts, Money.zero(currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __abs__(self) -> "Money":
        return Money(abs(self.amount), self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        places = digits(self.currency)
        if -int(self.amount.as_tuple().exponent) > places:
            places = max(places, -int(self.amount.normalize().as_tuple().exponent))
        return f"{self.amount:.{places}f} {self.currency}"

    @property
    def unit(self) -> Decimal:
        """The smallest unit: 0.01 for EUR, 1 for JPY."""
        return Decimal(1).scaleb(-digits(self.currency))

    def rounded(self, rounding: str = ROUND_HALF_UP) -> "Money":
        """To the smallest unit."""
        return Money(self.amount.quantize(self.unit, rounding=rounding), self.currency)

    def split(self, weights: Sequence[Decimal]) -> "list[Money]":
        """Shared out in proportion to ``weights``, losing and inventing nothing.

        Every share is a whole number of the smallest unit; the units left over by
        rounding down go, one each, to the largest remainders, ties to the first.

        Args:
            weights: At least one, none negative, not all zero.

        Returns:
            One share per weight, in order; they sum to ``self.rounded()`` exactly.
        """
        whole = sum(weights, Decimal(0))
        if whole <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("split needs weights that are not negative and not all zero")
        due = self.rounded().amount
        exact = [due * weight / whole for weight in weights]
        shares = [share.quantize(self.unit, rounding=ROUND_DOWN) for share in exact]
        left = due - sum(shares, Decimal(0))
        step = self.unit if left >= 0 else -self.unit
        by_remainder = sorted(
            range(len(weights)), key=lambda i: abs(exact[i] - shares[i]), reverse=True
        )
        for i in by_remainder[: int(left / step)]:
            shares[i] += step
        return [Money(share, self.currency) for share in shares]

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return other.amount
