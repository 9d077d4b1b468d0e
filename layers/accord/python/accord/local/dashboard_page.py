"""The dashboard as one page that needs nothing else."""

from collections.abc import Sequence
from html import escape

from accord.local.runner.alarms import Alarm
from accord.local.runner.dashboard import Line, Picture, Widget
from accord.model.words import number_of

_COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#be185d", "#4b5563")
_WIDE, _HIGH = 300, 90  # of a graph, in its own units
_STYLE = """
:root { color-scheme: light; font: 14px/1.4 system-ui, sans-serif; color: #111827; }
body { margin: 0; padding: 16px; background: #f3f4f6; }
header { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: baseline; margin: 0 4px 12px; }
h1 { font-size: 20px; margin: 0; }
header p { margin: 0; color: #4b5563; }
main { display: grid; grid-template-columns: repeat(24, 1fr); gap: 10px; }
section { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 10px 12px;
  min-width: 0; }
h2 { font-size: 13px; margin: 0 0 6px; font-weight: 600; }
svg { width: 100%; height: 96px; display: block; }
ul.key { list-style: none; margin: 6px 0 0; padding: 0; font-size: 12px; columns: 2; }
ul.key li { break-inside: avoid; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
ul.key i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 5px; }
ul.key b { font-weight: 600; }
.top { color: #6b7280; font-size: 10px; margin: 0; line-height: 1; }
.none { color: #6b7280; font-size: 12px; margin: 0; }
.numbers { display: flex; flex-wrap: wrap; gap: 4px 28px; }
.numbers div { min-width: 70px; }
.numbers b { display: block; font-size: 26px; line-height: 1.1; }
.numbers .some b { color: #b91c1c; }
.numbers span { font-size: 12px; color: #4b5563; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
td { padding: 5px 8px; vertical-align: top; border-top: 1px solid #e5e7eb; }
td:first-child { white-space: nowrap; font-weight: 600; color: #b91c1c; }
td:nth-child(2) { white-space: nowrap; }
.fine { color: #047857; font-weight: 600; margin: 0; }
@media (max-width: 900px) { main { display: block; } section { margin-bottom: 10px; } }
@media print { body { background: #fff; } }
"""


def page(picture: Picture) -> str:
    """Self-contained HTML; everything that was measured or named is escaped."""
    ringing = picture.ringing
    widgets = sorted(picture.widgets, key=lambda each: (each.y, each.x))
    tiles = "\n".join(_tile(widget, picture) for widget in widgets)
    last = number_of(round(picture.seconds / 60), "minute")
    state = f"{len(ringing)} alarms ring" if len(ringing) != 1 else "1 alarm rings"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(picture.name)}</title><style>{_STYLE}</style></head><body>
<header><h1>{escape(picture.name)}</h1>
<p>{escape(picture.taken_at)} · the last {last} · {state}</p></header>
<main>
{tiles}
</main></body></html>
"""


def _tile(widget: Widget, picture: Picture) -> str:
    inner = ""
    if widget.kind == "alarms":
        inner = _alarms(picture.ringing, len(picture.alarms))
    elif widget.kind == "number":
        inner = _numbers(widget.lines)
    elif widget.kind == "graph":
        inner = _graph(widget.lines)
    return (
        f'<section style="grid-column: span {widget.width}"><h2>{escape(widget.title)}</h2>'
        f"{inner}</section>"
    )


def _alarms(ringing: Sequence[Alarm], total: int) -> str:
    if not ringing:
        return f'<p class="fine">None of {total} rings.</p>'
    rows = "".join(
        f"<tr><td>{escape(alarm.name)}</td><td>{escape(', '.join(alarm.owners))}</td>"
        f"<td>{escape(alarm.description)}</td></tr>"
        for alarm in ringing
    )
    return f"<table>{rows}</table>"


def _numbers(lines: Sequence[Line]) -> str:
    cells = "".join(
        f'<div class="{"some" if line.latest else "no"}"><b>{number(line.latest)}</b>'
        f"<span>{escape(line.label)}</span></div>"
        for line in lines
    )
    return f'<div class="numbers">{cells}</div>'


def _graph(lines: Sequence[Line]) -> str:
    shown = [line for line in lines if line.latest is not None]
    if not shown:
        return '<p class="none">nothing was measured</p>'
    top = max(max(v for v in line.values if v is not None) for line in shown) or 1.0
    colour = {id(line): _COLOURS[n % len(_COLOURS)] for n, line in enumerate(shown)}
    paths = "".join(_path(line.values, top, colour[id(line)]) for line in shown)
    key = "".join(
        f'<li><i style="background: {colour[id(line)]}"></i>{escape(line.label)} '
        f"<b>{number(line.latest)}</b></li>"
        for line in shown
    )
    ground = f'<line x1="0" x2="{_WIDE}" y1="{_HIGH}" y2="{_HIGH}" stroke="#e5e7eb"/>'
    return (
        f'<p class="top">{number(top)}</p>'
        f'<svg viewBox="0 0 {_WIDE} {_HIGH + 2}" preserveAspectRatio="none" role="img">'
        f'{ground}{paths}</svg><ul class="key">{key}</ul>'
    )


def _path(values: Sequence[float | None], top: float, colour: str) -> str:
    """A line from one known value to the next; one that stands alone is a dot."""
    step = _WIDE / max(len(values) - 1, 1)
    points = [
        (n * step, _HIGH - (_HIGH - 4) * value / top)
        for n, value in enumerate(values)
        if value is not None
    ]
    if len(points) == 1:
        ((x, y),) = points
        return f'<rect x="{x - 2:.1f}" y="{y - 2:.1f}" width="4" height="4" fill="{colour}"/>'
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.6" '
        'vector-effect="non-scaling-stroke"/>'
    )


def number(value: float | None) -> str:
    """As a person reads it: no more than three figures behind nothing."""
    if value is None:
        return "–"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"
