"""What every function stands on: our package with its configuration, and the dependencies."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from uv import find_uv_bin

from infra import ROOT

ARCHITECTURE = lambda_.Architecture.ARM_64
RUNTIME = lambda_.Runtime.PYTHON_3_13
_PLATFORM = "aarch64-manylinux2014"
_PYTHON = "3.13"

_PACKAGE = ROOT / "layers/accord/python"
_REQUIREMENTS = ROOT / "layers/dependencies/requirements.txt"
# What only a laptop runs, and what differs from one machine to the next.
_LEFT_OUT = shutil.ignore_patterns("local", "cli", "__pycache__", "*.pyc", "tests", ".*")


class Layers(Construct):
    """``all``: first the dependencies, then our package. ``config`` lies at /opt/accord.json."""

    def __init__(self, scope: Construct, id_: str, *, config: str) -> None:
        super().__init__(scope, id_)
        # The asset is copied while the layer is made, so its folder need not stay.
        with tempfile.TemporaryDirectory() as folder:
            package = self._layer("Accord", assemble(config, Path(folder)))
        self.all = (self._layer("Dependencies", fetch(ROOT / "build/layers")), package)

    def _layer(self, id_: str, folder: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            id_,
            code=lambda_.Code.from_asset(str(folder)),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )


def assemble(config: str, folder: Path) -> Path:
    """``folder``, now as Lambda mounts it: python/accord, and ``config`` as accord.json."""
    shutil.copytree(_PACKAGE, folder / "python", ignore=_LEFT_OUT)
    (folder / "accord.json").write_text(config, encoding="utf-8")
    return folder


def fetch(build: Path) -> Path:
    """The folder below ``build`` with the wheels that Lambda needs; fetched once per lock.

    Raises:
        RuntimeError: uv could not fetch them; the message is what it said.
    """
    lock = _REQUIREMENTS.read_bytes()
    digest = hashlib.sha256(lock + f"{_PLATFORM} {_PYTHON}".encode()).hexdigest()
    folder = build / f"dependencies-{digest[:16]}"
    if folder.is_dir():
        return folder
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as temporary:
        _install(Path(temporary) / "layer/python")
        try:
            # In one move: whoever finds the folder finds it whole.
            (Path(temporary) / "layer").rename(folder)
        except OSError:
            if not folder.is_dir():  # nobody else was faster
                raise
    return folder


def _install(target: Path) -> None:
    command = [
        find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--system-certs",
        "--target",
        str(target),
    ]
    command += ["--python-platform", _PLATFORM, "--python-version", _PYTHON]
    # Copies, not links into uv's cache, which an edit in place would change for everyone.
    command += ["--only-binary", ":all:", "--require-hashes", "--link-mode", "copy"]
    command += ["-r", str(_REQUIREMENTS)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"the dependencies could not be fetched:\n{error.stderr}") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeError("the dependencies could not be fetched within 5 minutes") from error
    # Both name this machine, and would give every machine its own asset.
    (target / ".lock").unlink(missing_ok=True)
    shutil.rmtree(target / "bin", ignore_errors=True)
