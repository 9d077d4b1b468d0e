"""Whole lives while most webhooks are lost: nobody saves anything once more, and all is found."""

import datetime as dt
from typing import Any

import pytest

from accord.local.life import Life
from accord.local.life.mishaps import Odds
from tests.sync.conftest import config


class Silent(Life):
    """In the end the store tells of nothing again; some time passes instead."""

    def tell_again(self, kind: str, id_: str, document: dict[str, Any] | None) -> None:
        """See Life.tell_again. What was deleted for good, a store lists no more: it is told."""
        if document is None:
            super().tell_again(kind, id_, document)

    def heal(self) -> None:
        """See Life.heal. All customers are read once an hour."""
        self.pass_(dt.timedelta(minutes=70))
        super().heal()


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_lives_heal_without_a_next_webhook(seed: int) -> None:
    life = Silent.drawn(seed, config(), rough=False)
    life.mishaps.odds = Odds(lost=0.7)

    report = life.play(6, acts=4)

    assert report.mishaps["webhook lost"] > 10
    assert life.world.recovered > 0
    assert report.differences == []
