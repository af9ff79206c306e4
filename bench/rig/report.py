"""JSON of a run -> TABLE.md, SVG plots, and the evidence file the documents' rule asks for."""
import json
import os

import plot
from rows import MODES, SUBJECTS
from sample import FOREIGN_LIMIT

PLOTS = (
    # file, mode, kind, figure, title
    ("cpu-whole.svg", "pinned", "whole", "cpu_us", "CPU per request (µs), subject pinned to one core"),
    ("cpu-whole-tls.svg", "tls", "whole", "cpu_us", "CPU per request (µs), TLS to the upstream"),
    ("cpu-chunk.svg", "pinned", "streams", "cpu_us", "CPU per streamed chunk (µs)"),
    ("memory-stream.svg", "pinned", "streams", "kb_per_stream", "Memory per stream (KB)"),
    ("delivery-p99.svg", "pinned", "streams", "added_delivery_p99_us",
     "p99 of what the subject adds to a chunk's way (µs)"),
)


def number(value):
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def cell(entry, key, scale=1.0):
    figure = entry.get("figures", {}).get(key)
    if figure is None:
        return "–"
    return f"{number(figure['median'] * scale)} ±{number(figure['spread'] * scale)}"


def count(entry, key):
    figure = entry.get("figures", {}).get(key)
    return "–" if figure is None else f"{figure['median']:.0f}"


def notes(row, name):
    return ", ".join(row["subjects"][name]["flags"])


def rate_cell(entry):
    text = cell(entry, "rate")
    return text if entry.get("rate_counts", True) or text == "–" else f"({text})"


def table(out, head, lines):
    out.append("<!-- evidence: bench -->")
    out.append("| " + " | ".join(head) + " |")
    out.append("|" + "---|" * len(head))
    out.extend("| " + " | ".join(line) + " |" for line in lines)
    out.append("")


def rows_of(run, mode, kind):
    return [row for row in run["rows"] if row["mode"] == mode and row["kind"] == kind]


def lines_of(rows, names, cells):
    return [[row["title"], name, *cells(row, row["subjects"][name]), notes(row, name)]
            for row in rows for name in names if name in row["subjects"]]


def write_mode(out, run, mode):
    rows = {kind: rows_of(run, mode, kind) for kind in ("whole", "pace", "streams", "syscalls")}
    if not any(rows.values()):
        return
    out += [f"## {mode}: {MODES[mode][2]}", ""]
    with_direct = SUBJECTS + ("direct",)
    if rows["whole"]:
        out += ["Whole answers, closed loop.", ""]
        table(out, ["row", "subject", "CPU µs per request", "requests a second", "load core busy %",
                    "RSS MB", "threads", "flags"],
              lines_of(rows["whole"], with_direct, lambda row, entry: [
                  cell(entry, "cpu_us"), rate_cell(entry), cell(entry, "load_core_busy", 100),
                  cell(entry, "rss_mb"), count(entry, "threads")]))
    if rows["pace"]:
        out += ["Whole answers at a fixed rate, latency from the intended time of sending.", ""]
        table(out, ["row", "subject", "CPU µs per request", "latency µs p50", "p99", "p99.9",
                    "added µs p50", "added p99", "flags"],
              lines_of(rows["pace"], with_direct, lambda row, entry: [
                  cell(entry, "cpu_us"), cell(entry, "latency_p50_us"),
                  cell(entry, "latency_p99_us"), cell(entry, "latency_p999_us"),
                  cell(entry, "added_latency_p50_us"), cell(entry, "added_latency_p99_us")]))
    if rows["streams"]:
        out += ["Streams. A chunk's way: from its making in the mock to its arrival.", ""]
        table(out, ["row", "subject", "CPU µs per chunk", "way µs p50", "p99", "p99.9",
                    "added µs p50", "added p99", "first event µs p99", "RSS MB", "KB per stream",
                    "threads", "flags"],
              lines_of(rows["streams"], with_direct, lambda row, entry: [
                  cell(entry, "cpu_us"), cell(entry, "delivery_p50_us"),
                  cell(entry, "delivery_p99_us"), cell(entry, "delivery_p999_us"),
                  cell(entry, "added_delivery_p50_us"), cell(entry, "added_delivery_p99_us"),
                  cell(entry, "first_event_p99_us"), cell(entry, "rss_mb"),
                  cell(entry, "kb_per_stream"), count(entry, "threads")]))
    if rows["syscalls"]:
        out += ["System calls, by `strace -c -f`.", ""]
        table(out, ["row", "subject", "calls", "which", "flags"],
              lines_of(rows["syscalls"], SUBJECTS, lambda row, entry: [
                  cell(entry, "syscalls"), ", ".join(
                      f"{name} {count:.2f}" for name, count in
                      list(entry["samples"][-1]["calls"].items())[:8]) if entry["samples"] else "–"]))


