"""Runs the rows and writes JSON, table and plots. Called by bench/run.sh, which says how."""
import argparse
import datetime
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import machine
import report
import sample
from rows import MODES, SUBJECTS, all_rows, seconds_of
from services import LOAD_CORE, Failed, Lab

# No spread is stated below these shares of the median: what a clock, and a bucket of the load
# generator's histograms, can tell apart.
RESOLUTION, BUCKET = 0.01, 0.03
NOT_FIGURES = ("foreign", "tries", "disturbed", "behind", "calls", "answers")


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def versions(root, lab, build):
    flags = {}
    try:
        with open(os.path.join(build, "CMakeCache.txt")) as cache:
            for line in cache:
                found = re.match(r"(CMAKE_BUILD_TYPE|CMAKE_CXX_FLAGS(?:_RELEASE)?):\w+=(.+)$", line)
                if found:
                    flags[found.group(1)] = found.group(2).strip()
    except FileNotFoundError:
        pass
    commit = first_line("git", "-C", root, "rev-parse", "HEAD")
    changed = subprocess.run(["git", "-C", root, "status", "--porcelain", "--", ".", ":!docs/bench",
                              ":!docs/evidence"], capture_output=True, text=True, check=False)
    return {"commit": commit + (", with changes" if changed.stdout.strip() else ""),
            "llmorch": first_line(lab.llmorch, "version"),
            "nginx": first_line("nginx", "-v").removeprefix("nginx version: "),
            "haproxy": first_line("haproxy", "-v").split(" - ")[0],
            "openssl": first_line("openssl", "version"), "compiler": first_line("c++", "--version"),
            "flags": " ".join(f"{name}={value}" for name, value in sorted(flags.items()))}


def summary(samples):
    """Per figure: the median, and the spread: how far the farthest repetition lay from it."""
    figures = {}
    for name in samples[0]:
        values = [one[name] for one in samples if one.get(name) is not None]
        if name in NOT_FIGURES or len(values) != len(samples):
            continue
        median = statistics.median(values)
        finest = BUCKET if re.search(r"_p\d+_us$", name) else RESOLUTION
        spread = max(max(abs(value - median) for value in values), finest * abs(median))
        figures[name] = {"median": round(median, 4), "spread": round(spread, 4)}
    return figures


def judge(row, pinned, subjects):
    """Says of each subject what a reader has to know about its figures."""
    direct = subjects.get("direct", {}).get("figures", {})
    for name, entry in subjects.items():
        flags, figures = entry["flags"], entry.get("figures", {})
        if not figures:
            continue
        if any(one["disturbed"] for one in entry["samples"]):
            flags.append("disturbed")
        if any(one.get("behind") for one in entry["samples"]):
            flags.append("chunks behind their rate")
        if name == "direct":
            continue
        if row.kind == "whole":
            busy = figures["load_core_busy"]["median"] if pinned else 0.0
            # Without a direct run (the generator speaks no TLS): a core that was less than half
            # busy could have done twice as much.
            could_do_twice = direct["rate"]["median"] >= 2 * figures["rate"]["median"] \
                if direct else busy < 0.5
            if not could_do_twice:
                flags.append("load side below 2x")
            if busy >= 0.9:
                flags.append("load core busy")
            entry["rate_counts"] = could_do_twice and busy < 0.9
        for kind in ("delivery", "latency"):
            for point in ("p50", "p99", "p999"):
                key = f"{kind}_{point}_us"
                if row.kind in ("pace", "streams") and key in figures and key in direct:
                    figures["added_" + key] = {
                        "median": round(figures[key]["median"] - direct[key]["median"], 4),
                        "spread": round(figures[key]["spread"] + direct[key]["spread"], 4)}


