"""Raw bytes at the door, as a fuzzer that looks for new branches sends them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.errors import UnsupportedError
from accord.local.fuzz import coverage
from accord.local.fuzz.inputs import Inputs, case_of
from accord.woo.webhook import FOLLOWED


@pytest.fixture(scope="module")
def inputs() -> Iterator[Inputs]:
    with Inputs.opened() as opened:
        yield opened


@given(data=st.binary(max_size=300))
@settings(max_examples=200, derandomize=True)
def test_no_bytes_break_what_must_hold(inputs: Inputs, data: bytes) -> None:
    assert inputs.wrong(data) == ""


def test_the_recorded_deliveries_are_inputs_that_come_through(
    inputs: Inputs, tmp_path: Path
) -> None:
    inputs.seed(tmp_path)
    written = [path.read_bytes() for path in sorted(tmp_path.iterdir())]

    assert len(written) > 10
    assert {inputs.wrong(data) for data in written} == {""}


def test_the_first_byte_says_what_is_told_and_whether_it_is_signed() -> None:
    signed, unsigned = case_of(b"\x03{}"), case_of(b"\x83{}")

    assert signed.how.split(",")[0] in FOLLOWED
    assert signed.event["body"] == unsigned.event["body"]
    assert signed.event["headers"] != unsigned.event["headers"]
    assert case_of(b"").event["body"] == ""


def test_without_atheris_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)

    with pytest.raises(UnsupportedError, match="accord fuzz"):
        coverage.main(["coverage"])
