"""`accord erps`: what each back office can do, and the beginning of another one."""

import keyword
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from accord import erp
from accord.cli import tables
from accord.cli.output import JsonOption, console, told
from accord.cli.tables import MarkdownOption
from accord.errors import BadInputError
from accord.local.place import REPO

app = typer.Typer(help="What each back office can do; the beginning of another one.")

_SKELETON: Final = Path(__file__).parent / "skeleton"
_PLACES: Final = {
    "erp": "layers/accord/python/accord/erp/{name}",
    "local": "layers/accord/python/accord/local/{name}",
    "tests": "tests/erp/{name}",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST: Final = 20
_WORDS: Final = re.compile(r"Acme|acme")


@app.callback(invoke_without_command=True)
def erps(
    context: typer.Context, json: JsonOption = False, markdown: MarkdownOption = False
) -> None:
    """What each back office can do, as its adapter says."""
    if context.invoked_subcommand is None:
        tables.erps(json=json, markdown=markdown)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="In small letters: business_central.")],
    into: Annotated[
        Path, typer.Option(help="The repository's folder, where it is another than this one.")
    ] = REPO,
) -> None:
    """Writes an adapter that works, a stand-in to try it on, and tests that pass.

    It holds parties and orders of an invented system; what it cannot do it refuses by name.
    Nothing is written over, and nothing at all is written if a part of it is there already.
    """
    check(name, into)
    files = skeleton(name)
    for path, text in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_text(text, encoding="utf-8")
        console.print(str(path), highlight=False, soft_wrap=True)
    told.print(_next(name), highlight=False, soft_wrap=True, markup=False)


def check(name: str, into: Path) -> None:
    """Raises: BadInputError: it is no name for a module, or something has it already."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        raise BadInputError(
            f"{name!r} is no name for a back office: take up to {_LONGEST} small letters, digits "
            "and single _, beginning with a letter, and no word of Python's own"
        )
    if not into.is_dir():
        raise BadInputError(f"{into} is no folder; name the repository's with --into")
    if name in erp.NAMES or hasattr(erp, name):
        raise BadInputError(f"{name} is there already, as `accord erps` says; take another name")
    for place in _PLACES.values():
        for root in (into, REPO):
            path = root / place.format(name=name)
            if found := [each for each in (path, path.with_suffix(".py")) if each.exists()]:
                raise BadInputError(f"{found[0]} is there already; take another name")


def skeleton(name: str) -> dict[Path, str]:
    """Path within the repository → text of the new back office's files."""
    words = {"acme": name, "Acme": class_of(name)}
    return {
        Path(place.format(name=name)) / source.name.removesuffix(".txt"): _WORDS.sub(
            lambda found: words[found[0]], source.read_text(encoding="utf-8")
        )
        for part, place in _PLACES.items()
        for source in sorted((_SKELETON / part).glob("*.py.txt"))
    }


def class_of(name: str) -> str:
    """``business_central`` is BusinessCentral."""
    return "".join(part.capitalize() for part in name.split("_"))


def _next(name: str) -> str:
    return f"""
It works, on a stand-in that does what an invented system does. Next:
  1. .venv/bin/pytest -q tests/erp/{name}
  2. "{name}": "{class_of(name)}" into _CLASSES of layers/accord/python/accord/erp/__init__.py
  3. real requests and answers into tests/erp/{name}/recordings; then client, mapping, stand-in
  4. what else it can do, one capability after another: docs/adding-an-erp.md"""
