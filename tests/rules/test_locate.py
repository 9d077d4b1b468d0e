"""Where a key stands in a TOML text."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accord.rules.locate import Place, places

# Every way to write a key, a value and a table that tomllib reads.
TEXT = '''\
# a comment = 1
top = "a # not [ a = comment"
"x.y".'z' = 1
[ stores . uk ]
list = [ "a", # with a comment
  'b', { k = 1, "j" = [1, 2] } ]
long = """
fake = 1
"quo\\"ted" """
raw = \'\'\'
[fake]\'\'\'
[[many]]
k = 1
[[many]]
k = 2
[many.sub]
when = 2026-01-01 00:00:00Z # then
none = {}
'''


def test_every_key_is_found_where_it_is_written() -> None:
    found = places(TEXT)

    assert found == {
        ("top",): Place(2, 1),
        ("x.y",): Place(3, 1),
        ("x.y", "z"): Place(3, 1),
        ("stores",): Place(4, 1),
        ("stores", "uk"): Place(4, 1),
        ("stores", "uk", "list"): Place(5, 1),
        ("stores", "uk", "list", 0): Place(5, 10),
        ("stores", "uk", "list", 1): Place(6, 3),
        ("stores", "uk", "list", 2): Place(6, 8),
        ("stores", "uk", "list", 2, "k"): Place(6, 10),
        ("stores", "uk", "list", 2, "j"): Place(6, 17),
        ("stores", "uk", "list", 2, "j", 0): Place(6, 24),
        ("stores", "uk", "list", 2, "j", 1): Place(6, 27),
        ("stores", "uk", "long"): Place(7, 1),
        ("stores", "uk", "raw"): Place(10, 1),
        ("many",): Place(12, 1),
        ("many", 0): Place(12, 1),
        ("many", 0, "k"): Place(13, 1),
        ("many", 1): Place(14, 1),
        ("many", 1, "k"): Place(15, 1),
        ("many", 1, "sub"): Place(16, 1),
        ("many", 1, "sub", "when"): Place(17, 1),
        ("many", 1, "sub", "none"): Place(18, 1),
    }


def test_a_tables_own_header_is_its_place() -> None:
    assert places("[a.b]\n[a]\nc = 1\n")["a",] == Place(2, 1)


def test_windows_line_ends_count_once() -> None:
    assert places("a = 1\r\nb = 2\r\n")["b",] == Place(2, 1)


SIGNS = st.sampled_from("ab.-_ \"\\'é#=[]{},\n")
NAMES = st.text(SIGNS, max_size=4)
VALUES = st.one_of(st.integers(), st.booleans(), st.text(SIGNS, max_size=6))
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)


def quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in plain) + '"'


def written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            return "[ " + ",\n ".join(map(written, value)) + "]"
        case _:
            return "{" + ", ".join(f"{quoted(k)} = {written(v)}" for k, v in value.items()) + "}"


def paths(value: Any, at: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    inside: Any = {}
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    return {at} | {path for key, each in inside for path in paths(each, (*at, key))}


@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_what_tomllib_reads_is_found_and_nothing_else(tree: dict[str, Any]) -> None:
    text = "".join(f"{quoted(key)} = {written(value)} # \n" for key, value in tree.items())
    assert tomllib.loads(text) == tree

    found = places(text)

    assert {(), *found} == paths(tree)


def test_ten_thousand_tables_are_read_at_once() -> None:
    text = "".join(f'[stores.uk.mappings.items."{n}"]\nitem = "x"\n' for n in range(10_000))

    assert places(text)["stores", "uk", "mappings", "items", "9999"] == Place(19_999, 1)
