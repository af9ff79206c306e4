#!/usr/bin/env python3
"""compare.py's rules: what passes, what fails, and what is only skipped."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import compare

KEY = "GNU 1.0 Release x86_64"


class CompareTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.baseline = pathlib.Path(self.folder.name) / "baseline.json"
        self.log = pathlib.Path(self.folder.name) / "bench" / "LOG.md"
        self.figures = pathlib.Path(self.folder.name) / "figures"

    def run_it(self, *words):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = compare.main([*words, "--baseline", str(self.baseline), "--log",
                                     str(self.log)])
            except SystemExit as stop:
                code = stop.code
        return code, said.getvalue()

    def check(self, measured, baseline, log, key=KEY):
        self.figures.write_text(measured)
        self.baseline.write_text(json.dumps({KEY: baseline}))
        self.log.parent.mkdir(exist_ok=True)
        self.log.write_text(log)
        return self.run_it("check", key, str(self.figures))

    def test_verdicts(self):
        log = f"- 2026-01-01, {KEY}: calls 10.0, work 1000. first\n"
        rows = [
            ("as it was", "work 1000\ncalls 10.0\n", log, 0),
            ("five percent more is allowed", "work 1050\ncalls 10.5\n", log, 0),
            ("more is not", "work 1051\ncalls 10.0\n", log, 1),
            ("in any of the figures", "work 1000\ncalls 10.6\n", log, 1),
            ("less is welcome", "work 500\ncalls 10.0\n", log, 0),
            ("a figure that the baseline lacks", "work 1000\ncalls 10.0\nmore 1\n", log, 1),
            ("part of the figures", "work 1000\n", log, 0),
            ("a silent log", "work 1000\ncalls 10.0\n", "", 1),
            ("a log that names another figure", "work 1000\ncalls 10.0\n",
             log.replace("work 1000", "work 990"), 1),
            ("a log that names a longer number", "work 1000\ncalls 10.0\n",
             log.replace("work 1000", "work 10001"), 1),
            ("a log that names a longer fraction", "work 1000\ncalls 10.0\n",
             log.replace("calls 10.0", "calls 10.01"), 1),
            ("a log of another figure of that value", "work 1000\ncalls 10.0\n",
             log.replace("work 1000", "homework 1000"), 1),
            ("a log about another build", "work 1000\ncalls 10.0\n",
             log.replace(KEY, KEY + " lto"), 1),
        ]
        for name, measured, text, expected in rows:
            with self.subTest(name):
                code, said = self.check(measured, {"work": 1000, "calls": 10.0}, text)
                self.assertEqual(code, expected, said)

    def test_a_build_without_baseline_is_skipped(self):
        code, said = self.check("work 1\n", {"work": 1000}, "", key="Clang 1.0 Release x86_64")
        self.assertEqual(code, 77)
        self.assertIn(KEY, said)
        self.assertEqual(self.run_it("known", "Clang 1.0 Release x86_64")[0], 77)
        self.assertEqual(self.run_it("known", KEY)[0], 0)

    def test_update_sets_the_baseline_and_says_why(self):
        self.figures.write_text("work 1000\ncalls 10.0\n")
        self.assertEqual(self.run_it("update", KEY, str(self.figures), "first")[0], 0)
        self.assertEqual(self.run_it("check", KEY, str(self.figures))[0], 0)
        self.figures.write_text("work 1200\ncalls 10.0\n")
        self.assertEqual(self.run_it("check", KEY, str(self.figures))[0], 1)
        self.assertEqual(self.run_it("update", KEY, str(self.figures), "hedging")[0], 0)
        self.assertEqual(self.run_it("check", KEY, str(self.figures))[0], 0)
        log = self.log.read_text()
        self.assertIn("work 1200 (was 1000). hedging\n", log)
        self.assertIn("first\n", log)

    def test_update_keeps_other_builds(self):
        self.figures.write_text("work 1000\n")
        self.run_it("update", KEY, str(self.figures), "first")
        self.run_it("update", "Clang 1.0 Release x86_64", str(self.figures), "second")
        self.assertEqual(self.run_it("known", KEY)[0], 0)

    def test_update_needs_a_reason_in_one_line(self):
        self.figures.write_text("work 1000\n")
        self.assertEqual(self.run_it("update", KEY, str(self.figures))[0], 2)
        self.assertEqual(self.run_it("update", KEY, str(self.figures), "two\nlines")[0], 2)
        self.assertFalse(self.baseline.exists())


if __name__ == "__main__":
    unittest.main()
