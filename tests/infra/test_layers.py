"""What would hurt: a layer that differs by machine, is too large, or carries a laptop's code."""

import json

import pytest
from aws_cdk import FileSystem

from infra import ROOT
from infra.constructs import layers


def _files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def package(tmp_path):
    return layers.assemble(json.dumps({"stores": {}}), tmp_path)


def test_the_same_package_is_the_same_asset(tmp_path):
    one, two = (layers.assemble("{}", tmp_path / name) for name in ("one", "two"))
    assert FileSystem.fingerprint(str(one)) == FileSystem.fingerprint(str(two))


def test_the_same_lock_is_the_same_asset(tmp_path):
    one, two = (layers.fetch(tmp_path / name) for name in ("one", "two"))
    assert FileSystem.fingerprint(str(one)) == FileSystem.fingerprint(str(two))


def test_the_package_lies_where_lambda_looks_for_it(package):
    assert (package / "python/accord/settings.py").is_file()


def test_the_configuration_lies_beside_it(package):
    assert json.loads((package / "accord.json").read_text()) == {"stores": {}}


def test_what_a_laptop_runs_is_left_out(package):
    assert not {
        path
        for path in _files(package)
        if path.startswith(("python/accord/local/", "python/accord/cli/")) or "__pycache__" in path
    }


def test_both_layers_unpacked_stay_below_20_mb(package):
    folders = (package, layers.fetch(ROOT / "build/layers"))
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*"))
    assert size < 20_000_000


def test_the_dependencies_are_for_lambdas_processor(tmp_path):
    found = _files(layers.fetch(ROOT / "build/layers"))
    compiled = {path for path in found if path.endswith(".so")}
    assert compiled
    assert all("cpython-313-aarch64" in path for path in compiled)


def test_boto3_is_the_runtimes_own():
    assert not (layers.fetch(ROOT / "build/layers") / "python/boto3").exists()


def test_what_was_fetched_is_not_fetched_again(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(
        layers, "_install", lambda target: fetched.append(target.mkdir(parents=True))
    )
    assert layers.fetch(tmp_path) == layers.fetch(tmp_path)
    assert len(fetched) == 1


def test_a_fetch_that_fails_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    unlocked = tmp_path / "requirements.txt"
    unlocked.write_text("httpx==0.28.1\n")
    monkeypatch.setattr(layers, "_REQUIREMENTS", unlocked)

    with pytest.raises(RuntimeError, match="hash"):
        layers.fetch(tmp_path / "build")

    assert list((tmp_path / "build").iterdir()) == []
