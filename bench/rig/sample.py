"""One measurement of one row for one subject: a fresh process, a warm-up, a load run, figures."""
import json
import math
import os
import re
import signal
import subprocess
import threading
import time

import machine
from rows import settle_seconds
from services import LOAD_CORE, SUBJECT_CORE, Failed, set_script

FOREIGN_LIMIT = 0.05  # of one core
TRIES = 4             # the first and three more


def _script(row):
    if row.kind == "streams":
        return json.dumps({"stamp": True, "chunks": 1_000_000, "chunk_size": 24,
                           "chunk_delay_ms": 1000 // row.rate})
    if row.kind == "syscalls" and row.rate:
        return json.dumps({"chunks": 50, "chunk_size": 24, "chunk_delay_ms": 1000 // row.rate})
    return ""


def far_end(lab, row, pinned, tls):
    """(mock, TLS front or None): one for all samples of a row."""
    mock = lab.start_mock(pinned)
    return mock, lab.start_tls(mock.address, pinned) if tls else None


class Load:
    """A load generator under way; finish() gives its JSON and the CPU seconds it used."""

    def __init__(self, lab, address, pinned, options):
        command = [lab.testing, "load", "--url", f"http://{address}/v1/chat/completions",
                   "--max-seconds", "60", *map(str, options)]
        self.lab, self.process = lab, lab.start("load", command, LOAD_CORE if pinned else None)

    def finish(self):
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.lab.living.remove(self.process)
        with open(self.process.log, errors="replace") as log:
            text = log.read()
        try:
            result = json.loads(text)
        except ValueError:
            raise Failed(f"load generator: {text[-500:]}") from None
        return result, usage.ru_utime + usage.ru_stime


def _check(row, result):
    """Every answer was there, and was the right one byte for byte; else no figures."""
    ended = {name: count for name, count in result["outcomes"].items() if count}
    if result["failed"] != 0 or result["backlog"] != 0:
        raise Failed(f"answers were wrong or missing: {ended}")
    whole = result["outcomes"]["ok"]
    cut = result["outcomes"]["cut_at_end"]
    if whole + cut == 0 or result["checked"] < (whole + cut if row.kind == "streams" else whole):
        raise Failed(f"not every answer was checked: {result['checked']} of {ended}")
    if row.kind == "streams" and cut != row.connections:
        raise Failed(f"{cut} of {row.connections} streams ran to the end")


def _options(row):
    usual = ["--size", row.size]
    if row.kind == "whole":
        return usual + ["--connections", row.connections, "--seconds", row.seconds]
    if row.kind == "pace":
        return usual + ["--connections", row.connections, "--seconds", row.seconds,
                        "--rate", row.rate]
    settle = settle_seconds(row)
    return usual + ["--streams", row.connections, "--hold-seconds",
                    math.ceil(settle + row.seconds), "--settle-ms", int(settle * 1000)]


def _warm(lab, row, address, pinned):
    options = ["--size", row.size]
    if row.kind == "streams":
        return  # its memory is to be that of a process that has just begun
    options += ["--connections", row.connections,
                "--requests", max(row.connections * 4, 40 if row.size > 50_000 else 2000)]
    if row.kind == "syscalls" and row.rate:
        options = ["--size", row.size, "--connections", row.connections, "--requests",
                   row.connections, "--stream"]
    Load(lab, address, pinned, options).finish()


class Watcher(threading.Thread):
    """Memory and threads of the subject while it works, and its CPU once all streams run."""

    def __init__(self, pids, steady_after, steady_until):
        super().__init__(daemon=True)
        self.pids, self.steady_after, self.steady_until = pids, steady_after, steady_until
        self.rss, self.threads, self.ended = 0, 0, threading.Event()
        self.steady_from = self.steady_to = None

    def look(self):
        self.rss = max(self.rss, sum(machine.status_of(pid, "VmRSS") for pid in self.pids))
        self.threads = max(self.threads, sum(machine.status_of(pid, "Threads") for pid in self.pids))
        return time.monotonic(), sum(machine.cpu_of(pid) for pid in self.pids)

    def run(self):
        begin = time.monotonic()
        while not self.ended.wait(0.1):
            now, cpu = self.look()
            if now - begin >= self.steady_after:
                self.steady_from = self.steady_from or (now, cpu)
                if now - begin <= self.steady_until:
                    self.steady_to = (now, cpu)

    def finish(self):
        self.ended.set()
        self.join()


def _once(lab, row, subject, far, pinned, tls):
    mock, front = far
    process = None
    set_script(mock.address, "")
    if subject != "direct":
        process = lab.start_subject(subject, (front or mock).address, tls, pinned)
    set_script(mock.address, _script(row))
    pids = process.worker_pids if process else []
    address = process.address if process else mock.address
    try:
        _warm(lab, row, address, pinned)
        if row.kind == "syscalls":
            return _syscalls(lab, row, address, pids)
        idle = sum(machine.status_of(pid, "VmRSS") for pid in pids)
        ours = pids + [mock.pid] + ([front.pid] if front else [])
        before = machine.Snapshot()
        used = {pid: machine.cpu_of(pid) for pid in ours}
        begin = time.process_time()
        load = Load(lab, address, pinned, _options(row))
        watcher = Watcher(pids, settle_seconds(row) + 0.2, settle_seconds(row) + row.seconds)
        watcher.start()
        result, load_cpu = load.finish()
        watcher.finish()
        used = {pid: machine.cpu_of(pid) - cpu for pid, cpu in used.items()}
        after = machine.Snapshot()
    finally:
        if process:
            lab.stop(process)
    _check(row, result)
    own = time.process_time() - begin
    figures = {"foreign": machine.foreign_share(before, after, os.getpid(),
                                                sum(used.values()) + load_cpu + own),
               "load_core_busy": machine.core_busy(before, after, LOAD_CORE) if pinned else None,
               "subject_core_busy":
                   machine.core_busy(before, after, SUBJECT_CORE) if pinned else None,
               "load_cpu_share": load_cpu / result["seconds"],
               "mock_cpu_share": sum(used[pid] for pid in ours if pid not in pids)
                   / result["seconds"],
               "answers": result["outcomes"]["ok"] + result["outcomes"]["cut_at_end"]}
    cpu = sum(used[pid] for pid in pids)
    if pids:
        figures |= {"cpu_share": cpu / result["seconds"], "rss_mb": watcher.rss / 1024,
                    "threads": watcher.threads}
    if row.kind == "streams":
        _stream_figures(row, result, watcher, idle, bool(pids), figures)
    else:
        if pids:
            figures["cpu_us"] = cpu * 1e6 / result["outcomes"]["ok"]
        if row.kind == "whole":
            figures["rate"] = result["ok_per_second"]
        for name in ("p50", "p99", "p999"):
            figures[f"latency_{name}_us"] = result["latency_us"][name]
    return figures


def _stream_figures(row, result, watcher, idle, subject, figures):
    if result["steady_seconds"] <= 0:
        raise Failed("the run was over before all streams had begun")
    rate = result["steady_events"] / result["steady_seconds"]
    figures["chunks_per_second"] = rate
    figures["behind"] = rate < 0.97 * row.connections * row.rate
    for name in ("p50", "p99", "p999"):
        figures[f"delivery_{name}_us"] = result["delivery_us"][name]
        figures[f"first_event_{name}_us"] = result["first_event_us"][name]
    figures["gap_p999_us"] = result["gap_us"]["p999"]
    if not subject:
        return
    if watcher.steady_to is None or watcher.steady_to[0] <= watcher.steady_from[0]:
        raise Failed("too short to see all streams at work")
    (t0, cpu0), (t1, cpu1) = watcher.steady_from, watcher.steady_to
    figures["cpu_us"] = (cpu1 - cpu0) * 1e6 / ((t1 - t0) * rate)
    figures["rss_idle_mb"] = idle / 1024
    figures["kb_per_stream"] = (watcher.rss - idle) / row.connections


def _syscalls(lab, row, address, pids):
    """Counted by strace over a load of known size, after a warm-up. strace slows the subject, so
    that one turn finds less to do than at full speed; and all of its threads are followed."""
    out = os.path.join(lab.directory, "strace.out")
    command = ["strace", "-c", "-f", "-o", out]
    for pid in pids:
        command += ["-p", str(pid)]
    strace = lab.start("strace", command)
    wanted = sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids)

    def attached():
        return sum(_traced(pid) for pid in pids) >= wanted
    lab.wait_for(strace, attached)
    requests = row.connections if row.rate else 4000
    options = ["--size", row.size, "--connections", row.connections, "--requests", requests]
    result, _ = Load(lab, address, True, options + (["--stream"] if row.rate else [])).finish()
    strace.send_signal(signal.SIGINT)
    try:
        strace.wait(5)
    except subprocess.TimeoutExpired:
        pass
    lab.stop(strace)
    _check(row, result)
    units = result["events"] if row.rate else result["outcomes"]["ok"]
    calls = {}
    with open(out) as file:
        for line in file:
            found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if found and found.group(2) != "total":
                calls[found.group(2)] = int(found.group(1))
    if not calls:
        raise Failed("strace counted nothing")
    return {"foreign": 0.0, "syscalls": sum(calls.values()) / units, "answers": units,
            "calls": {name: round(count / units, 3) for name, count in
                      sorted(calls.items(), key=lambda item: -item[1]) if count / units >= 0.005}}


def _traced(pid):
    count = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        if machine.status_of(f"{pid}/task/{task}", "TracerPid"):
            count += 1
    return count


def take(lab, row, subject, far, pinned, tls, deadline):
    """A sample; repeated while others disturb it, and then the least disturbed of the tries.
    After the deadline nothing is repeated."""
    best = None
    for tries in range(1, TRIES + 1):
        figures = _once(lab, row, subject, far, pinned, tls)
        figures["tries"] = tries
        figures["disturbed"] = figures["foreign"] > FOREIGN_LIMIT
        if best is None or figures["foreign"] < best["foreign"]:
            best = figures
        best["tries"] = tries
        if not figures["disturbed"] or time.monotonic() > deadline:
            break
    return best
