"""The processes under test and what they talk to. Everything started here is ended by pid."""
import http.client
import os
import re
import signal
import socket
import subprocess
import time

import machine

SUBJECT_CORE, LOAD_CORE = 0, 1


class Failed(Exception):
    pass


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Lab:
    """One run's directory, programs and living processes."""

    def __init__(self, root, build, directory):
        self.root, self.directory = root, directory
        self.llmorch = os.path.join(build, "server/llmorch")
        self.testing = os.path.join(build, "lib/testing/llmorch-testing")
        self.living = []
        self.configs = {}
        self._certificates_made = False

    # ---- processes ----
    def start(self, name, command, core=None):
        log = os.path.join(self.directory, f"{name}.log")

        def place():
            os.setpgid(0, 0)  # a terminal's ^C is for the rig, which then ends these
            if core is not None:
                os.sched_setaffinity(0, {core})
            else:
                os.sched_setaffinity(0, range(os.cpu_count()))

        with open(log, "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       preexec_fn=place)
        process.log = log
        self.living.append(process)
        return process

    def stop(self, process):
        """Asks, waits, then insists: on it and on the children it had when asked."""
        if process not in self.living:
            return
        self.living.remove(process)
        below = machine.children_of(process.pid)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                for pid in below:
                    _kill(pid)
                process.kill()
                process.wait()

    def stop_all(self):
        for process in list(self.living):
            self.stop(process)

    def wait_for(self, process, ready):
        end = time.monotonic() + 15
        while time.monotonic() < end and process.poll() is None:
            found = ready()
            if found:
                return found
            time.sleep(0.02)
        with open(process.log, errors="replace") as log:
            raise Failed(f"{process.args[0]} did not start:\n{log.read()[-2000:]}")

    def address_in_log(self, process):
        def look():
            with open(process.log, errors="replace") as log:
                found = re.search(r"127\.0\.0\.1:[1-9]\d*", log.read(4096))
            return found and found.group(0)
        return self.wait_for(process, look)

    def config(self, name, **places):
        with open(os.path.join(self.root, "bench/configs", name)) as file:
            text = file.read()
        self.configs[name] = text
        for place, value in places.items():
            text = text.replace(f"@{place}@", str(value))
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    # ---- the far end ----
    def start_mock(self, pinned):
        mock = self.start("mock", [self.testing, "mock", "--listen", "127.0.0.1:0", "--max-seconds",
                                   "3600"], LOAD_CORE if pinned else None)
        mock.address = self.address_in_log(mock)
        return mock

    def start_tls(self, mock_address, pinned):
        """The mock speaks no TLS: HAProxy does it for it, for all subjects alike."""
        self._make_certificates()
        address = free_address()
        path = self.config("far-tls.cfg", LISTEN=address, DIR=self.directory, MOCK=mock_address)
        front = self.start("far-tls", ["haproxy", "-db", "-q", "-f", path],
                           LOAD_CORE if pinned else None)
        front.address = address
        self.wait_for(front, lambda: _connects(address))
        return front

    def _make_certificates(self):
        if self._certificates_made:
            return
        at = lambda name: os.path.join(self.directory, name)
        with open(at("extensions"), "w") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        for command in (
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", "2", "-subj", "/CN=bench CA"],
                ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 at("server.key"), "-out", at("server.csr"), "-subj", "/CN=localhost"],
                ["x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey",
                 at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("extensions"),
                 "-out", at("server.crt")]):
            done = subprocess.run(["openssl", *command], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Failed("openssl: " + done.stderr[-1000:])
        with open(at("server.pem"), "w") as out:
            for name in ("server.crt", "server.key"):
                with open(at(name)) as file:
                    out.write(file.read())
        # The gateway trusts what the system trusts and nothing from its environment: it is shown
        # a /etc/ssl/certs with our CA in it, in a mount namespace of its own.
        certs = at("certs")
        os.makedirs(certs, exist_ok=True)
        with open(at("ca.pem")) as file, \
                open(os.path.join(certs, "ca-certificates.crt"), "w") as bundle:
            try:
                with open("/etc/ssl/certs/ca-certificates.crt") as system:
                    bundle.write(system.read())
            except FileNotFoundError:
                pass
            bundle.write(file.read())
        subprocess.run(["openssl", "rehash", certs], capture_output=True, check=False)
        self._certificates_made = True

    # ---- subjects ----
    def start_subject(self, name, far, tls, pinned):
        """A fresh process; .worker_pids are those whose CPU and memory count."""
        core = SUBJECT_CORE if pinned else None
        scheme = "https" if tls else "http"
        if name == "gateway":
            path = self.config("gateway.yaml", SCHEME=scheme, FAR=far)
            command = [self.llmorch, "serve", "-c", path, "--listen", "127.0.0.1:0"]
            if tls:
                user = [] if os.geteuid() == 0 else ["-r"]
                command = ["unshare", *user, "-m", "sh", "-c",
                           'mount --bind "$1" /etc/ssl/certs && shift && exec "$@"', "sh",
                           os.path.join(self.directory, "certs"), *command]
            process = self.start(name, command, core)
            process.address = self.address_in_log(process)
            workers = lambda: [process.pid]
        elif name == "nginx":
            process_address = free_address()
            path = self.config("nginx.conf", SCHEME=scheme, FAR=far, LISTEN=process_address,
                               DIR=self.directory, NGINX_WORKERS=1 if pinned else "auto")
            if not tls:
                _drop_lines(path, "proxy_ssl")
            process = self.start(name, ["nginx", "-c", path], core)
            process.address = process_address
            workers = lambda: machine.children_of(process.pid)
        else:
            process_address = free_address()
            path = self.config(
                "haproxy.cfg", FAR=far, LISTEN=process_address,
                HAPROXY_THREADS="nbthread 1" if pinned else "",
                HAPROXY_TLS=f"ssl verify required ca-file {self.directory}/ca.pem "
                            "verifyhost localhost sni str(localhost) ssl-min-ver TLSv1.3"
                            if tls else "")
            process = self.start(name, ["haproxy", "-db", "-q", "-f", path], core)
            process.address = process_address
            workers = lambda: [process.pid]
        self.wait_for(process, lambda: workers() and _answers(process.address))
        process.worker_pids = workers()
        comm = {"gateway": "llmorch"}.get(name, name)
        for pid in process.worker_pids:
            with open(f"/proc/{pid}/comm") as file:
                found = file.read().strip()
            if found != comm:
                raise Failed(f"process {pid} is {found}, not {comm}")
        return process


def _drop_lines(path, word):
    with open(path) as file:
        lines = [line for line in file if word not in line]
    with open(path, "w") as file:
        file.writelines(lines)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _connects(address):
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
        return True
    except OSError:
        return False


def set_script(mock_address, script):
    connection = http.client.HTTPConnection(mock_address, timeout=5)
    try:
        connection.request("POST", "/mock/script", script)
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"the mock refused its script: {answer.read()}")
    finally:
        connection.close()


def _answers(address):
    """One whole call works: the subject is up and so is its way to the mock."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("POST", "/v1/chat/completions",
                           '{"model":"mock","messages":[{"role":"user","content":"ready?"}]}',
                           {"content-type": "application/json", "authorization": "Bearer load"})
        answer = connection.getresponse()
        return b"ready?" in answer.read() and answer.status == 200
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
