"""`accord config`: is accord.toml right, and what may stand in it."""

import json as json_
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from accord import erp
from accord.cli import push
from accord.cli.output import JsonOption, console, print_json, told
from accord.erp.hooks import webhook_of
from accord.errors import BadInputError
from accord.model.documents import Kind
from accord.model.words import number_of
from accord.rules.load import check as check_text
from accord.rules.problem import Abilities
from accord.rules.schema import json_schema

app = typer.Typer(
    help="Check accord.toml; change rules and mappings without a deploy.", no_args_is_help=True
)
app.command("push")(push.push)
app.command("diff")(push.diff)
app.command("log")(push.log)
app.command("revert")(push.revert)
ConfigFile = Annotated[Path, typer.Argument(help="The file to check.", metavar="FILE")]


@app.command()
def check(
    path: ConfigFile = Path("accord.toml"),
    stage: Annotated[
        Literal["dev", "staging", "prod"] | None,
        typer.Option(help="Also check that it fits this stage."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Names the line of every error and what to do about it; exit code 1 if there is one."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}; name the file to check") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not UTF-8 text; save it as such") from error
    config, findings = check_text(
        text,
        adapters=erp.NAMES,
        abilities=abilities_of(erp.NAMES),
        options={name: erp.options_of(name) for name in erp.NAMES},
        stage=stage,
    )
    if json:
        print_json(
            {
                "file": str(path),
                "ok": config is not None,
                "findings": [
                    {
                        "line": each.line,
                        "path": each.path,
                        "severity": each.severity,
                        "message": each.message,
                        "remedy": each.remedy,
                    }
                    for each in findings
                ],
            }
        )
    else:
        for each in findings:
            told.print(f"{path}:{each}", highlight=False, markup=False, soft_wrap=True)
        if config is not None:
            count = number_of(len(config.stores), "store")
            names = ", ".join(config.stores)
            console.print(f"{path} is right: {count} ({names})", highlight=False)
    if config is None:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Prints the JSON Schema of accord.toml, for editors."""
    typer.echo(json_.dumps(json_schema(), indent=1))


def abilities_of(adapters: Iterable[str]) -> dict[str, Abilities]:
    """What each of ``adapters`` says that a configuration may ask of it."""
    facts = {name: erp.load(name).capabilities for name in adapters}
    return {
        name: Abilities(
            can.key_length,
            tells=can.watched,
            revenue=can.revenue,
            returns=can.can(Kind.RETURN) or can.credits_goods,
            recipes=can.recipes,
            items=can.can(Kind.ITEM),
            price_lists=can.price_lists,
            one_place=can.one_place,
            calls_us=webhook_of(name) is not None,
            payments=can.can(Kind.PAYMENT),
            credits=can.can(Kind.CREDIT_NOTE),
            delivery_notes=can.delivery_notes,
            customer_terms=can.customer_terms,
            digits=can.digits,
            url=can.url,
            usual=can.usual,
        )
        for name, can in facts.items()
    }