def text_of(run, evidence):
    version, machine = run["versions"], run["machine"]
    out = ["# The benchmark's table", "",
           "Made by `" + run["command"] + "`; not edited by hand. [README.md](README.md) says how it is "
           "measured, what the columns mean and which rows count.", ""]
    if run["quick"]:
        out += ["**A quick run: it shows that the rig works, and is not to be quoted.**", ""]
    out += [f"- date: {run['date']}", f"- commit: {version['commit']}",
            f"- machine: {machine['cores']} x {machine['cpu']}, {machine['memory_mb'] // 1024} GB; "
            f"{machine['kernel']}; {machine['system']}",
            f"- subjects: {version['llmorch']}; {version['nginx']}; {version['haproxy']}; "
            f"{version['openssl']}",
            f"- build: {version['compiler']}; {version['flags']}",
            "- configurations: below", "",
            "Each figure is the median ± the distance of the repetition that lies farthest from it. "
            "In brackets: a throughput that does not count, because of the flag beside it.", ""]
    for mode in MODES:
        write_mode(out, run, mode)
    failed = [(row["name"], name, entry["error"]) for row in run["rows"]
              for name, entry in row["subjects"].items() if "error" in entry]
    if failed or run["not_run"]:
        out += ["## Without figures", ""]
        out += [f"- {row}, {name}: {' '.join(error.split())[:200]}" for row, name, error in failed]
        out += [f"- {name}: not run, out of time" for name in run["not_run"]]
        out.append("")
    out += ["## Configurations", ""]
    for name, text in sorted(run["configs"].items()):
        out += [f"`bench/configs/{name}`:", "", "```", text.rstrip(), "```", ""]
    text = "\n".join(out)
    return text if evidence else text.replace("<!-- evidence: bench -->\n", "")


def write_plots(run, directory):
    written = []
    for file, mode, kind, figure, title in PLOTS:
        rows = rows_of(run, mode, kind)
        series = {name: [row["subjects"].get(name, {}).get("figures", {}).get(figure)
                         for row in rows] for name in SUBJECTS}
        if not any(value for values in series.values() for value in values):
            continue
        with open(os.path.join(directory, file), "w") as out:
            out.write(plot.bars(title, [row["title"] for row in rows], series))
        written.append(file)
    return written


def write(run, directory, evidence=False):
    text = text_of(run, evidence)
    files = write_plots(run, directory)
    if files:
        text += "\n## Plots\n\n" + "\n".join(f"![{file[:-4]}]({file})\n" for file in files)
    with open(os.path.join(directory, "TABLE.md"), "w") as out:
        out.write(text)


def publish(run, root):
    directory = os.path.join(root, "docs/bench")
    os.makedirs(directory, exist_ok=True)
    write(run, directory, evidence=True)
    figures = {row["name"]: {name: {key: [float(number(value["median"])), float(number(value["spread"]))]
                                    for key, value in entry.get("figures", {}).items()}
                             | ({"flags": entry["flags"]} if entry["flags"] else {})
                             for name, entry in row["subjects"].items()} for row in run["rows"]}
    machine = run["machine"]
    evidence = {"command": run["command"], "commit": run["versions"]["commit"],
                "machine": f"{machine['cores']} x {machine['cpu']}, {machine['kernel']}, "
                           f"{machine['system']}",
                "date": run["date"][:10],
                "reading": "row: subject: figure: [median, spread]; spread is the largest distance "
                           f"of a repetition from the median; disturbed: others used over "
                           f"{FOREIGN_LIMIT:.0%} of a core",
                "figures": figures}
    directory = os.path.join(root, "docs/evidence")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "bench.json"), "w") as out:
        json.dump(evidence, out, indent=1, ensure_ascii=False)
        out.write("\n")
