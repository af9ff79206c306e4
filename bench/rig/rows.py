"""What is measured: every row of the table, as data.

A row is measured for each subject, interleaved, in one mode: where the processes run, and whether
the way to the upstream is plain or TLS.
"""
import collections

Row = collections.namedtuple("Row", "name mode kind title size connections rate repetitions seconds")

MODES = {
    # name: (pinned, tls, what it means)
    "pinned": (True, False, "subject on core 0, load generator and mock on core 1"),
    "unpinned": (False, False, "the scheduler places everything; subjects as they start by default"),
    "tls": (True, True, "as pinned, TLS to the upstream"),
}
SUBJECTS = ("gateway", "nginx", "haproxy")
# Pinned is the whole picture; the other two say only where they differ from it.
WHOLE = {"pinned": ((600, 1), (600, 16), (600, 64), (600, 256), (600, 1000), (20_000, 64),
                    (200_000, 16)),
         "unpinned": ((600, 1), (600, 64), (600, 1000)),
         "tls": ((600, 1), (600, 64), (20_000, 64))}
STREAMS = {"pinned": ((100, 50), (1000, 20), (2000, 10)), "unpinned": ((1000, 20),),
           "tls": ((1000, 20),)}
PACE = 2000


def size_text(size):
    return f"{size} B" if size < 1000 else f"{size // 1000} KB"


def all_rows(quick):
    usual, tails = (2, 2) if quick else (5, 10)
    short, long_ = (1, 1) if quick else (1, 2)
    rows = []
    for mode in MODES:
        for size, connections in WHOLE[mode]:
            rows.append(Row(f"{mode}/whole/{size}/c{connections}", mode, "whole",
                            f"{size_text(size)}, {connections} connection" + "s" * (connections > 1), size, connections, 0,
                            usual, short))
        rows.append(Row(f"{mode}/pace/600/{PACE}", mode, "pace",
                        f"600 B, {PACE} requests a second", 600, 64, PACE, tails, long_))
        for streams, rate in STREAMS[mode]:
            rows.append(Row(f"{mode}/streams/{streams}x{rate}", mode, "streams",
                            f"{streams} streams, {rate} chunks a second each", 600, streams, rate,
                            tails, long_))
    for streams in (False, True):
        kind = "stream" if streams else "whole"
        title = "per chunk, 100 streams" if streams else "per request, 600 B, 64 connections"
        rows.append(Row(f"pinned/syscalls/{kind}", "pinned", "syscalls", title, 600,
                        100 if streams else 64, 50 if streams else 0, 2, 2))
    return rows


def settle_seconds(row):
    """How long a row's streams take to begin, connections and handshakes included, with room."""
    each = 0.003 if MODES[row.mode][1] else 0.001
    return round(0.7 + row.connections * each, 1)


def seconds_of(row):
    """About how long a row takes: for the estimate, and for the end nobody waits beyond."""
    subjects = len(SUBJECTS) + (0 if row.mode == "tls" or row.kind == "syscalls" else 1)
    each = row.seconds + {"whole": 1.2, "pace": 1.2, "streams": 1.2, "syscalls": 2.0}[row.kind]
    if row.kind == "streams":
        each += settle_seconds(row)
    return subjects * row.repetitions * each
