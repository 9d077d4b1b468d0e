"""The cloud assembly of this checkout, synthesised again only when something in it changed."""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from accord.errors import BadInputError

_INPUTS = (
    "infra",
    "functions",
    "layers",
    "accord.toml",
    "cdk.json",
    "pyproject.toml",
    "requirements-dev.txt",
)
# Of the package, what no layer holds; see infra/constructs/layers.py.
_LEFT_OUT = ("layers/accord/python/accord/local", "layers/accord/python/accord/cli")
_KEPT = 3
_TIMEOUT_S = 600


def assembly(
    repo: Path,
    *,
    stage: str = "dev",
    config: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """The folder with the templates and assets of ``stage``, below ``repo``/.accord/cdk.out.

    It is named after its inputs, so an unchanged checkout finds it there, and runs side by side do
    not take it from each other. ``config`` stands in for accord.toml. ``progress`` is told before
    something that takes seconds.

    Raises: BadInputError: the CDK app fails; the message ends with what it said.
    """
    out = repo / ".accord" / "cdk.out"
    out.mkdir(parents=True, exist_ok=True)
    folder = out / f"{stage}-{fingerprint(repo, config)[:16]}"
    with _alone(out / ".lock"):
        if not (folder / "manifest.json").is_file():
            progress(f"synthesising the {stage} stacks")
            _synthesise(repo, stage, config, folder)
            _tidy(out, stage)
    return folder


def fingerprint(repo: Path, config: Path | None = None) -> str:
    """A hash over everything that the templates are made from, as hexadecimal text."""
    total = hashlib.sha256()
    for path in _files(repo):
        total.update(path.relative_to(repo).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    if config is not None:
        total.update(config.read_bytes())
    return total.hexdigest()


def _files(repo: Path) -> Iterator[Path]:
    left_out = tuple(repo / each for each in _LEFT_OUT)
    for name in _INPUTS:
        top = repo / name
        paths = [top] if top.is_file() else sorted(top.rglob("*"))
        for path in paths:
            if "__pycache__" in path.parts or not path.is_file():
                continue
            if not any(path.is_relative_to(each) for each in left_out):
                yield path


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Only one process at a time; the others find its work done."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _synthesise(repo: Path, stage: str, config: Path | None, folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    command = [sys.executable, "-m", "infra.app", "--stage", stage, "--output", str(unfinished)]
    if config is not None:
        command += ["--config", str(config.resolve())]
    try:
        run = subprocess.run(
            command, cwd=repo, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BadInputError(
            f"the CDK app did not end within {_TIMEOUT_S} s; run `{' '.join(command[1:])}` to see"
        ) from error
    if run.returncode != 0 or not (unfinished / "manifest.json").is_file():
        shutil.rmtree(unfinished, ignore_errors=True)
        said = (run.stderr.strip() or run.stdout.strip())[-2000:]
        raise BadInputError(f"`python {' '.join(command[1:5])}` failed:\n{said}")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _tidy(out: Path, stage: str) -> None:
    """Leaves the newest few: an older one may still be running somewhere."""
    folders = sorted(out.glob(f"{stage}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
