"""A report as one page that a bookkeeper reads, on paper and on a phone too. Pure.

It is one file that loads nothing. Everything in it that came from a store or a back office is
escaped.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from accord.model.money import Money
from accord.model.words import number_of
from accord.sync.difference import REASONS, Difference
from accord.sync.report import MOST, Day, Report, Sums

_OWNERS = {
    "finance": "Finance",
    "commerce": "Commerce",
    "warehouse": "Warehouse",
    "support": "Support",
    "ops": "Operations",
}
_SHOWN = 500  # differences of one reason on the page; the JSON beside it has all that are kept
_DAYS = 400

_STYLE = """
:root { color-scheme: light; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --bad: #a4262c;
  --good: #1b6e3c; --tint: #f5f7fa; --warn: #8a5a00; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink);
  max-width: 74rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; background: #fff; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; } p { margin: .3rem 0; }
.soft, small { color: var(--soft); } .bad { color: var(--bad); } .good { color: var(--good); }
.verdict { border-left: 4px solid var(--good); background: var(--tint); padding: .7rem 1rem;
  margin: 1rem 0; font-size: 1.05rem; }
.verdict.differs { border-color: var(--bad); } .verdict.mended { border-color: var(--warn); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .6rem;
  margin: 1rem 0; padding: 0; list-style: none; }
.facts li { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .7rem; }
.facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
table { margin-bottom: 1rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; background: var(--tint); } thead th { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.off td { background: #fdf3f3; }
.days td, .days th { white-space: nowrap; padding: .3rem .5rem; }
.side { border-left: 2px solid var(--line); }
tfoot td { font-weight: 600; border-top: 2px solid var(--ink); }
td.what { white-space: nowrap; } .tag { border-radius: 4px; padding: 0 .4rem; font-size: .8rem;
  border: 1px solid currentColor; white-space: nowrap; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); font-size: .85rem; }
@media (max-width: 40rem) {
  .cards thead { display: none; } .cards tr { display: block; border-bottom: 2px solid var(--line);
    padding: .4rem 0; } .cards td { display: block; border: 0; padding: .1rem 0; }
  .cards td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print { body { max-width: none; padding: 0; font-size: 11px; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } .wide { overflow: visible; } }
"""


def page_of(report: Report) -> str:
    """The whole page, HTML."""
    title = f"{report.store} and {', '.join(report.erps)}, {report.begun:%d %B %Y}"
    body = [
        *_head(report, title),
        *_totals(report),
        *_differences(report),
        *_repaired(report),
        *_in_hand(report),
        *_small_print(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Reconciliation: {escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def verdict(report: Report) -> str:
    """What it came to, in a sentence."""
    if not report.found:
        text = "Both sides agree"
    elif report.left:
        text = f"{number_of(report.left, 'difference')} to be looked at"
    else:
        text = "Everything that differed is being mended"
    extra = []
    if report.repaired:
        extra.append(f"{report.repaired:,} being mended")
    if report.in_hand_count:
        extra.append(f"{report.in_hand_count:,} in hand already")
    return f"{text} ({', '.join(extra)})." if extra else f"{text}."


# --- head and totals ---------------------------------------------------------------


def _head(report: Report, title: str) -> Iterable[str]:
    kind = "differs" if report.left else "mended" if report.found else ""
    ended = f"{report.ended:%H:%M}" if report.ended else "not ended yet"
    period = "all orders since it went live" if report.full else "orders"
    yield f"<header><h1>Reconciliation: {escape(title)}</h1>"
    yield (
        f'<p class="soft">{escape(_stage(report))}{period}, from {report.since:%d %B %Y}; '
        f"compared on {report.begun:%d %B %Y} from {report.begun:%H:%M} to {ended} UTC, "
        f"asked for by {escape(report.by)}.</p>"
    )
    yield f'<p class="verdict {kind}"><b>{escape(verdict(report))}</b></p>'
    if report.recovery:
        yield f'<p class="verdict mended">{escape(report.recovery)}.</p>'
    facts = [(f"{report.compared[name]:,}", f"{name} compared") for name in report.compared]
    facts += [(f"{report.found:,}", "differences"), (f"{report.in_hand_count:,}", "in hand")]
    items = "".join(f"<li><b>{escape(n)}</b>{escape(what)}</li>" for n, what in facts)
    yield f'<ul class="facts">{items}</ul></header>'


def _totals(report: Report) -> Iterable[str]:
    if not report.days:
        return
    yield "<h2>Totals by day</h2>"
    yield (
        "<p>Orders that belong in the books, on the day they were placed, beside the documents "
        "that stand for them. Refunds count on the day of their order.</p>"
    )
    for currency, whole in sorted(report.totals().items()):
        days = [(day, each) for (day, of), each in sorted(report.days.items()) if of == currency]
        off = sum(not each.agrees for _, each in days)
        agree = (
            "every day agrees"
            if not off
            else f"{number_of(off, 'day')} of {len(days):,} {'differs' if off == 1 else 'differ'}"
        )
        yield f'<h3>{escape(currency)} <span class="soft">({agree})</span></h3>'
        if len(days) > _DAYS:
            first = len(days) - _DAYS
            yield f"<p><small>{first:,} earlier days that agree are left out.</small></p>"
            days = [pair for n, pair in enumerate(days) if n >= first or not pair[1].agrees]
        yield '<div class="wide"><table class="days"><thead><tr><th rowspan="2">Day</th>'
        yield '<th rowspan="2" class="n">Difference</th><th colspan="5" class="side">Store</th>'
        yield f'<th colspan="5" class="side">Back office</th></tr><tr>{_columns("Orders")}'
        yield _columns("Documents")
        yield "</tr></thead><tbody>"
        for day, each in days:
            yield _row(day, each, currency)
        yield f"</tbody><tfoot>{_row('Total', whole, currency)}</tfoot></table></div>"


def _columns(first: str) -> str:
    names = ("Net", "Tax", "Total", "Refunded")
    return f'<th class="n side">{first}</th>' + "".join(f'<th class="n">{n}</th>' for n in names)


def _row(name: str, day: Day, currency: str) -> str:
    cells = "".join(_cells(side, currency) for side in (day.store, day.erp))
    gap = day.erp.gross - day.erp.refunded - day.store.gross + day.store.refunded
    shown = "agrees" if day.agrees else _amount(gap, currency, signed=True)
    kind = "" if day.agrees else ' class="off"'
    colour = "good" if day.agrees else "bad"
    return f'<tr{kind}><td>{escape(name)}</td><td class="n {colour}">{shown}</td>{cells}</tr>'


def _cells(sums: Sums, currency: str) -> str:
    values = [f"{sums.count:,}", *(_amount(each, currency) for each in sums.amounts)]
    kinds = ("n side", *("n" for _ in sums.amounts))
    return "".join(
        f'<td class="{kind}">{each}</td>' for kind, each in zip(kinds, values, strict=True)
    )


def _amount(amount: Decimal, currency: str, *, signed: bool = False) -> str:
    """With thousands; the currency stands above the table."""
    number = str(Money(amount, currency)).rpartition(" ")[0]
    text = f"{Decimal(number):,}"
    return f"+{text}" if signed and amount > 0 else text


# --- what differs --------------------------------------------------------------------


def _differences(report: Report) -> Iterable[str]:
    yield "<h2>What differs</h2>"
    if report.left <= 0:
        yield '<p class="good">Nothing that a person must look at.</p>'
        return
    owner = ""
    for who, reason, found in report.by_owner():
        standing = [each for each in found if not each.repaired]
        if not standing:
            continue
        if who != owner:
            owner = who
            yield f"<h3>For {_OWNERS[who]}</h3>"
        meaning = next(m for name, m in REASONS.items() if name == reason)
        yield (
            f"<p><b>{escape(meaning.title)}</b> "
            f'<span class="tag soft">{escape(reason)}</span> {len(standing):,}</p>'
        )
        yield _table(standing)
    if report.found > len(report.differences):
        yield f"<p>Only the first {MOST:,} are kept; {report.found:,} were found.</p>"


def _repaired(report: Report) -> Iterable[str]:
    mended = [each for each in report.differences if each.repaired]
    if not mended:
        return
    yield "<h2>What is being mended</h2>"
    yield "<p>The changes are queued; what they come to is in the journal of each order.</p>"
    yield _table(mended)


def _table(found: Sequence[Difference]) -> str:
    rows = "".join(map(_difference, found[:_SHOWN]))
    more = ""
    if len(found) > _SHOWN:
        more = f"<p><small>… and {len(found) - _SHOWN:,} more, in the JSON beside this.</small></p>"
    return (
        '<table class="cards"><thead><tr><th>What</th><th>Store</th><th>Back office</th>'
        f"<th>What to do</th></tr></thead><tbody>{rows}</tbody></table>{more}"
    )


def _difference(one: Difference) -> str:
    day = f"<br><small>{escape(one.day)}</small>" if one.day else ""
    meaning = REASONS[one.reason]
    if one.repaired:
        todo = f'<span class="good">Mended by itself:</span> {escape(one.repair)}.'
    elif one.can_be_repaired:
        todo = f"A run with <code>--repair</code> mends it: {escape(one.repair)}."
    else:
        todo = escape(meaning.remedy)
        if one.why:
            todo += f"<br><small>Not by itself: {escape(one.why)}.</small>"
    return (
        f'<tr><td class="what"><b>{escape(one.subject)}</b>{day}</td>'
        f'<td data-label="Store">{escape(one.store)}</td>'
        f'<td data-label="Back office">{escape(one.erp)}</td>'
        f'<td data-label="What to do">{todo}</td></tr>'
    )


def _in_hand(report: Report) -> Iterable[str]:
    if not report.in_hand_count:
        return
    yield "<h2>In hand already</h2>"
    yield "<p>It differs, and Accord or a person is at it; nothing more is to be done here.</p>"
    rows = "".join(
        f"<tr><td><b>{escape(each.subject)}</b></td><td>{escape(each.why)}</td></tr>"
        for each in report.in_hand[:_SHOWN]
    )
    yield f'<table class="cards"><tbody>{rows}</tbody></table>'
    if report.in_hand_count > _SHOWN:
        yield f"<p><small>… and {report.in_hand_count - _SHOWN:,} more.</small></p>"


# --- small print -----------------------------------------------------------------------


def _small_print(report: Report) -> Iterable[str]:
    yield '<footer><h3>What was compared</h3><ul class="soft">'
    kinds = ", ".join(report.kinds) or "nothing: every flow is off"
    yield f"<li>Kinds: {escape(kinds)}. What a flow does not keep alike is not compared.</li>"
    if report.shadow:
        names = escape(", ".join(report.shadow))
        yield f"<li>In shadow, so nothing of it is mended: {names}.</li>"
    for why, count in sorted(report.skipped.items()):
        yield f"<li>Left out, {escape(why)}: {count:,}.</li>"
    asked = ", ".join(f"{escape(side)} {count:,}" for side, count in sorted(report.calls.items()))
    yield f"<li>Questions asked: {asked or 'none'}.</li>"
    yield (
        "<li>Orders changed in the last ten minutes are left for the next run. Net and tax may "
        "be cents apart where the back office rounds otherwise; the total is not.</li>"
    )
    yield f"<li>Run {escape(report.run)}.</li></ul></footer>"


def _stage(report: Report) -> str:
    return f"Stage {report.stage}; " if report.stage else ""
