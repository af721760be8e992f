"""Serves the AWS emulator on the socket that the Go side opened (descriptor 3).

Standard input is a pipe that nobody writes to: when it ends, the Go side is
gone, however that came about, and the whole process group goes with it, the
Lambda workers included, and the folder that it works in.
"""

import asyncio
import os
import resource
import runpy
import shutil
import signal
import socket
import threading


def end_with_parent():
    os.read(0, 1)
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_parent, daemon=True).start()

# Every Lambda worker and connection takes descriptors; the usual soft limit of
# 1024 is soon used up under load.
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if soft < hard:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        pass  # macOS has a lower bound of its own

# Accepted sockets inherit this, and an answer goes out in two writes: without it
# the second waits for the acknowledgement of the first, some 40 ms.
with socket.socket(fileno=os.dup(3)) as listener:
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack.app import app  # noqa: E402

runpy.run_path("kms.py")
runpy.run_path("gateway.py")
if os.environ["AUTH"] == "true":
    runpy.run_path("auth.py")
if "WATCHED_ENDPOINT_URL" in os.environ:
    runpy.run_path("calls.py")

config = Config()
config.bind = ["fd://3"]
config.keep_alive_timeout = 75
config.loglevel = "WARNING"
asyncio.run(serve(app, config))
