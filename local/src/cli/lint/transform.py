"""Runs SAM's transform over a template as a deployment would, once for each stage, and prints what is wrong.

    python transform.py template.yaml < stages.json

stages.json maps the name of a stage to the values of its parameters. Every finding is one line on stdout, with the
place in the template and the stages that have it, and makes the exit code 1. Nothing here calls AWS.

`cfn-lint` reads YAML with a parser of its own and does not transform, so three kinds of faults pass it and stop
`sam build` or `sam deploy`, or do worse:

* YAML that PyYAML's SafeLoader, with which the SAM CLI reads a template, does not accept;
* resources that the transform makes from events and policies, and whose logical ids are taken already;
* physical names that are the same in two stages, so that the second stage in an account cannot be deployed, or takes
  the resource of the first. (SAM gives one to a schedule that has no name: the function's and the event's ids.)
"""

import copy
import json
import logging
import re
import sys

import boto3
import yaml
from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# Properties that end like a physical name and are none: by type of resource, with the reason.
NO_PHYSICAL_NAMES = {
    # Within its API.
    "AWS::ApiGatewayV2::Stage": {"StageName"},
    # Of what is measured; the alarm's own name is AlarmName.
    "AWS::CloudWatch::Alarm": {"MetricName"},
    # Within its instance, and within its proxy.
    "AWS::RDS::DBInstance": {"DBName"},
    "AWS::RDS::DBProxyTargetGroup": {"TargetGroupName"},
    # Of the group that the schedule is in.
    "AWS::Scheduler::Schedule": {"GroupName"},
}
# A namespace of metrics is shared by whatever writes into it, which must not be two stages.
PHYSICAL_NAME = re.compile(r"(Name|Identifier|Namespace)$")
AWS_NAMESPACE = "AWS/"

# The pseudo parameters that differ from one stack to the next.
OF_THE_STACK = {"AWS::StackName", "AWS::StackId"}


class Findings:
    """What is wrong, and in which stages; in the order of the template's lines."""

    def __init__(self, path):
        self.path = path
        self.stages = {}

    def add(self, line, message, *stages):
        self.stages.setdefault((line or 0, " ".join(message.split())), []).extend(stages)

    def print(self):
        for (line, message), stages in sorted(self.stages.items()):
            place = f"{self.path}:{line}" if line else self.path
            where = f" ({', '.join(stages)})" if stages else ""
            print(f"{place}{where}: {message}")


# ── Reading, in the manner of the SAM CLI (samcli.yamlhelper) ───────────────────────────────────────────────────────


class Loader(yaml.SafeLoader):
    """PyYAML's SafeLoader with CloudFormation's short forms."""


