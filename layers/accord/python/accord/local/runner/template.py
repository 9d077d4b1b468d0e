"""The stacks of a synthesised cloud assembly, and the values their templates compute.

Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "Pseudo parameters";
AWS CDK's cloud-assembly-schema (manifest.json, <stack>.assets.json).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.errors import BadInputError, UnsupportedError

_STACK = "aws:cloudformation:stack"
_NESTED = "cdk:cloud-assembly"
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of a template's Resources. ``path`` is its place among the CDK's constructs."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    path: str = ""
    condition: str | None = None

    def __str__(self) -> str:
        return f"{self.type} {self.logical_id} of stack {self.stack}"


@dataclass(frozen=True, slots=True)
class Stack:
    """One template. ``assets``: the object key a template names → the folder or file it is here."""

    name: str
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    assets: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """What a created resource answers to Ref and Fn::GetAtt.

    An ``opaque`` one (a role, a log group) exists only in the template, and answers every
    attribute with a made-up name.
    """

    ref: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opaque: bool = False


class _NoValue:
    """What Ref AWS::NoValue stands for: the key or list item that holds it is left out."""


_NO_VALUE = _NoValue()


def load(assembly: Path) -> list[Stack]:
    """The stacks in ``assembly``: a cloud assembly, a folder of templates, or one template.

    Raises: BadInputError: there is no template; the message says how to make one.
    """
    templates = list(_templates(assembly))
    if not templates:
        raise BadInputError(
            f"no CloudFormation template in {assembly}; run `python -m infra.app --output "
            f"{assembly}` first"
        )
    return [_stack(name, path) for name, path in templates]


def _templates(assembly: Path) -> Iterator[tuple[str, Path]]:
    if assembly.is_file():
        yield assembly.name.removesuffix(".template.json"), assembly
        return
    manifest = assembly / "manifest.json"
    if not manifest.is_file():
        for path in sorted(assembly.glob("*.template.json")):
            yield path.name.removesuffix(".template.json"), path
        return
    for name, artifact in _read(manifest).get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact.get("type") == _STACK:
            yield properties.get("stackName", name), assembly / properties["templateFile"]
        elif artifact.get("type") == _NESTED:
            yield from _templates(assembly / properties["directoryName"])


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise BadInputError(f"{path} holds no JSON object")
    return content


def _stack(name: str, path: Path) -> Stack:
    template = _read(path)
    resources = {
        logical_id: Resource(
            stack=name,
            logical_id=logical_id,
            type=entry["Type"],
            properties=entry.get("Properties", {}),
            path=entry.get("Metadata", {}).get("aws:cdk:path", ""),
            condition=entry.get("Condition"),
        )
        for logical_id, entry in template.get("Resources", {}).items()
    }
    return Stack(
        name=name,
        resources=resources,
        outputs=template.get("Outputs", {}),
        parameters=template.get("Parameters", {}),
        conditions=template.get("Conditions", {}),
        mappings=template.get("Mappings", {}),
        assets=_assets(path),
    )


def _assets(template: Path) -> dict[str, Path]:
    listing = template.with_name(template.name.removesuffix(".template.json") + ".assets.json")
    found = {
        f"{folder.name.removeprefix('asset.')}.zip": folder
        for folder in template.parent.glob("asset.*")
    }
    if listing.is_file():
        for asset in _read(listing).get("files", {}).values():
            source = template.parent / asset["source"].get("path", "")
            for destination in asset.get("destinations", {}).values():
                found[destination["objectKey"]] = source
    return found


class Resolver:
    """Computes values, creating through ``make`` whatever they refer to, once and in time."""

    def __init__(
        self,
        stacks: list[Stack],
        make: Callable[[Resource, dict[str, Any]], Made],
        *,
        properties_of: Callable[[Resource], bool] = lambda _: True,
        region: str = "eu-west-1",
        account: str = "123456789012",
    ) -> None:
        """``properties_of`` is False for resources whose properties nobody needs."""
        self._stacks = {stack.name: stack for stack in stacks}
        self._make = make
        self._properties_of = properties_of
        self._made: dict[tuple[str, str], Made] = {}
        self._open: list[Resource] = []
        self._exports: dict[str, tuple[Stack, Any]] | None = None
        self._pseudo = {
            "AWS::Region": region,
            "AWS::AccountId": account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._functions: dict[str, Callable[[Stack, Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::ImportValue": self._import_value,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::Equals": self._same,
            "Fn::Not": lambda stack, one: not self._truth(stack, one[0]),
            "Fn::And": lambda stack, all_: all(self._truth(stack, one) for one in all_),
            "Fn::Or": lambda stack, any_: any(self._truth(stack, one) for one in any_),
        }

    def deploy(self) -> None:
        """Creates every resource of every stack whose condition holds."""
        for stack in self._stacks.values():
            for resource in stack.resources.values():
                if resource.condition is None or self._condition(stack, resource.condition):
                    self.made(resource)

    def made(self, resource: Resource) -> Made:
        """The resource, created now if it was not yet.

        Raises: BadInputError: resources need each other in a circle; the message walks it.
        """
        key = (resource.stack, resource.logical_id)
        if key in self._made:
            return self._made[key]
        if resource in self._open:
            circle = [*self._open[self._open.index(resource) :], resource]
            raise BadInputError(
                "these resources need each other: "
                + " → ".join(each.logical_id for each in circle)
                + "; break the circle in infra/"
            )
        self._open.append(resource)
        try:
            wanted = resource.properties if self._properties_of(resource) else {}
            properties = self.resolve(resource.stack, wanted)
            self._made[key] = self._make(resource, properties)
        finally:
            self._open.pop()
        return self._made[key]

    def resolve(self, stack: str, value: Any) -> Any:
        """``value`` as it stands in the template of ``stack``, computed.

        Raises: BadInputError: it refers to what is not there. UnsupportedError: a function that
        is not known here.
        """
        found = self._value(self._stacks[stack], value)
        return None if found is _NO_VALUE else found

    def _value(self, stack: Stack, value: Any) -> Any:
        if isinstance(value, list):
            items = (self._value(stack, item) for item in value)
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions:
                return self._functions[name](stack, argument)
            if name == "Condition" and isinstance(argument, str) and argument in stack.conditions:
                return self._condition(stack, argument)
            if name.startswith("Fn::"):
                raise UnsupportedError(
                    f"{name} in stack {stack.name} is not known to the local runner; teach it in "
                    "accord/local/runner/template.py"
                )
        entries = ((key, self._value(stack, item)) for key, item in value.items())
        return {key: item for key, item in entries if item is not _NO_VALUE}

    def _ref(self, stack: Stack, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in ("AWS::StackName", "AWS::StackId"):
            return stack.name
        if name in self._pseudo:
            return self._pseudo[name]
        if name in stack.parameters:
            parameter = stack.parameters[name]
            if "Default" not in parameter:
                raise BadInputError(f"parameter {name} of stack {stack.name} has no default")
            return parameter["Default"]
        return self._find(stack, name).ref

    def _find(self, stack: Stack, logical_id: str) -> Made:
        if logical_id not in stack.resources:
            raise BadInputError(
                f"stack {stack.name} refers to {logical_id}, which it does not have"
            )
        return self.made(stack.resources[logical_id])

    def _get_att(self, stack: Stack, target: str | list[Any]) -> Any:
        logical_id, attribute = (
            target.split(".", 1) if isinstance(target, str) else (target[0], target[1])
        )
        attribute = str(self._value(stack, attribute))
        made = self._find(stack, logical_id)
        if attribute in made.attributes:
            return made.attributes[attribute]
        if made.opaque:
            return f"arn:aws:local:::{logical_id}/{attribute}"
        resource = stack.resources[logical_id]
        raise UnsupportedError(
            f"{resource} is asked for {attribute}, which the local runner does not give it; add "
            "the attribute in accord/local/runner/resources.py"
        )

    def _join(self, stack: Stack, argument: list[Any]) -> str:
        return str(argument[0]).join(str(item) for item in self._value(stack, argument[1]))

    def _sub(self, stack: Stack, argument: str | list[Any]) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            literal, name = match[1], match[2]
            if literal:
                return f"${{{name}}}"
            if name in given:
                return str(self._value(stack, given[name]))
            found = self._get_att(stack, name) if "." in name else self._ref(stack, name)
            return str(found)

        return _VARIABLE.sub(replace, text)

    def _select(self, stack: Stack, argument: list[Any]) -> Any:
        index, items = int(self._value(stack, argument[0])), self._value(stack, argument[1])
        if not 0 <= index < len(items):
            raise BadInputError(f"Fn::Select in {stack.name}: no item {index} in {items}")
        return items[index]

    def _split(self, stack: Stack, argument: list[Any]) -> list[str]:
        return str(self._value(stack, argument[1])).split(argument[0])

    def _import_value(self, stack: Stack, argument: Any) -> Any:
        name = self._value(stack, argument)
        if self._exports is None:
            self._exports = {
                self._value(each, output["Export"]["Name"]): (each, output["Value"])
                for each in self._stacks.values()
                for output in each.outputs.values()
                if "Export" in output
            }
        if name not in self._exports:
            raise BadInputError(
                f"stack {stack.name} imports {name}, which no stack of the assembly exports; "
                "give all stacks together"
            )
        owner, value = self._exports[name]
        return self._value(owner, value)

    def _find_in_map(self, stack: Stack, argument: list[Any]) -> Any:
        first, second, third = (self._value(stack, each) for each in argument[:3])
        try:
            return stack.mappings[first][second][third]
        except KeyError as error:
            raise BadInputError(
                f"stack {stack.name} has no mapping {first}.{second}.{third}"
            ) from error

    def _if(self, stack: Stack, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self._value(stack, then if self._condition(stack, condition) else otherwise)

    def _condition(self, stack: Stack, name: str) -> bool:
        if name not in stack.conditions:
            raise BadInputError(f"stack {stack.name} has no condition {name}")
        return self._truth(stack, stack.conditions[name])

    def _truth(self, stack: Stack, value: Any) -> bool:
        return bool(self._value(stack, value))

    def _same(self, stack: Stack, pair: list[Any]) -> bool:
        return str(self._value(stack, pair[0])) == str(self._value(stack, pair[1]))
