"""The stage's dashboard as CloudWatch would show it, with what was measured on this machine."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from accord.local.runner.alarms import Alarm, Measured, Stat, series

POINTS = 60
_WINDOW_S = 3600.0

Kind = Literal["graph", "number", "alarms", "text"]


@dataclass(frozen=True, slots=True)
class Line:
    """One metric: its values over the window, oldest first, and the one that stands for it now."""

    label: str
    values: Sequence[float | None]
    latest: float | None


@dataclass(frozen=True, slots=True)
class Widget:
    """One tile of the grid of 24 columns."""

    title: str
    kind: Kind
    x: int
    y: int
    width: int
    height: int
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole dashboard at one moment. ``seconds`` is how far its graphs look back."""

    name: str
    taken_at: str
    seconds: float
    widgets: Sequence[Widget]
    alarms: Sequence[Alarm] = field(default=())

    @property
    def ringing(self) -> list[Alarm]:
        """Those that ring and tell somebody."""
        return [alarm for alarm in self.alarms if alarm.state == "ALARM" and alarm.owners]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Picture":
        """What ``to_json`` made."""
        widgets = [
            Widget(**{**each, "lines": [Line(**line) for line in each["lines"]]})
            for each in found["widgets"]
        ]
        alarms = [Alarm(**{**each, "owners": tuple(each["owners"])}) for each in found["alarms"]]
        return cls(found["name"], found["taken_at"], found["seconds"], widgets, alarms)


def picture(
    name: str,
    body: Mapping[str, Any],
    alarms: Sequence[Alarm],
    measured: Measured,
    *,
    at: dt.datetime,
) -> Picture:
    """Looks back an hour, or to the start. ``body`` is as the dashboard's template holds it."""
    seconds = min(_WINDOW_S, max(60.0, measured.now - measured.since))
    widgets = [_widget(each, measured, seconds) for each in body["widgets"]]
    return Picture(name, at.isoformat(timespec="seconds"), seconds, widgets, alarms)


def _widget(found: Mapping[str, Any], measured: Measured, seconds: float) -> Widget:
    about = found.get("properties", {})
    metrics = _metrics(about.get("metrics", []))
    lines = [_line(stat, label, measured, seconds) for stat, label in metrics]
    kind: Kind = {"alarm": "alarms", "text": "text"}.get(found["type"], "graph")  # type: ignore[assignment]
    if about.get("view") == "singleValue":
        kind = "number"
    return Widget(
        title=about.get("title", ""),
        kind=kind,
        x=int(found.get("x", 0)),
        y=int(found.get("y", 0)),
        width=int(found["width"]),
        height=int(found["height"]),
        lines=lines,
    )


def _metrics(rows: Sequence[Sequence[Any]]) -> list[tuple[Stat, str]]:
    """A row names namespace, metric and dimensions, pair by pair, and ends with its options.

    Source: Amazon CloudWatch API Reference, "Dashboard body structure and syntax".
    """
    found = []
    for row in rows:
        names, options = (row[:-1], row[-1]) if isinstance(row[-1], dict) else (row, {})
        namespace, metric, *pairs = (str(each) for each in names)
        stat = Stat(
            namespace=namespace,
            name=metric,
            dimensions=dict(zip(pairs[::2], pairs[1::2], strict=True)),
            statistic=str(options.get("stat", "Average")),
            period=float(options.get("period", 300)),
        )
        found.append((stat, str(options.get("label", metric))))
    return found


def _line(stat: Stat, label: str, measured: Measured, seconds: float) -> Line:
    # Here a point is a part of the window, however long the period is there.
    point = Stat(
        stat.namespace,
        stat.name,
        stat.dimensions,
        stat.statistic,
        seconds * measured.speed / POINTS,
    )
    values = series(point, measured, POINTS)
    known = [value for value in values if value is not None]
    if not known:
        return Line(label, values, None)
    if stat.statistic in ("Sum", "SampleCount"):  # where nothing was told, nothing happened
        return Line(label, [value or 0.0 for value in values], sum(known))
    return Line(label, values, known[-1])
