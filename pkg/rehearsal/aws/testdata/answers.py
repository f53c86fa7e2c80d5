"""Calls AWS's operations and holds each answer against botocore's model of it: members, types, enumerations, errors.

Standard input is a list of calls: [service, operation, parameters]; AWS_ENDPOINT_URL says where they go. Standard
output has a line for each operation that answered; standard error what does not fit.
"""

import json
import sys
import xml.etree.ElementTree as etree

import boto3
import botocore.exceptions
from botocore import xform_name

problems = []


def scalar(shape, value, path, parse):
    """Holds a value that has no parts; parse says whether it is written as its type is."""
    kind = shape.type_name
    if kind == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        problems.append(f"{path}: {value!r} is not one of {shape.enum}")
    elif not parse(kind, value):
        problems.append(f"{path}: {value!r} is not of type {kind}")


def of_json(kind, value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": number and isinstance(value, int),
        "long": number and isinstance(value, int),
        "double": number, "float": number, "timestamp": number,
    }[kind]


def of_xml(kind, value):
    try:
        {"integer": int, "long": int, "double": float, "float": float}.get(kind, str)(value)
    except ValueError:
        return False
    return kind != "boolean" or value in ("true", "false")


def check_json(shape, value, path):
    if value is None:  # absent, to every client
        return
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        if not isinstance(value, dict):
            problems.append(f"{path}: {value!r} is not a structure")
            return
        members = {m.serialization.get("name", name): m for name, m in shape.members.items()}
        for name in value.keys() - members.keys():
            problems.append(f"{path}.{name}: the model of {shape.name} has no such member")
        for name in set(shape.required_members) - value.keys():
            problems.append(f"{path}.{name}: {shape.name} requires it")
        for name in value.keys() & members.keys():
            check_json(members[name], value[name], f"{path}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            problems.append(f"{path}: {value!r} is not a list")
            return
        for i, item in enumerate(value):
            check_json(shape.member, item, f"{path}[{i}]")
    elif kind == "map":
        for key, item in value.items():
            check_json(shape.value, item, f"{path}[{key}]")
    elif kind != "structure":
        scalar(shape, value, path, of_json)


def bare(tag):
    return tag.split("}")[-1]


def check_xml(shape, node, path):
    kind = shape.type_name
    if kind == "structure":
        members = {m.serialization.get("name", name): m for name, m in shape.members.items()}
        for child in node:
            name = bare(child.tag)
            if name not in members:
                problems.append(f"{path}.{name}: the model of {shape.name} has no such member")
            else:
                check_xml(members[name], child, f"{path}.{name}")
    elif kind == "list":
        for i, child in enumerate(node):
            if bare(child.tag) != shape.member.serialization.get("name", "member"):
                problems.append(f"{path}[{i}]: an item is called {bare(child.tag)}")
            check_xml(shape.member, child, f"{path}[{i}]")
    else:
        scalar(shape, node.text or "", path, of_xml)


def answered(operation_model, response_dict, **_):
    """Sees each answer as it came, before botocore leaves out what it does not know."""
    path = f"{operation_model.service_model.service_name}.{operation_model.name}"
    shape, protocol = operation_model.output_shape, operation_model.service_model.resolved_protocol
    if response_dict["status_code"] >= 300:
        return
    print(path)
    if protocol == "json":
        value = json.loads(response_dict["body"] or b"null")
        if shape is None and value:
            problems.append(f"{path}: {value!r}, where nothing is answered")
        elif shape is not None:
            check_json(shape, value, path)
    elif protocol in ("query", "ec2"):
        root = etree.fromstring(response_dict["body"])
        if bare(root.tag) != operation_model.name + "Response":
            problems.append(f"{path}: the answer is called {bare(root.tag)}")
        if protocol == "query":
            root = next(child for child in root if bare(child.tag) == operation_model.name + "Result")
        else:
            root[:] = [child for child in root if bare(child.tag) != "requestId"]
        check_xml(shape, root, path)


def main():
    clients = {}
    for service, operation, parameters in json.load(sys.stdin):
        if service not in clients:
            clients[service] = boto3.client(service)
            clients[service].meta.events.register("before-parse.*.*", answered)
        client = clients[service]
        try:
            getattr(client, xform_name(operation))(**parameters)
        except botocore.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            model = client.meta.service_model.operation_model(operation)
            known = {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}
            if code not in known:
                problems.append(f"{service}.{operation}: the model knows no error {code!r}, but {sorted(known)}")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
