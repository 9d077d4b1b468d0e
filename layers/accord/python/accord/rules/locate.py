"""Where a key stands in a TOML text. ``tomllib`` reads the values and forgets the places."""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Longest first: a text of three quotes also starts with one.
_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


@dataclass(frozen=True, slots=True)
class Place:
    """``line`` and ``column`` count from 1."""

    line: int
    column: int


def places(text: str) -> dict[Path, Place]:
    """Every key of ``text`` → where it is first written; elements of arrays are numbered from 0.

    ``text`` must be TOML that ``tomllib`` reads: nothing is checked here.
    """
    return _Reader(text.replace("\r\n", "\n")).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, Place] = {}
        self._many_at: dict[Path, int] = {}  # [[table]] → how many so far
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> dict[Path, Place]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._found

    def _header(self) -> Path:
        start = self._at
        many = self._text.startswith("[[", start)
        self._at += 2 if many else 1
        self._skip(_SPACE)
        path = self._resolve(self._keys())
        self._at += 2 if many else 1
        if many:
            n = self._many_at.get(path, 0)
            self._many_at[path] = n + 1
            path = (*path, n)
        self._note(path, start)
        return path

    def _resolve(self, keys: Path) -> Path:
        """``[a.b]`` below ``[[a]]`` means the newest a."""
        path: Path = ()
        for n, key in enumerate(keys):
            path = (*path, key)
            if n < len(keys) - 1 and path in self._many_at:
                path = (*path, self._many_at[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._keys())
        self._note(path, start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._many(path)
        elif opening == "{":
            self._inline(path)
        else:
            self._skip(_TEXT if opening in "\"'" else _PLAIN)

    def _many(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        n = 0
        while self._text[self._at] != "]":
            self._note((*path, n), self._at)
            self._value((*path, n))
            n += 1
            self._comma()
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "}":
            self._pair(path)
            self._comma()
        self._at += 1

    def _comma(self) -> None:
        self._skip(_BLANK)
        if self._text[self._at] == ",":
            self._at += 1
            self._skip(_BLANK)

    def _keys(self) -> Path:
        keys = [self._key()]
        while self._text.startswith(".", self._at):
            self._at += 1
            self._skip(_SPACE)
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> str:
        quoted = self._text[self._at] in "\"'"
        written = self._skip(_TEXT if quoted else _BARE)
        self._skip(_SPACE)
        key: str = tomllib.loads(f"key = {written}")["key"] if quoted else written
        return key

    def _note(self, path: Path, at: int) -> None:
        """A table counts as written where a longer header names it, until its own header comes."""
        line = bisect_right(self._starts, at)
        place = Place(line, at - self._starts[line - 1] + 1)
        for end in range(1, len(path)):
            self._found.setdefault(path[:end], place)
        self._found[path] = place

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()
