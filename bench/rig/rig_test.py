#!/usr/bin/env python3
"""The rig's judgements, on made-up runs: what counts, what is disturbed, when two runs agree."""
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import compare  # noqa: E402
import machine  # noqa: E402
import run  # noqa: E402


def entry(rate, busy, disturbed=False):
    return {"samples": [{"disturbed": disturbed}], "flags": [], "figures": {
        "rate": {"median": rate, "spread": 1}, "load_core_busy": {"median": busy, "spread": 0}}}


class Judgements(unittest.TestCase):
    def test_median_and_farthest_repetition(self):
        figures = run.summary([{"cpu_us": value} for value in (10.0, 11.0, 14.0)])
        self.assertEqual(figures["cpu_us"], {"median": 11.0, "spread": 3.0})

    def test_no_spread_below_the_resolution(self):
        same = [{"cpu_us": 100.0, "latency_p99_us": 100.0}] * 5
        self.assertEqual(run.summary(same)["cpu_us"]["spread"], 1.0)
        self.assertEqual(run.summary(same)["latency_p99_us"]["spread"], 3.0)

    def test_which_throughput_counts(self):
        for direct, rate, busy, counts in ((200, 100, 0.89, True), (199, 100, 0.5, False),
                                           (900, 100, 0.9, False), (None, 100, 0.49, True),
                                           (None, 100, 0.5, False)):
            subjects = {"nginx": entry(rate, busy)}
            if direct:
                subjects["direct"] = entry(direct, 1.0)
            run.judge(SimpleNamespace(kind="whole"), True, subjects)
            self.assertEqual(subjects["nginx"]["rate_counts"], counts, (direct, rate, busy))
            self.assertEqual(subjects["nginx"]["flags"] == [], counts)

    def test_disturbed_is_flagged(self):
        subjects = {"nginx": entry(100, 0.1, disturbed=True), "direct": entry(900, 1.0)}
        run.judge(SimpleNamespace(kind="whole"), True, subjects)
        self.assertEqual(subjects["nginx"]["flags"], ["disturbed"])


class Foreign(unittest.TestCase):
    @staticmethod
    def snapshot(at, processes):
        return SimpleNamespace(at=at, cores={0: {"busy": 0.0, "steal": 0.0, "total": at}},
                               processes={2: (0, 0.0, 0.0)} | processes)

    def share(self, before, after):
        return machine.foreign_share(self.snapshot(0.0, before), self.snapshot(10.0, after), 50, 0)

    def test_ours_and_the_kernels_do_not_count(self):
        before = {50: (1, 0.0, 0.0), 51: (50, 0.0, 0.0), 3: (2, 0.0, 0.0)}
        after = {50: (1, 1.0, 0.0), 51: (50, 5.0, 0.0), 3: (2, 4.0, 0.0)}
        self.assertEqual(self.share(before, after), 0.0)

    def test_others_count_born_and_gone_too(self):
        before = {60: (1, 1.0, 0.0), 61: (60, 7.0, 0.0)}
        # 61 went with 8 seconds, of which one was now; 62 came; 60 worked half a second.
        after = {60: (1, 1.5, 8.0), 62: (60, 1.0, 0.0)}
        self.assertAlmostEqual(self.share(before, after), 0.25)


class Agreement(unittest.TestCase):
    def verdict(self, one, two):
        paths = []
        with tempfile.TemporaryDirectory() as directory:
            for index, (median, spread, flags) in enumerate((one, two)):
                path = os.path.join(directory, f"{index}.json")
                with open(path, "w") as file:
                    json.dump({"versions": {}, "machine": {}, "rows": [{
                        "name": "row", "kind": "whole", "subjects": {"gateway": {
                            "flags": flags, "figures": {"cpu_us": {
                                "median": median, "spread": spread}}}}}]}, file)
                paths.append(path)
            with contextlib.redirect_stdout(io.StringIO()):
                return compare.main(paths)

    def test_intervals_that_touch_agree(self):
        self.assertEqual(self.verdict((10, 1, []), (12, 1, [])), 0)
        self.assertEqual(self.verdict((10, 1, []), (12.1, 1, [])), 1)

    def test_a_disturbed_row_is_not_judged(self):
        self.assertEqual(self.verdict((10, 1, ["disturbed"]), (10, 1, [])), 2)


if __name__ == "__main__":
    unittest.main()
