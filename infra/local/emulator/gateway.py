"""Lets an HTTP API's events say where a call came from.

The emulator calls every caller 127.0.0.1. Here all callers are on this machine,
so what they say in X-Forwarded-For is taken for their address. launch.py runs
this.
"""

from ministack.services import lambda_svc

execute = lambda_svc._execute_function_with_config_scope


def execute_from(record, event, *args, **kwargs):
    http = event.get("requestContext", {}).get("http") if isinstance(event, dict) else None
    if isinstance(http, dict) and "sourceIp" in http:
        said = {name.lower(): value for name, value in event.get("headers", {}).items()}.get("x-forwarded-for")
        if said:
            http["sourceIp"] = said.split(",")[0].strip()
    return execute(record, event, *args, **kwargs)


lambda_svc._execute_function_with_config_scope = execute_from
