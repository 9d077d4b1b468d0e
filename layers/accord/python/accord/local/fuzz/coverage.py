"""The same door, driven by atheris, which looks for inputs that reach new branches.

``python -m accord.local.fuzz.coverage [options of libFuzzer] [folder of inputs]``; atheris is not
among the dependencies: it has wheels for Linux on x86-64 only. An input's first byte chooses topic
and signature, the rest is the body. An input that breaks what must hold is kept as a crash.
"""

import importlib
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from accord.errors import UnsupportedError

Json = dict[str, Any]


class BrokenError(Exception):
    """An input broke what must hold."""


def main(arguments: Sequence[str]) -> None:
    """Does not come back before libFuzzer ends the process.

    Raises: UnsupportedError: atheris is not installed here.
    """
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError as error:
        raise UnsupportedError(
            "atheris is not installed; `pip install atheris` on Linux, or use `accord fuzz`"
        ) from error
    with atheris.instrument_imports(include=["accord"]):
        # Imported here, so that their branches are counted.
        from accord.local.fuzz.inputs import Inputs
    with ExitStack() as stack:
        inputs = stack.enter_context(Inputs.opened())

        def one(data: bytes) -> None:
            if wrong := inputs.wrong(data):
                raise BrokenError(wrong)

        if folder := next((each for each in arguments[1:] if not each.startswith("-")), ""):
            inputs.seed(Path(folder))
        atheris.Setup(list(arguments), one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
