"""CPU that the receiver spends on one webhook, its handler run again and again in one process.

Included: parsing the event, the HMAC, reading the JSON, making and signing the message, sending it
over a kept connection, the log lines. Not included: Lambda's runtime client, TLS, and the other
end, which is a process of its own.

``python -m accord.local.bench.receiver run|queue`` are those two processes.
"""

import base64
import http.client
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from accord.errors import UnavailableError
from accord.local.place import REPO
from accord.local.recorded import Recorded
from accord.local.runner.child import follow_starter

_LAYER = REPO / "layers" / "accord" / "python"
_STORE = "uk"
_BATCHES = 5


def microseconds(delivery: Recorded, *, runs: int = 1000) -> float:
    """CPU of one genuine ``delivery`` in microseconds: the median of five batches.

    Raises: UnavailableError: the receiver did not do it; the message holds the end of what it said.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="receiver-")))
        (folder / "delivery.json").write_text(json.dumps(_event(delivery)), encoding="utf-8")
        store = {"url": delivery.home, "secret": "store/uk"}
        (folder / "accord.json").write_text(json.dumps({"stores": {_STORE: store}}))
        queue = subprocess.Popen(
            [sys.executable, "-m", __name__, "queue", delivery.secret or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment("", folder, ""),
            text=True,
        )
        stack.callback(_end, queue)
        assert queue.stdout is not None
        endpoint = queue.stdout.readline().strip()
        ran = subprocess.run(
            [sys.executable, "-m", __name__, "run", str(folder / "delivery.json"), str(runs)],
            env=_environment(str(REPO / "functions" / "receive_store_webhook"), folder, endpoint),
            stdout=subprocess.DEVNULL,  # the log lines are written, as on Lambda, and read by none
            stderr=subprocess.PIPE,
            timeout=300,
            text=True,
            check=False,
        )
    last = ran.stderr.strip().rpartition("\n")[2]
    try:
        return float(last)
    except ValueError:
        raise UnavailableError(f"the receiver failed: {ran.stderr[-800:]}", sent=False) from None


def _event(delivery: Recorded) -> dict[str, Any]:
    """The delivery as API Gateway hands it over (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "POST /stores/{store}/webhooks",
        "pathParameters": {"store": _STORE},
        "headers": {name.lower(): value for name, value in delivery.headers.items()},
        "requestContext": {
            "http": {"method": "POST", "sourceIp": "192.0.2.10"},
            "requestId": "bench",
        },
        "body": base64.b64encode(delivery.body.encode()).decode(),
        "isBase64Encoded": True,
    }


def _environment(function: str, folder: Path, endpoint: str) -> dict[str, str]:
    queues = {event: f"{endpoint}/1/{event}.fifo" for event in ("order_created", "order_updated")}
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(filter(None, (function, str(_LAYER)))),
        "ACCORD_STAGE": "dev",
        "ACCORD_CONFIG": str(folder / "accord.json"),
        "ACCORD_QUEUES": json.dumps(queues),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_ENDPOINT_URL": endpoint,
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "receive_store_webhook",
    }


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait(5)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


# --- the process that is measured -------------------------------------------------


class _Context:
    function_name = "accord-dev-receive-store-webhook"
    function_version = "1"
    memory_limit_in_mb = 256
    invoked_function_arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{function_name}"
    aws_request_id = "00000000-0000-0000-0000-000000000000"


def _run(path: Path, runs: int) -> float:
    """Microseconds of CPU of one delivery."""
    import importlib

    handle = importlib.import_module("handler").lambda_handler
    event = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(50):  # the first asks for the secret and opens the connections
        answer = handle(event, _Context())
        if answer["statusCode"] != 200:
            raise SystemExit(f"it answered {answer['statusCode']}")
    taken = []
    for _ in range(_BATCHES):
        started = time.process_time()
        for _ in range(max(1, runs // _BATCHES)):
            handle(event, _Context())
        taken.append((time.process_time() - started) / max(1, runs // _BATCHES) * 1e6)
    return median(taken)


# --- the other end ------------------------------------------------------------------


class _Answers(socketserver.StreamRequestHandler):
    """Takes every message and tells the one secret, over kept connections."""

    disable_nagle_algorithm = True
    secret = ""

    def handle(self) -> None:
        while self.rfile.readline():
            headers = http.client.parse_headers(self.rfile)
            body = self.rfile.read(int(headers["content-length"]))
            if headers["x-amz-target"].endswith("SendMessage"):
                answer: dict[str, str] = {"MessageId": str(len(body))}
            else:
                answer = {"SecretString": json.dumps({"webhook_secrets": [self.secret]})}
            text = json.dumps(answer).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n".encode()
            self.wfile.write(head + text)


def _serve(secret: str) -> None:
    threading.Thread(target=follow_starter, daemon=True).start()
    _Answers.secret = secret
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answers) as server:
        server.daemon_threads = True
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "queue":
        _serve(sys.argv[2])
    else:
        sys.stderr.write(f"{_run(Path(sys.argv[2]), int(sys.argv[3]))}\n")