def intrinsic(loader, suffix, node):
    """`!Sub x` is `{Fn::Sub: x}`; `!Ref x` and `!Condition x` stay what they are called."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        # `!GetAtt Queue.Arn`
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", intrinsic)


def read(source, findings):
    """The template and its nodes, or nothing if it cannot be read."""
    loader = Loader(source)
    try:
        root = loader.get_single_node()
        duplicates(root, findings)
        return loader.construct_document(root), root
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        findings.add(
            mark and mark.line + 1,
            f"PyYAML, with which SAM reads the template, cannot: {what} (a text with one of ?:#{{}}[],&*!|>%@ in it has "
            "to be quoted)",
        )
        return None, None


def duplicates(node, findings):
    """Of a key that stands twice in a mapping PyYAML takes the last one, without a word."""
    if isinstance(node, yaml.MappingNode):
        first = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in first:
                findings.add(line, f"the key `{key.value}` stands here again; it is in line {first[key.value]} already")
            first.setdefault(key.value, line)
            duplicates(value, findings)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            duplicates(item, findings)


def entries(node, *path):
    """The keys and values of a mapping, or of one below it; none where there is no such thing."""
    for name in path:
        node = next((value for key, value in entries(node) if key.value == name), None)
    return node.value if isinstance(node, yaml.MappingNode) else []


def lines_of(root):
    """The line of each output and resource by its id, and of each event by the id that the transform makes of it."""
    lines = {key.value: key.start_mark.line + 1 for part in ("Outputs", "Resources") for key, _ in entries(root, part)}
    # Last: where a resource has the same id, the event is to blame.
    for key, resource in entries(root, "Resources"):
        for event, _ in entries(resource, "Properties", "Events"):
            lines[key.value + event.value] = event.start_mark.line + 1
    return lines


# ── Transforming ────────────────────────────────────────────────────────────────────────────────────────────────────


class Taken(ExceptionWithMessage):
    """Two of the resources that the transform makes have one logical id: the second replaces the first."""

    def __init__(self, logical_id):
        self.logical_id = logical_id

    @property
    def message(self):
        return f"the transform makes two resources with the id [{self.logical_id}]; rename an event or a function"


class Resources(dict):
    """The resources of a template, which the transform fills by `update`; another resource of an id is refused there,
    since the transform itself compares the ids that it makes with those of the template only."""

    def update(self, made):
        for logical_id, resource in made.items():
            if logical_id in self and self[logical_id] != resource:
                raise InvalidDocumentException([Taken(logical_id)])
            self[logical_id] = resource


def with_code_in_s3(template):
    """As the SAM CLI does: the transform takes code from S3 only, where a deployment will have put it."""
    functions = [
        resource.get("Properties")
        for resource in template.get("Resources", {}).values()
        if isinstance(resource, dict) and resource.get("Type") == "AWS::Serverless::Function"
    ]
    for section in [*functions, template.get("Globals", {}).get("Function")]:
        if isinstance(section, dict) and isinstance(section.get("CodeUri"), str):
            section["CodeUri"] = "s3://bucket/key"
    return template


def transformed(template, parameters):
    """What CloudFormation gets."""
    template = with_code_in_s3(copy.deepcopy(template))
    if isinstance(template.get("Resources"), dict):
        template["Resources"] = Resources(template["Resources"])
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    # Managed policies by their names come from IAM; a name that is not in this map stays as it is.
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), plugins=[], boto_session=session)
    return translator.translate(sam_template=template, parameter_values=dict(parameters))


def place_of(message, lines):
    """Messages of the transform name ids in brackets; the event's line says more than its function's."""
    ids = re.findall(r"\[(\w+)\]", message)
    return next((lines[name] for name in reversed(ids) if name in lines), None)


# ── Physical names ──────────────────────────────────────────────────────────────────────────────────────────────────


def resolved(value, stage, parameters):
    """The value with its references resolved as far as it takes to compare two stages."""
    if isinstance(value, list):
        return [resolved(item, stage, parameters) for item in value]
    if not isinstance(value, dict):
        return value

    def reference(name):
        if name in parameters:
            return parameters[name]
        # A region and an account are the same for all; everything else, like a resource, is the stack's own.
        return name if name.startswith("AWS::") and name not in OF_THE_STACK else f"<{stage}: {name}>"

    match list(value.items()):
        case [("Ref", str(name))]:
            return reference(name)
        case [("Fn::Sub", str(text))]:
            return re.sub(r"\$\{([\w:.]+)\}", lambda name: str(reference(name[1])), text)
        case [("Fn::GetAtt", _)]:
            return f"<{stage}: {json.dumps(value)}>"
    return {key: resolved(item, stage, parameters) for key, item in value.items()}


def alternatives(value):
    """All branches of an `Fn::If`: a name has to differ in each."""
    if isinstance(value, dict) and list(value) == ["Fn::If"]:
        return [one for branch in value["Fn::If"][1:] for one in alternatives(branch)]
    return [value]


def names(template, stage, parameters):
    """Every physical name: of what kind, whose, and the name."""
    named = [
        (resource["Type"], name, logical_id, value)
        for logical_id, resource in template["Resources"].items()
        for name, value in (resource.get("Properties") or {}).items()
        if PHYSICAL_NAME.search(name) and name not in NO_PHYSICAL_NAMES.get(resource["Type"], ())
    ]
    for output, content in (template.get("Outputs") or {}).items():
        if "Export" in content:
            named.append(("an exported output", "Name", output, content["Export"]["Name"]))
    for kind, name, owner, value in named:
        for alternative in alternatives(value):
            text = resolved(alternative, stage, parameters)
            text = text if isinstance(text, str) else json.dumps(text)
            own = text.startswith(f"<{stage}: ") or alternative == {"Ref": "AWS::NoValue"}
            if not own and not text.startswith(AWS_NAMESPACE):
                yield kind, name, owner, text


def check_names(templates, lines, findings):
    """No name twice in an account that has all stages."""
    owners = {}
    for stage, (template, parameters) in templates.items():
        for kind, name, owner, text in names(template, stage, parameters):
            owners.setdefault((kind, name, text), []).append((stage, owner))
    for (kind, name, text), owned in owners.items():
        stages = list(dict.fromkeys(stage for stage, _ in owned))
        ids = list(dict.fromkeys(owner for _, owner in owned))
        line = next((lines[owner] for owner in ids if owner in lines), None)
        if len(stages) > 1:
            findings.add(
                line,
                f"`{ids[0]}` ({kind}) has the same {name} in these stages, `{text}`, so that two of them cannot live in "
                "one account: put ${Stage} into it or leave the name to CloudFormation (`OmitName: true` of a schedule)",
                *stages,
            )
        # All alarms of a stage share its namespace.
        if len(ids) > 1 and not name.endswith("Namespace"):
            findings.add(line, f"{' and '.join(f'`{one}`' for one in ids)} ({kind}) have one {name}, `{text}`", *stages)


def main():
    # It warns of measurements of its own that nobody collects.
    logging.disable(logging.WARNING)
    path = sys.argv[1]
    stages = json.load(sys.stdin)
    findings = Findings(path)
    with open(path, encoding="utf-8") as file:
        template, root = read(file.read(), findings)
    templates = {}
    if template:
        lines = lines_of(root)
        for stage, parameters in stages.items():
            defaults = {
                name: definition["Default"]
                for name, definition in template.get("Parameters", {}).items()
                if "Default" in definition
            }
            try:
                templates[stage] = (transformed(template, parameters), {**defaults, **parameters})
            except InvalidDocumentException as error:
                for cause in error.causes:
                    findings.add(place_of(cause.message, lines), f"SAM's transform fails: {cause.message}", stage)
        check_names(templates, lines, findings)
    findings.print()
    sys.exit(1 if findings.stages else 0)


if __name__ == "__main__":
    main()
