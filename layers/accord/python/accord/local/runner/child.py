"""What a function's process runs: Lambda's own runtime client, ended when its starter ends.

Run by path, so it imports nothing of the package; Lambda would not have this file either.
"""

import os
import runpy
import sys
import threading


def follow_starter() -> None:
    """Ends this process when the other end of its standard input is gone.

    The runner holds that end, so however it dies, no process stays behind.
    """
    while os.read(0, 1):
        pass
    os._exit(1)


def main() -> None:
    """Serves invocations of the handler named by the first argument until killed."""
    threading.Thread(target=follow_starter, daemon=True).start()
    if first := os.environ.get("LOCAL_FIRST"):  # a script that lays hands on the process itself
        runpy.run_path(first, run_name="__main__")
    # Code that reads its standard input finds it empty, and not the runner's pipe.
    from awslambdaric.__main__ import main as serve

    serve(sys.argv)


if __name__ == "__main__":
    main()
