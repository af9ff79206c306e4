#!/usr/bin/env python3
"""Figures against bench/baseline.json. guard.sh measures, this judges.

  compare.py known KEY                   is there a baseline for this build?
  compare.py check KEY FIGURES           FIGURES: a file of "name value" lines
  compare.py update KEY FIGURES REASON   takes the figures as the new baseline

KEY is how the measured program was built. A figure may grow by 5 % until check fails. A baseline
may be raised, by update or by hand, but not in silence: every figure of it must stand in a line of
docs/bench/LOG.md that also names the build; update appends that line.

Exits with 0 when all is well, 1 when a figure grew or the log is silent, 77 when there is no
baseline for this build, 2 when it was called wrongly.
"""
import argparse
import datetime
import json
import pathlib
import re
import sys

TOLERANCE = 0.05
SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]

LOG_HEAD = """# What calls cost, and when that changed

One line for each time the guard's baseline was set; `bench/guard/guard.sh --update REASON` writes
it. Instructions are counted by callgrind over the scripted transport, system calls by strace over
sockets.

"""


def read_baseline(path):
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def read_figures(path):
    figures = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, value = line.split()
        figures[name] = float(value) if "." in value else int(value)
    return figures


def text_of(value):
    return json.dumps(value)


def is_logged(log, key, name, value):
    """Whether some line names this build and this figure: "name value", and not a longer number."""
    figure = re.compile(r"(?<!\w)%s %s(?![\w.]*\d)" % (re.escape(name), re.escape(text_of(value))))
    # The key ends where the colon begins, so that one build's name may start another's.
    return any(f"{key}:" in line and figure.search(line) for line in log.splitlines())


def check(baseline, log, key, figures):
    """Prints a line per figure; the number of those that are wrong."""
    expected = baseline[key]
    wrong = 0
    for name in sorted(expected.keys() | figures.keys()):
        if name not in figures:
            print(f"  {name}: not measured")
            continue
        got = figures[name]
        if name not in expected:
            print(f"  {name}: {text_of(got)}, and the baseline does not know it")
            wrong += 1
            continue
        was = expected[name]
        change = got / was - 1
        grew = got > was * (1 + TOLERANCE)
        cheaper = got < was * (1 - TOLERANCE)
        verdict = "MORE than allowed" if grew else "ok; --update would keep it" if cheaper else "ok"
        print(f"  {name}: {text_of(got)}, baseline {text_of(was)}, {change:+.2%}: {verdict}")
        wrong += grew
    for name, value in sorted(expected.items()):
        if not is_logged(log, key, name, value):
            print(f"  {name}: docs/bench/LOG.md does not say why the baseline is {text_of(value)}")
            wrong += 1
    return wrong


def update(baseline_path, log_path, key, figures, reason):
    baseline = read_baseline(baseline_path)
    before = baseline.get(key, {})
    parts = []
    for name, value in sorted(figures.items()):
        was = f" (was {text_of(before[name])})" if before.get(name, value) != value else ""
        parts.append(f"{name} {text_of(value)}{was}")
    baseline[key] = figures
    text = json.dumps(baseline, indent=2, sort_keys=True) + "\n"
    baseline_path.write_text(text, encoding="utf-8")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    log = log_path.read_text(encoding="utf-8") if log_path.exists() else LOG_HEAD
    today = datetime.datetime.now(datetime.timezone.utc).date()
    log_path.write_text(log + f"- {today}, {key}: {', '.join(parts)}. {reason}\n", encoding="utf-8")
    print("\n".join("  " + part for part in parts))


def main(words):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["known", "check", "update"])
    parser.add_argument("key")
    parser.add_argument("figures", nargs="?", type=pathlib.Path)
    parser.add_argument("reason", nargs="?")
    parser.add_argument("--baseline", type=pathlib.Path, default=ROOT / "bench/baseline.json")
    parser.add_argument("--log", type=pathlib.Path, default=ROOT / "docs/bench/LOG.md")
    options = parser.parse_args(words)
    if options.command != "known" and options.figures is None:
        parser.error("which figures?")
    if options.command == "update":
        if not options.reason or "\n" in options.reason:
            parser.error("a baseline is not set without a reason, in one line")
        update(options.baseline, options.log, options.key, read_figures(options.figures),
               options.reason)
        return 0
    baseline = read_baseline(options.baseline)
    if options.key not in baseline:
        print(f"no baseline for this build: {options.key}")
        for key in sorted(baseline):
            print(f"  there is one for: {key}")
        return SKIPPED
    if options.command == "known":
        return 0
    log = options.log.read_text(encoding="utf-8") if options.log.exists() else ""
    return 1 if check(baseline, log, options.key, read_figures(options.figures)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
