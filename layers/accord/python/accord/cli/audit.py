"""`accord audit verify`: whether the journal is what was written."""

import datetime as dt
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.words import number_of
from accord.sync.audit import Report

app = typer.Typer(no_args_is_help=True, help="Whether the journal is what was written.")


@app.callback()
def _group() -> None:
    """Keeps ``verify`` a word of its own while it is the only command."""


@app.command("verify")
def verify(
    since: Annotated[
        str | None,
        typer.Option(help="The first sealed day to compare with, 2026-11-01; else all there are."),
    ] = None,
    ref: Annotated[
        list[str] | None,
        typer.Option(help="Only this one's story, uk:order:1042; may be given several times."),
    ] = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Finds every change, deletion, insertion and reordering, and says where.

    Reads the whole journal, unless --ref names what to read. Exit code 1 if anything is wrong, or
    nothing is known of a --ref.
    """
    first, refs = _day(since), None if ref is None else [_known(each) for each in ref]
    connect(stage)
    kept = bootstrap.config().audit.keep_days
    first = first or bootstrap.now().date() - dt.timedelta(days=kept)
    with Progress(
        TextColumn("stories read: {task.completed:,}"),
        TimeElapsedColumn(),
        console=told,
        transient=True,
        disable=json,
    ) as progress:
        task = progress.add_task("", total=None)
        report = bootstrap.auditor().verify(
            since=first,
            refs=refs,
            progress=lambda count: progress.update(task, completed=count),
        )
    if json:
        print_json(_plain(report))
    else:
        _print(report)
    if report.unknown and not json:
        fail(
            f"nothing is known of {', '.join(report.unknown)}: no page, no seal and no list of a "
            "day names it; write it as the store's name in accord.toml, the kind and the id, such "
            "as uk:order:1042"
        )
    if report.findings or report.unknown:
        raise typer.Exit(1)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"--since {text} is no day; write it like 2026-11-01") from error


def _known(text: str) -> str:
    try:
        return str(Ref.parse(text))
    except ValueError as error:
        raise BadInputError(f"--ref {text} names nothing; write it like uk:order:1042") from error


def _print(report: Report) -> None:
    if report.findings:
        rows = [[finding.fault, finding.where, finding.what] for finding in report.findings]
        print_table("Not as it was written", ["fault", "where", "what"], rows)
    if not report.refs and not report.findings:
        console.print("No story was read.")
        return
    faults = number_of(len(report.findings), "fault")
    console.print(
        f"{number_of(report.refs, 'story', 'stories')} in {number_of(report.pages, 'page')}, "
        f"{number_of(report.days, 'sealed day')}: "
        + (f"[bold red]{faults}[/]" if report.findings else "all as written"),
        highlight=False,
    )
    if report.unsealed:
        pages = number_of(report.unsealed, "page is", "pages are")
        console.print(
            f"{pages} of days that are not sealed yet; only the journal itself proves that much",
            highlight=False,
        )
    if report.before_chain:
        entries = number_of(report.before_chain, "entry is", "entries are")
        console.print(
            f"{entries} from before the chain, which nothing proves",
            highlight=False,
        )


def _plain(report: Report) -> dict[str, object]:
    return {
        "stories": report.refs,
        "pages": report.pages,
        "sealed_days": report.days,
        "unsealed_pages": report.unsealed,
        "before_chain": report.before_chain,
        "findings": [
            {"fault": each.fault, "where": each.where, "what": each.what}
            for each in report.findings
        ],
        "unknown": report.unknown,
    }
