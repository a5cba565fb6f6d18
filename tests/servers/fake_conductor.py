"""A stand-in for the boot jar, as far as a start-up talks to one. Started by the fake `java` of the conftest.

FAKE_MODE: ok, mute (never healthy), dies (before it listens), taken (says so once and lives on, then works), broken
(fails to start and lives on), stolen (somebody else's server answers, once), old (a release without /api/version),
stuck (polls hand out nothing).
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OPTIONS = dict(word.removeprefix("--").partition("=")[::2] for word in sys.argv if word.startswith("--"))
MODE = os.environ.get("FAKE_MODE", "ok")
HTML = b"<!-- the UI --><html></html>"


def happens_once(name: str) -> bool:
    """Whether this is the first process that asks; the marker lies where all attempts see it."""
    marker = Path(os.environ["FAKE_STATE"]) / name
    if marker.exists():
        return False
    marker.touch()
    return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    handed_out = 0
    finished = 0

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, body: object, kind: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/health":
            self.answer({"healthy": MODE != "mute"})
        elif path == "/actuator/info":
            stolen = MODE == "stolen" and happens_once("stolen")
            self.answer({"k1n": {"run": "somebody else's" if stolen else OPTIONS["info.k1n.run"]}})
        elif path == "/api/version" and MODE != "old":
            self.answer(b"3.32.1", "text/plain")
        elif path.startswith("/api/tasks/poll/batch/"):
            if Handler.handed_out < 4 and MODE != "stuck":
                Handler.handed_out += 1
                self.answer([{"taskId": f"task-{Handler.handed_out}"}])
            else:
                self.answer([])
        elif path == "/api/workflow/w-1":
            self.answer({"status": "COMPLETED" if Handler.finished >= 4 else "RUNNING"})
        else:
            self.answer(HTML, "text/html")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/tasks":
            Handler.finished += 1
        elif self.path.startswith("/api/workflow/"):
            Handler.handed_out = Handler.finished = 0  # one execution after the other
        self.answer(b"w-1", "text/plain")

    def do_PUT(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self.do_POST()


def main() -> None:
    print("fake Conductor on", OPTIONS["server.port"], "run", os.environ.get("K1N_RUN_UID"), flush=True)
    if MODE == "dies":
        print("Caused by: java.lang.IllegalStateException: no such luck", flush=True)
        sys.exit(7)
    if MODE == "broken":
        print("APPLICATION FAILED TO START\nno such bean", flush=True)
        time.sleep(600)
    if MODE == "taken" and happens_once("taken"):
        print(f"APPLICATION FAILED TO START\nPort {OPTIONS['server.port']} was already in use.", flush=True)
        time.sleep(600)  # as the real one, which its sweeper keeps alive
    Path("conductor.db").write_text("a database\n")
    time.sleep(float(os.environ.get("FAKE_START_S", "0")))
    ThreadingHTTPServer(("127.0.0.1", int(OPTIONS["server.port"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
