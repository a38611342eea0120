"""The servers that a deployment stands on, to be taken away and brought back."""

import os
import re
import shlex
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from node import free_port, wait_for


class Postgres:
    """The trial's own cluster, started by scripts/services.sh."""

    def __init__(self, work):
        self.data = work / "run/postgres/data"
        self.bin = Path(os.environ["PERENNIAL_TEST_POSTGRES_BIN"])
        self.port = urlsplit(os.environ["PERENNIAL_TEST_POSTGRES_URL"]).port
        self.owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        # The line with which it was started.
        self.line = shlex.split((self.data / "postmaster.opts").read_text())

    def sql(self, text, port=None):
        psql = [self.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port or self.port),
                "-U", "postgres", "-d", "postgres"]
        return subprocess.run(psql, input=text, check=True, capture_output=True, text=True).stdout

    def stop(self):
        self.control("stop", "-m", "immediate", self.data)

    def start(self):
        self.launch(self.line)

    def launch(self, line, data=None):
        with open(os.devnull, "r+b") as null:
            subprocess.Popen([*self.owner, *line], cwd="/", stdin=null, stdout=null, stderr=null, start_new_session=True)
        wait_for("Postgres", lambda: (data or self.data).joinpath("postmaster.pid").exists() and self.answers(line), 30)

    def answers(self, line):
        port = line[line.index("-p") + 1]
        ready = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", port]
        return subprocess.run(ready).returncode == 0

    def control(self, *words):
        *words, data = words
        subprocess.run([*self.owner, self.bin / "pg_ctl", "-D", data, "-w", *words], cwd="/", check=True, stdout=subprocess.DEVNULL)

    def base_backup(self, target):
        """A physical copy of the running server, all databases at one moment."""
        subprocess.run([*self.owner, self.bin / "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres",
                        "-D", target, "-X", "stream", "-c", "fast"], cwd="/", check=True)

    def start_copy(self, data):
        """Starts a restored copy on a port of its own; returns the port."""
        port = free_port()
        line = [part if part != str(self.port) else str(port) for part in self.line]
        line = [str(data) if part == str(self.data) else part for part in line]
        self.launch(line, data)
        return port


class Redis:
    """The trial's own Redis, started by scripts/services.sh."""

    def __init__(self, work):
        self.folder = work / "run/redis"
        self.port = urlsplit(os.environ["PERENNIAL_TEST_REDIS_URL"]).port

    def stop(self):
        pid = int((self.folder / "pid").read_text())
        os.kill(pid, signal.SIGKILL)

    def start(self):
        subprocess.run(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--daemonize", "yes",
                        "--pidfile", self.folder / "pid", "--logfile", self.folder / "log", "--save", "", "--appendonly", "no"],
                       check=True, stdout=subprocess.DEVNULL)


class Mail:
    """An SMTP server that prints what it is given."""

    def __init__(self, work):
        self.port, self.log, self.process = free_port(), work / "mail.log", None

    def start(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["aiosmtpd", "-n", "-l", f"127.0.0.1:{self.port}", "-c", "aiosmtpd.handlers.Debugging", "stdout"],
                                            env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=log, stderr=log)

    def has(self, text):
        return self.log.exists() and text in self.log.read_text()

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class Gateway:
    """An HTTP server that takes whatever is posted."""

    def __init__(self):
        self.port, self.taken, self.server = free_port(), [], None

    def settings(self):
        return (f'\n[notification.webhook]\nurl = "http://127.0.0.1:{self.port}/"\nallow_private_networks = true\n'
                'secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]\n')

    def start(self):
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                taken.append(self.headers["webhook-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        if self.server:
            self.server.shutdown()


class Collector:
    """An OTLP receiver that prints what it is told. Not started until it is asked about, so that
    everything before is tried with a collector that is away."""

    def __init__(self, work):
        self.port, self.log, self.process = free_port(), work / "collector.log", None

    def start(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["rotel-agent", "start", "--otlp-grpc-endpoint", f"127.0.0.1:{self.port}", "--otlp-http-endpoint",
                 f"127.0.0.1:{free_port()}", "--exporter", "blackhole", "--debug-log", "metrics", "--debug-log-verbosity", "detailed"],
                stdout=log, stderr=log)

    def heard(self):
        """What it printed, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text())

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
