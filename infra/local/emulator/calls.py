"""Sends the functions' calls of AWS to the Go side, which hands them on to the
emulator, with the names of the function and of the invocation that make them:
the SDK puts both into its headers. launch.py runs this where somebody watches.
"""

import os

from ministack.services import lambda_svc

worker_env = lambda_svc._provided_worker_env
trace_id = lambda_svc._xray_trace_id_for_invocation


def named_env(config, *args, **kwargs):
    env = worker_env(config, *args, **kwargs)
    env["AWS_ENDPOINT_URL"] = os.environ["WATCHED_ENDPOINT_URL"]
    env["AWS_SDK_UA_APP_ID"] = config["FunctionName"]
    return env


def always_trace_id(config, *args, **kwargs):
    return trace_id({**config, "TracingConfig": {"Mode": "Active"}}, *args, **kwargs)


lambda_svc._provided_worker_env = named_env
lambda_svc._xray_trace_id_for_invocation = always_trace_id
