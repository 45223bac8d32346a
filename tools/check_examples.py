"""Holds each example of an OpenAPI 3.1 document against its schema: check_examples.py DOCUMENT

Runs with the packages of .venv/schemathesis.
"""

import json
import sys

import jsonschema_rs

document = json.load(open(sys.argv[1], encoding="utf-8"))
LEAST = 40


def examples(node, path):
    """Every (path, schema, example) below a node, also of fields of schemas."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield path, node["schema"], node["example"]
        elif "example" in node and ("type" in node or "$ref" in node or "oneOf" in node):
            yield path, {key: value for key, value in node.items() if key != "example"}, node["example"]
        for key, value in node.items():
            if key != "example":
                yield from examples(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from examples(value, f"{path}/{index}")


wrong, count = [], 0
for path, schema, example in examples(document, ""):
    count += 1
    whole = dict(schema, components=document["components"])
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    wrong += [f"{path}: {error.message} (at {error.instance_path})" for error in validator.iter_errors(example)]
if count < LEAST:
    wrong.append(f"only {count} examples were found; there must be {LEAST} at least")
print("\n".join(wrong) or f"{count} examples fit their schemas")
sys.exit(1 if wrong else 0)
