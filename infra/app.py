"""``python -m infra.app``: the templates of one stage, without npm; ``npx cdk`` calls it too.

The stage is ``--stage``, the CLI's ``-c stage=…``, ACCORD_STAGE, or dev; the file ``--config``,
``-c config=…``, or accord.toml; they go to ``--output``, CDK_OUTDIR, or cdk.out.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra import ROOT
from infra.events import EVENTS
from infra.stacks.alarms_stack import AlarmsStack
from infra.stacks.front_stack import FrontStack
from infra.stacks.network_stack import NetworkStack
from infra.stacks.state_stack import StateStack
from infra.stacks.sync_stack import SyncStack
from infra.stages import STAGES, Stage
from infra.wiring import RefusedError, Wiring, check, read


def guard(app: App) -> None:
    """``app`` now fails to synth on what two packs of AWS's advice object to."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))


def build(app: App, stage: Stage, wiring: Wiring) -> None:
    """``app`` gets the stage's stacks, and the rules that its synth has to pass."""
    guard(app)
    state = StateStack(app, stage.named("state"), stage=stage, wiring=wiring)
    network = NetworkStack(app, stage.named("network"), stage=stage) if wiring.fixed else None
    sync = SyncStack(
        app,
        stage.named("sync"),
        stage=stage,
        wiring=wiring,
        key=state.key,
        vpc=network.vpc if network is not None else None,
    )
    sync.add_stack_dependency(state)  # its functions use what is named there
    alarms = AlarmsStack(
        app,
        stage.named("alarms"),
        stage=stage,
        wiring=wiring,
        key=state.key,
        folders=tuple(sync.functions),
        events=EVENTS,
        schedules={folder: schedule.every for folder, schedule in sync.schedules.items()},
        api_id=sync.api.id,
    )
    alarms.add_stack_dependency(sync)
    if wiring.front:
        FrontStack(app, stage.named("front"), stage=stage, api_host=wiring.front)
    Tags.of(app).add("accord:stage", stage.name)


def context() -> dict[str, object]:
    """The feature flags of cdk.json; only the CLI would read them by itself."""
    found: dict[str, object] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    flags = found["context"]
    assert isinstance(flags, dict)
    return flags


def main(arguments: Sequence[str] | None = None) -> int:
    """0 once the templates are written; 1 and the reason on stderr when they are refused."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args(arguments)

    outdir = given.output or os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out"
    app = App(context=context(), outdir=str(outdir))
    name = given.stage or app.node.try_get_context("stage") or os.environ.get("ACCORD_STAGE", "dev")
    config = given.config or app.node.try_get_context("config") or "accord.toml"
    try:
        if name not in STAGES:
            raise RefusedError(f"no stage is named {name!r}; there are: {', '.join(STAGES)}")
        stage = STAGES[name]
        path = ROOT / config
        wiring = read(path, prod=stage.prod)
        check(path)
        build(app, stage, wiring)
        app.synth()
    except (RefusedError, RuntimeError) as error:  # jsii says RuntimeError, whatever it was
        print(f"accord: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
