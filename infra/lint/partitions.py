"""Nothing is tied to one partition of AWS."""

import re

from cfnlint.rules import CloudFormationLintRule, RuleMatch

LITERAL = re.compile(r"arn:aws[a-z-]*:|amazonaws\.com")


class PartitionLiteral(CloudFormationLintRule):
    id = "E9006"
    shortdesc = "No partition's name is written out"
    description = "Use ${AWS::Partition} and ${AWS::URLSuffix}; only service principals are the same in every partition"
    tags = ["mediahooks"]

    def match(self, cfn):
        return [
            RuleMatch(path, f"{value!r} names a partition: use ${{AWS::Partition}} or ${{AWS::URLSuffix}}")
            for path, value in texts(cfn.template.get("Resources", {}), ["Resources"])
            if LITERAL.search(value) and not is_principal(path)
        ]


def texts(node, path):
    """Every string below a node, with its path."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from texts(child, path + [key])
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from texts(child, path + [index])


def is_principal(path):
    """Whether a path ends in Principal, or in a Service below a Principal."""
    names = [key for key in path if isinstance(key, str)]
    return names[-1] == "Principal" or names[-2:] == ["Principal", "Service"]
