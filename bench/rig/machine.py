"""What the machine and its processes have used, read from /proc. Times are seconds of CPU."""
import os
import time

HZ = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def _stat(pid):
    """(parent, own seconds, seconds of its reaped children), or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / HZ, \
        (int(fields[13]) + int(fields[14])) / HZ


def cpu_of(pid):
    """CPU of a process so far, of all its threads, to the nanosecond where the kernel tells."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9
    except (FileNotFoundError, ProcessLookupError):
        stat = _stat(pid)
        return stat[1] if stat else 0.0


def status_of(pid, key):
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


class Snapshot:
    """All processes and cores at one moment."""

    def __init__(self):
        self.at = time.monotonic()
        self.cores = {}
        with open("/proc/stat") as file:
            for line in file:
                if line.startswith("cpu") and line[3].isdigit():
                    name, *ticks = line.split()
                    user, nice, system, idle, iowait, irq, softirq, steal = \
                        (int(tick) / HZ for tick in ticks[:8])
                    self.cores[int(name[3:])] = {
                        "busy": user + nice + system + irq + softirq, "steal": steal,
                        "total": user + nice + system + irq + softirq + steal + idle + iowait}
        self.processes = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                stat = _stat(int(name))
                if stat:
                    self.processes[int(name)] = stat


def core_busy(before, after, core):
    """The share of `core` that was not idle, 0 to 1."""
    a, b = before.cores.get(core), after.cores.get(core)
    total = b["total"] - a["total"] if a and b else 0
    return (b["busy"] - a["busy"]) / total if total > 0 else 0.0


def _ours(processes, us):
    """Our process and all below it, and the kernel's own threads, which work for whoever asks."""
    ours = {us, 2}
    grown = True
    while grown:
        grown = False
        for pid, (parent, _, _) in processes.items():
            if parent in ours and pid not in ours:
                ours.add(pid)
                grown = True
    return ours


def foreign_share(before, after, us, ours_seconds):
    """CPU used by others, and what the hypervisor took, as a share of one core.

    Where all of the machine's processes can be seen, theirs is added up; a process that came and
    went is in its parent's account. Elsewhere it is what /proc/stat counts and we did not use.
    """
    wall = after.at - before.at
    steal = sum(core["steal"] for core in after.cores.values()) - \
        sum(core["steal"] for core in before.cores.values())
    if 2 not in after.processes or after.processes[2][0] != 0:
        busy = sum(core["busy"] for core in after.cores.values()) - \
            sum(core["busy"] for core in before.cores.values())
        return (max(0.0, busy - ours_seconds) + steal) / wall
    ours = _ours(before.processes, us) | _ours(after.processes, us)
    accounted = {}  # what a vanished process had before, and its living forebear's account has now
    for pid, (parent, own, reaped) in before.processes.items():
        if pid in after.processes or pid in ours:
            continue
        while parent in before.processes and parent not in after.processes:
            parent = before.processes[parent][0]
        accounted[parent] = accounted.get(parent, 0.0) + own + reaped
    used = 0.0
    for pid, (_, own, reaped) in after.processes.items():
        if pid in ours:
            continue
        _, own0, reaped0 = before.processes.get(pid, (0, 0.0, 0.0))
        used += max(0.0, own - own0) + max(0.0, reaped - reaped0 - accounted.get(pid, 0.0))
    return (used + steal) / wall


def about():
    def first(path, start):
        try:
            with open(path) as file:
                for line in file:
                    if line.startswith(start):
                        return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
        except FileNotFoundError:
            pass
        return "unknown"
    system = os.uname()
    return {"cpu": first("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
            "kernel": f"{system.sysname} {system.release} {system.machine}",
            "system": first("/etc/os-release", "PRETTY_NAME"),
            "memory_mb": int(first("/proc/meminfo", "MemTotal").split()[0]) // 1024}
