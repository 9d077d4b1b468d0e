"""Templates compute what CloudFormation would compute, or say why they cannot."""

import json
from pathlib import Path
from typing import Any

import pytest

from accord.errors import BadInputError, UnsupportedError
from accord.local.runner.template import Made, Resolver, Resource, Stack, load


def resolver(*stacks: Stack) -> Resolver:
    return Resolver(
        list(stacks),
        lambda resource, properties: Made(
            f"ref-{resource.logical_id}",
            {"Arn": f"arn:{resource.logical_id}", "Nested.Name": "nested", **properties},
        ),
    )


def stack(name: str = "one", **sections: Any) -> Stack:
    resources = {
        id_: Resource(name, id_, "Test::Thing", properties)
        for id_, properties in sections.pop("resources", {}).items()
    }
    return Stack(name=name, resources=resources, **sections)


@pytest.mark.parametrize(
    ("value", "computed"),
    [
        ({"Ref": "Thing"}, "ref-Thing"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::StackName"}, "one"),
        ({"Ref": "Stage"}, "dev"),
        ({"Fn::GetAtt": ["Thing", "Arn"]}, "arn:Thing"),
        ({"Fn::GetAtt": "Thing.Nested.Name"}, "nested"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Thing"}, 3]]}, "a-ref-Thing-3"),
        (
            {"Fn::Sub": "${AWS::AccountId}/${Thing}/${Thing.Arn}"},
            "123456789012/ref-Thing/arn:Thing",
        ),
        ({"Fn::Sub": ["${x} ${!x}", {"x": {"Ref": "Thing"}}]}, "ref-Thing ${x}"),
        ({"Fn::Select": ["1", {"Fn::Split": [":", {"Fn::GetAtt": ["Thing", "Arn"]}]}]}, "Thing"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 256),
        ({"Fn::If": ["IsProd", "yes", "no"]}, "no"),
        ({"Fn::If": ["IsNotProd", "yes", "no"]}, "yes"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"Condition": "a policy's condition"}, {"Condition": "a policy's condition"}),
    ],
)
def test_a_value_is_computed(value: Any, computed: Any) -> None:
    one = stack(
        resources={"Thing": {}},
        parameters={"Stage": {"Type": "String", "Default": "dev"}},
        mappings={"Sizes": {"dev": {"memory": 256}}},
        conditions={
            "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "IsNotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
        },
    )

    assert resolver(one).resolve("one", value) == computed


def test_a_value_of_another_stack_is_imported() -> None:
    output = {"Value": {"Ref": "Table"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:table"}}}
    state = stack("state", resources={"Table": {}}, outputs={"Table": output})
    sync = stack("sync")

    assert resolver(sync, state).resolve("sync", {"Fn::ImportValue": "state:table"}) == "ref-Table"


def test_what_a_resource_needs_is_made_before_it_and_once() -> None:
    made: list[str] = []

    def make(resource: Resource, _: dict[str, Any]) -> Made:
        made.append(resource.logical_id)
        return Made(resource.logical_id)

    needy = {"first": {"Ref": "B"}, "second": {"Ref": "B"}}
    Resolver([stack(resources={"A": needy, "B": {}})], make).deploy()

    assert made == ["B", "A"]


def test_a_resource_whose_condition_is_false_is_not_made() -> None:
    made: list[str] = []
    resource = Resource("one", "Analytics", "Test::Thing", {}, condition="Never")
    one = Stack("one", {"Analytics": resource}, conditions={"Never": {"Fn::Equals": ["a", "b"]}})

    def make(resource: Resource, _: dict[str, Any]) -> Made:
        made.append(resource.logical_id)
        return Made("")

    Resolver([one], make).deploy()

    assert made == []


def test_a_circle_is_walked_in_the_error() -> None:
    one = stack(resources={"A": {"x": {"Ref": "B"}}, "B": {"y": {"Fn::GetAtt": ["A", "Arn"]}}})

    with pytest.raises(BadInputError, match="A → B → A; break the circle"):
        resolver(one).deploy()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"Ref": "Gone"}, "refers to Gone, which it does not have"),
        ({"Ref": "Needed"}, "parameter Needed of stack one has no default"),
        ({"Fn::ImportValue": "nobody:exports"}, "which no stack of the assembly exports"),
        ({"Fn::Select": [4, ["a"]]}, "no item 4"),
        ({"Fn::FindInMap": ["No", "such", "map"]}, "has no mapping No.such.map"),
        ({"Fn::If": ["Unheard", 1, 2]}, "has no condition Unheard"),
    ],
)
def test_what_is_not_there_is_named(value: Any, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        resolver(stack(parameters={"Needed": {"Type": "String"}})).resolve("one", value)


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(UnsupportedError, match="Fn::Transform in stack one"):
        resolver(stack()).resolve("one", {"Fn::Transform": {}})


def test_an_attribute_nobody_gave_is_named_with_its_resource() -> None:
    with pytest.raises(UnsupportedError, match=r"Test::Thing Thing of stack one .* Colour"):
        resolver(stack(resources={"Thing": {}})).resolve("one", {"Fn::GetAtt": ["Thing", "Colour"]})


def test_stacks_and_assets_are_found_through_the_manifest(tmp_path: Path) -> None:
    manifest = {
        "artifacts": {
            "Tree": {"type": "cdk:tree"},
            "Sync": {
                "type": "aws:cloudformation:stack",
                "properties": {"templateFile": "Sync.template.json", "stackName": "dev-sync"},
            },
        }
    }
    listing = {
        "files": {
            "abc": {
                "source": {"path": "asset.abc", "packaging": "zip"},
                "destinations": {"here": {"objectKey": "abc.zip"}},
            }
        }
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "Sync.template.json").write_text(
        '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'
    )
    (tmp_path / "Sync.assets.json").write_text(json.dumps(listing))

    (found,) = load(tmp_path)

    assert found.name == "dev-sync"
    assert found.resources["Q"].type == "AWS::SQS::Queue"
    assert found.assets == {"abc.zip": tmp_path / "asset.abc"}


def test_a_template_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.template.json").write_text("{")

    with pytest.raises(BadInputError, match=r"bad\.template\.json cannot be read"):
        load(tmp_path)
