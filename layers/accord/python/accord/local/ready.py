"""Makes once what later runs take from a cache: Tryton's database, the synthesised stacks.

``python -m accord.local.ready`` says what it does meanwhile.
"""

import sys
import time

from accord.local import tryton
from accord.local.place import REPO, STAGE
from accord.local.runner.synth import assembly


def main() -> None:
    """Some ten seconds the first time, none later."""
    started = time.monotonic()

    def progress(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - started:6.1f} s  {text}\n")
        sys.stdout.flush()

    tryton.prepare(REPO / tryton.CACHE, progress=progress)
    assembly(REPO, stage=STAGE, progress=progress)


if __name__ == "__main__":
    main()
