#!/usr/bin/env python3
"""Do two runs of the benchmark agree within the spread that each states?

  bench/compare.py A.json B.json [--all]

Two figures agree when their intervals, median ± spread, touch. Rows flagged "disturbed" or failed
in either run are listed and not judged. Exit 0: all that was judged agrees; 1: something does not;
2: the runs cannot be compared.
"""
import json
import sys

FIGURES = {"whole": ("cpu_us", "rate", "rss_mb", "threads"),
           "pace": ("cpu_us", "latency_p50_us", "latency_p99_us", "latency_p999_us"),
           "streams": ("cpu_us", "delivery_p50_us", "delivery_p99_us", "first_event_p99_us",
                       "rss_mb", "kb_per_stream", "threads"),
           "syscalls": ("syscalls",)}


def load(path):
    with open(path) as file:
        run = json.load(file)
    return run, {(row["name"], name): (row["kind"], entry) for row in run["rows"]
                 for name, entry in row["subjects"].items()}


def main(arguments):
    show_all = "--all" in arguments
    paths = [argument for argument in arguments if argument != "--all"]
    if len(paths) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    (a, rows_a), (b, rows_b) = map(load, paths)
    for key in ("commit", "nginx", "haproxy", "compiler", "flags"):
        if a["versions"].get(key) != b["versions"].get(key):
            print(f"not the same {key}: {a['versions'].get(key)} and {b['versions'].get(key)}")
    if a["machine"] != b["machine"]:
        print("not the same machine")
    judged = agreeing = 0
    shares, left_out = [], []
    for key in rows_a:
        if key not in rows_b:
            continue
        (kind, one), (_, two) = rows_a[key], rows_b[key]
        name = f"{key[0]} {key[1]}"
        flags = set(one["flags"]) | set(two["flags"])
        if flags & {"disturbed", "failed"} or "figures" not in one or "figures" not in two:
            left_out.append(f"{name} ({', '.join(sorted(flags)) or 'no figures'})")
            continue
        for figure in FIGURES[kind]:
            x, y = one["figures"].get(figure), two["figures"].get(figure)
            if x is None or y is None:
                continue
            judged += 1
            distance = abs(x["median"] - y["median"])
            agrees = distance <= x["spread"] + y["spread"]
            agreeing += agrees
            if max(x["median"], y["median"]) > 0:
                shares.append(distance / max(x["median"], y["median"]))
            if show_all or not agrees:
                print(f"{'agrees ' if agrees else 'DIFFERS'} {name} {figure}: "
                      f"{x['median']:g} ±{x['spread']:g} and {y['median']:g} ±{y['spread']:g}")
    for name in left_out:
        print(f"not judged: {name}")
    if judged == 0:
        print("nothing in common to compare")
        return 2
    shares.sort()
    print(f"{agreeing} of {judged} figures agree within their stated spreads; half of them differ by "
          f"at most {shares[len(shares) // 2]:.1%}, nine of ten by at most "
          f"{shares[len(shares) * 9 // 10]:.1%}; {len(left_out)} not judged")
    return 0 if agreeing == judged else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
