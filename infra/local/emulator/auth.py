"""Mends what the emulator's AUTH=true does not know about IAM.

Without it calls are refused that AWS allows: a role that may send messages may
send batches of them, PartiQL is authorized by statement, a key's policy may
ask for an encryption context, a workflow acts in its role. launch.py runs this
where Auth is set.
"""

import json

from ministack.core import iam_actions, iam_evaluator
from ministack.services import stepfunctions

SAME_ACTION = {"sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage"}
PARTIQL = {"INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete", "SELECT": "PartiQLSelect"}

extract_iam_action = iam_actions.extract_iam_action
dynamodb_transaction_checks = iam_actions.dynamodb_transaction_checks
request_tag_context = iam_actions.request_tag_context
resolve_condition_key = iam_evaluator._resolve_condition_key
run_execution = stepfunctions._run_execution


def action(*args, **kwargs):
    name = extract_iam_action(*args, **kwargs)
    return SAME_ACTION.get(name, name)


def checks(iam_action, body, region, account):
    """Each statement of a PartiQL call, as the action that it is."""
    if iam_action not in ("dynamodb:ExecuteStatement", "dynamodb:BatchExecuteStatement"):
        return dynamodb_transaction_checks(iam_action, body, region, account)
    call = json.loads(body)
    found = []
    for statement in call.get("Statements") or [call]:
        text = statement["Statement"]
        table = text.split('"')[1]
        found.append((
            "dynamodb:" + PARTIQL[text.split()[0].upper()],
            f"arn:aws:dynamodb:{region}:{account}:table/{table}",
        ))
    return found


def context(service, iam_action, body, params):
    """The condition keys of a request, with its encryption context."""
    keys = request_tag_context(service, iam_action, body, params)
    if service == "kms":
        given = json.loads(body or b"{}").get("EncryptionContext") or {}
        keys = {**keys, **{f"kms:EncryptionContext:{name}": value for name, value in given.items()}}
    return keys


def condition_key(key, ctx):
    # Every call comes over plain HTTP here, but by loopback, which nobody else
    # reads; and the principal of an assumed role is the role, not its session.
    if key.lower() == "aws:securetransport":
        return "true"
    value = resolve_condition_key(key, ctx)
    if key.lower() == "aws:principalarn" and ":assumed-role/" in str(value):
        return f"arn:aws:iam::{value.split(':')[4]}:role/{value.split('/')[1]}"
    return value


def execution(arn):
    """An execution of a workflow, on a thread of its own, in the workflow's role."""
    machine = stepfunctions._state_machines[stepfunctions._executions[arn]["stateMachineArn"]]
    session = machine["roleArn"].replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/execution"
    iam_evaluator._request_caller_arn.set(session)
    run_execution(arn)


iam_actions.extract_iam_action = action
iam_actions.dynamodb_transaction_checks = checks
iam_actions.request_tag_context = context
iam_evaluator._resolve_condition_key = condition_key
stepfunctions._run_execution = execution
