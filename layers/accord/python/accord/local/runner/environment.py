"""A function's folders and environment, as Lambda lays them out, on this machine.

Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
"""

import importlib.machinery
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from accord.local.runner.resources import REGION, FunctionSpec

log = logging.getLogger(__name__)

_MOUNT = "/opt/"
# How the machine reaches the outside: a function that talks to a real store needs it here too.
_INHERITED = ("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def access_key(folder: str) -> str:
    """The access key of a function: its calls are told from others' by it."""
    return f"LOCAL_{folder}"


class Workshop:
    """Copies of the assets in ``work``, and the environments of functions that run on them.

    Copies, because Python writes bytecode beside what it imports, and an asset is what is deployed.
    """

    def __init__(
        self,
        work: Path,
        *,
        endpoint: str,
        config: Path | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """``config`` stands in for ACCORD_CONFIG; ``extra`` is added to every environment."""
        self._assets = work / "assets"
        self._home = work
        self._endpoint = endpoint
        self._config = config
        self._extra = dict(extra or {})
        self._foreign: dict[Path, bool] = {}

    def copy(self, asset: Path) -> Path:
        """Where the asset's copy is; assets are named after their content, so one copy stays."""
        copy = self._assets / asset.name
        if not copy.is_dir():
            unfinished = self._assets / f"{asset.name}.{uuid4().hex}"
            shutil.copytree(asset, unfinished, ignore=shutil.ignore_patterns("__pycache__"))
            try:
                unfinished.rename(copy)
            except OSError:
                if not copy.is_dir():
                    raise
                shutil.rmtree(unfinished, ignore_errors=True)  # another run was faster
        return copy

    def environment(self, spec: FunctionSpec, *, runtime_api: str) -> dict[str, str]:
        """All variables of one process of ``spec``. ``runtime_api`` is host:port."""
        code = self.copy(spec.code)
        layers = [self.copy(layer) for layer in spec.layers if not self._is_foreign(layer)]
        path = [code, *(layer / "python" for layer in layers)]
        variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        variables |= {
            "HOME": str(self._home),
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(str(folder) for folder in path),
            "_HANDLER": spec.handler,
            "LAMBDA_TASK_ROOT": str(code),
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mib),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[1]{uuid4().hex}",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": access_key(spec.folder),
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
        variables |= {
            name: self._unmounted(value, layers) for name, value in spec.environment.items()
        }
        if self._config is not None and "ACCORD_CONFIG" in variables:
            variables["ACCORD_CONFIG"] = str(self._config.resolve())
        return variables | self._extra

    def _unmounted(self, value: str, layers: list[Path]) -> str:
        """A path below /opt, where Lambda mounts layers, becomes the one in the layer's copy."""
        if value.startswith(_MOUNT):
            for layer in reversed(layers):  # a later layer hides an earlier one's file
                if (layer / value.removeprefix(_MOUNT)).exists():
                    return str(layer / value.removeprefix(_MOUNT))
        return value

    def _is_foreign(self, layer: Path) -> bool:
        if layer not in self._foreign:
            odd = foreign_extension(layer)
            self._foreign[layer] = odd is not None
            if odd is not None:
                log.info("layer %s is for another platform (%s): using own packages", layer, odd)
        return self._foreign[layer]


def foreign_extension(layer: Path) -> str | None:
    """The name of a compiled module in ``layer`` that this interpreter cannot load, if any."""
    own = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    for module in layer.glob("python/**/*.so"):
        # lib….so are libraries that modules link to; only modules carry their platform's tag.
        if not module.name.startswith("lib") and not (
            module.name.endswith(own) and _tagged(module.name) in (None, *own)
        ):
            return module.name
    return None


def _tagged(name: str) -> str | None:
    """``.cpython-313-aarch64-linux-gnu.so`` of such a name, None for plain ``.so``."""
    _, dot, rest = name.partition(".")
    return None if rest == "so" else dot + rest