def run_row(lab, row, deadline):
    pinned, tls, _ = MODES[row.mode]
    names = list(SUBJECTS)
    if not tls and row.kind != "syscalls":
        names.append("direct")  # the generator straight to the mock: what the load side can do
    subjects = {name: {"samples": [], "flags": []} for name in names}
    started = time.monotonic()
    far = sample.far_end(lab, row, pinned, tls)
    try:
        for repetition in range(row.repetitions):
            shift = repetition % len(names)  # nobody is always the first
            for name in names[shift:] + names[:shift]:
                if "error" in subjects[name]:
                    continue
                try:
                    subjects[name]["samples"].append(
                        sample.take(lab, row, name, far, pinned, tls, deadline))
                except Failed as failure:
                    subjects[name]["error"] = str(failure)
                    subjects[name]["flags"].append("failed")
    finally:
        lab.stop_all()
    for entry in subjects.values():
        if entry["samples"] and "error" not in entry:
            entry["figures"] = summary(entry["samples"])
    judge(row, pinned, subjects)
    return {"name": row.name, "mode": row.mode, "kind": row.kind, "title": row.title,
            "connections": row.connections, "size": row.size, "rate": row.rate,
            "repetitions": row.repetitions, "seconds": row.seconds,
            "took": round(time.monotonic() - started, 1), "subjects": subjects}


def progress(number, count, result):
    key, unit = ("syscalls", "calls") if result["kind"] == "syscalls" else ("cpu_us", "us CPU")
    parts = []
    for name, entry in result["subjects"].items():
        figure = entry.get("figures", {}).get(key)
        if figure:
            parts.append(f"{name} {figure['median']:.1f} +-{figure['spread']:.1f}")
        elif "error" in entry:
            parts.append(f"{name} FAILED: {entry['error'].splitlines()[0]}")
    flags = sorted({flag for entry in result["subjects"].values() for flag in entry["flags"]})
    print(f"[{number}/{count}] {result['name']}: {', '.join(parts)} ({unit}; {result['took']:.0f} s)"
          + (f" [{', '.join(flags)}]" if flags else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh")
    parser.add_argument("--root", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--out")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--publish", action="store_true")
    options = parser.parse_args()
    rows = [row for row in all_rows(options.quick) if re.search(options.only, row.name)]
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    if not rows:
        sys.exit(f"no row matches {options.only}")
    if os.cpu_count() < 2:
        sys.exit("needs two cores: one for the subject, one for the load")
    out = options.out or os.path.join(options.root, "bench/out")
    os.makedirs(out, exist_ok=True)
    estimate = sum(map(seconds_of, rows))
    print(f"{len(rows)} rows, about {estimate / 60:.0f} minutes on a quiet machine, "
          f"at most {estimate / 60 * 2 + 2:.0f}", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = tempfile.mkdtemp(prefix="llmorch-bench-",
                                 dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    os.chmod(directory, 0o755)  # nginx's workers may be another user
    build = os.environ["LLMORCH_BUILD_DIR"]
    lab = Lab(options.root, build, directory)
    os.sched_setaffinity(0, {LOAD_CORE})
    run = {"command": "bench/run.sh" + (" --quick" if options.quick else "")
           + (f" --only '{options.only}'" if options.only else ""),
           "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
           "quick": options.quick, "machine": machine.about(),
           "versions": versions(options.root, lab, build), "rows": [], "not_run": []}
    started, planned = time.monotonic(), 0.0
    try:
        for number, row in enumerate(rows, 1):
            if time.monotonic() > started + 2 * estimate + 60:
                run["not_run"].append(row.name)
                continue
            # What is repeated here must leave time for the rows that follow.
            planned += seconds_of(row)
            result = run_row(lab, row, started + 1.5 * planned + 30)
            run["rows"].append(result)
            progress(number, len(rows), result)
    finally:
        lab.stop_all()
        shutil.rmtree(directory, ignore_errors=True)
    run["configs"] = lab.configs
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    path = os.path.join(out, f"{stamp}-{run['versions']['commit'][:10]}.json")
    with open(path, "w") as file:
        json.dump(run, file, indent=1)
        file.write("\n")
    report.write(run, out)
    print(f"wrote {path}, {os.path.join(out, 'TABLE.md')} and its plots")
    if options.publish or not (options.quick or options.only):
        report.publish(run, options.root)
        print("wrote docs/bench/TABLE.md, its plots, and docs/evidence/bench.json")
    for name in run["not_run"]:
        print(f"not run, out of time: {name}")
    failed = [row["name"] for row in run["rows"]
              if any("error" in entry for entry in row["subjects"].values())]
    for name in failed:
        print(f"failed: {name}")
    return 1 if failed or run["not_run"] else 0


if __name__ == "__main__":
    sys.exit(main())
