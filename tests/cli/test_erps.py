"""`accord erps new NAME` writes a back office that works, and never over anything."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accord.cli.app import app
from accord.cli.erps import check, class_of, skeleton
from accord.errors import BadInputError
from accord.ports.erp import ErpAdapter

REPO = Path(__file__).parents[2]
PACKAGE = Path("layers/accord/python/accord")
GROWING = (PACKAGE / "erp", PACKAGE / "local", Path("tests/erp"))
LEFT_OUT = frozenset({"build", "__pycache__", "cdk.out", "node_modules"})
NAME = "business_central"


def mirror(folder: Path, to: Path, growing: Sequence[Path]) -> None:
    """``folder`` by links, but for those that something is ``growing`` in: they are new ones."""
    for each in folder.iterdir():
        inside = [Path(*path.parts[1:]) for path in growing if path.parts[:1] == (each.name,)]
        if inside:
            (to / each.name).mkdir()
            mirror(each, to / each.name, inside)
        elif each.name not in LEFT_OUT and (not each.name.startswith(".") or folder != REPO):
            (to / each.name).symlink_to(each)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository as this one, which may be written into."""
    mirror(REPO, tmp_path, GROWING)
    return tmp_path


def new(name: str, into: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["erps", "new", name, "--into", str(into)])
    return result.exit_code, result.stdout


def ran(repository: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / tool, *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_what_is_written_works_at_once(repository: Path) -> None:
    code, printed = new(NAME, repository)
    written = printed.split()
    assert code == 0

    tested = ran(repository, "pytest", "-q", "-p", "no:cacheprovider", f"tests/erp/{NAME}")
    assert tested.returncode == 0, tested.stdout[-3000:]
    assert " passed" in tested.stdout

    typed = [path for path in written if not path.startswith("tests")]
    checked = ran(repository, "mypy", "--cache-dir", str(repository / "types"), *typed)
    assert checked.returncode == 0, checked.stdout[-3000:]


@pytest.mark.parametrize("name", ["ox", NAME, "a_name_of_twenty_abc", "m" * 20])
def test_what_is_written_is_in_our_style_whatever_its_name(repository: Path, name: str) -> None:
    _, printed = new(name, repository)

    for arguments in (("check", "--no-cache"), ("format", "--no-cache", "--check")):
        looked = ran(repository, "ruff", *arguments, *printed.split())
        assert looked.returncode == 0, looked.stdout


def test_the_skeleton_has_every_method_of_the_port() -> None:
    adapter = skeleton(NAME)[PACKAGE / "erp" / NAME / "adapter.py"]
    of_the_port = {
        name
        for name, found in vars(ErpAdapter).items()
        if not name.startswith("_") and (callable(found) or isinstance(found, classmethod))
    }

    assert len(of_the_port) > 20
    assert of_the_port - set(re.findall(r"    def (\w+)\(", adapter)) == set()


def test_the_skeletons_own_name_is_in_none_of_it() -> None:
    for path, text in skeleton(NAME).items():
        assert "acme" not in f"{path}{text}".lower(), path


@pytest.mark.parametrize(
    "name", ["", "class", "Xero", "9lives", "two words", "a-b", "a__b", "../up", "a" * 21, "é"]
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="no name for a back office"):
        check(name, tmp_path)


@pytest.mark.parametrize("name", ["odoo", "memory", "load", "codes", "store", "world", "contract"])
def test_a_name_that_something_has_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="there already"):
        check(name, tmp_path)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    there = tmp_path / "tests" / "erp" / NAME / "test_mine.py"
    there.parent.mkdir(parents=True)
    there.write_text("mine", encoding="utf-8")

    result = CliRunner().invoke(app, ["erps", "new", NAME, "--into", str(tmp_path)])

    assert isinstance(result.exception, BadInputError)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [there]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--into"):
        check(NAME, tmp_path / "nowhere")


def test_a_class_is_named_as_classes_are() -> None:
    assert class_of("sap_b1") == "SapB1"
