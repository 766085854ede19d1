"""Holds what each reader of JUnit files saw against run.json, from which the files were written.

compare.py SEEN DATADOG FOLDER…: SEEN holds what read.cjs wrote, DATADOG is the program datadog-ci; either may be missing. Each folder has
junit.xml and run.json. Prints one line for each reader; ends with 1 when one of them saw anything wrong.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from junit2htmlreport.case_result import CaseResult
from junit2htmlreport.parser import Junit
from junitparser import Error, Failure, JUnitXml, Skipped

STATUS = {"pass": "passed", "fail": "failed", "inconclusive": "error", "error": "error"}
# What no reader may see: the XML would be broken, or a terminal or a page do what an EUT says.
CONTROL = {chr(code) for code in range(32)} - {"\t", "\n", "\r"}
MARKUP = "<script>alert("


def expected(folder):
    """The cases as the run report has them: (class, name) to status, message and whether it passed only when repeated."""
    report = json.loads((folder / "run.json").read_text())
    cases = {}
    if report["run"]["interrupted"] is not None:
        cases["uspec.run", "the run reached its last case"] = ("error", report["run"]["interrupted"], False, None)
    for result in report["results"]:
        case = result["case"]
        chapter = case[2:].split(".")[0].lower() if case.startswith("R-") else case.split(".")[0]
        key = f"{result['suite']}.{chapter}.{result['mtp']}", f"{case} {result['title']}"
        judged = result["outcome"].get("judged")
        identity = f"{result['suite']}/{case}"
        if judged is None:
            not_run = result["outcome"]["not_run"]
            message = f"{not_run['kind'].replace('_', ' ')}: {not_run['reason']}"
            cases[key] = ("skipped", message, False, identity)
        else:
            verdict = judged["judgement"]["verdict"]
            reason = None if verdict == "pass" else judged["judgement"]["reason"]
            cases[key] = (STATUS[verdict], reason, verdict == "pass" and bool(judged["earlier"]), identity)
    assert len(cases) == len(report["results"]) + (report["run"]["interrupted"] is not None), "names are unique"
    return cases


def junitparser(folder):
    """The parser of EnricoMi/publish-unit-test-result-action."""
    xml = JUnitXml.fromfile(str(folder / "junit.xml"))
    cases = []
    for suite in xml:
        for case in suite:
            status = "passed"
            for kind, word in ((Failure, "failed"), (Error, "error"), (Skipped, "skipped")):
                if any(isinstance(result, kind) for result in case.result):
                    status = word
            problem = case.result[0] if case.result else None
            cases.append({
                "class": case.classname,
                "name": case.name,
                "status": status,
                "message": problem.message if problem else None,
                "body": problem.text if problem else None,
            })
        counted = Counter(case["status"] for case in cases if case["class"] == suite.name)
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (
            counted.total(), counted["failed"], counted["error"], counted["skipped"]
        ), f"{suite.name}: the counts are not those of its cases"
    counts = {"tests": xml.tests, "failed": xml.failures, "errors": xml.errors, "skipped": xml.skipped}
    return {"consumer": "junitparser", "counts": counts, "cases": cases}


def junit2html(folder):
    """A viewer: its page may not do what an EUT says."""
    report = Junit(str(folder / "junit.xml"))
    words = {CaseResult.PASSED: "passed", CaseResult.FAILED: "failed", CaseResult.SKIPPED: "skipped"}
    cases = []
    for suite in report.suites:
        for case in suite.all():
            status = words[case.outcome()]
            message = case.skipped_msg if status == "skipped" else case.failure_msg
            cases.append({"class": case.testclass.name, "name": case.name, "status": status, "message": message})
    assert MARKUP not in report.html(), "the page has the EUT's own markup"
    counted = Counter(case["status"] for case in cases)
    counts = {"tests": counted.total(), "passed": counted["passed"], "failed_or_error": counted["failed"]}
    return {"consumer": "junit2html", "counts": counts, "cases": cases}


def visible(text):
    """Whether the report has it as it is: one line of printable ASCII, and not so long that it is cut."""
    return text.isascii() and text.isprintable() and len(text) < 900


def problems(seen, wanted):
    """What a reader saw otherwise than the run report has it."""
    found = []
    statuses = Counter(status for status, *_ in wanted.values())
    right = {
        "tests": statuses.total(),
        "passed": statuses["passed"],
        "failed": statuses["failed"],
        "errors": statuses["error"],
        "failed_or_error": statuses["failed"] + statuses["error"],
        "skipped": statuses["skipped"],
    }
    for name, count in seen["counts"].items():
        if count != right[name]:
            found.append(f"{name}: {count}, not {right[name]}")
    cases = {(case["class"], case["name"]): case for case in seen["cases"]}
    if len(cases) != len(seen["cases"]):
        found.append("two cases have the same class and name")
    if cases.keys() != wanted.keys():
        found.append(f"cases missing or too many: {sorted(cases.keys() ^ wanted.keys())[:3]}")
    for key in cases.keys() & wanted.keys():
        case, (status, message, flaky, identity) = cases[key], wanted[key]
        # Several readers have one word for failure and error.
        if case["status"] != status and (case["status"], status) != ("failed", "error"):
            found.append(f"{key}: {case['status']}, not {status}")
        text = case.get("message")
        if text is None and status in ("failed", "error"):
            found.append(f"{key}: no message")
        if text is not None:
            if message is not None and visible(message) and text.strip() != message.strip():
                found.append(f"{key}: the message is {text!r}, not {message!r}")
            if set(text) & CONTROL:
                found.append(f"{key}: control characters in {text!r}")
        if "body" in case and status != "passed" and not (case["body"] or "").strip():
            found.append(f"{key}: an empty body")
        if "flaky" in case and case["flaky"] != flaky:
            found.append(f"{key}: flaky is {case['flaky']}")
        if case.get("property") is not None and case["property"] != identity:
            found.append(f"{key}: its property `case` was read as {case['property']!r}, not {identity!r}")
    return found


def datadog(program, folders):
    """datadog-ci checks every file before it would send it; nothing is sent, and the key is none."""
    command = [program, "junit", "upload", "--service", "uspec", "--dry-run", "--skip-git-metadata-upload"]
    files = [str(folder / "junit.xml") for folder in folders]
    told = subprocess.run(command + files, env={**os.environ, "DATADOG_API_KEY": "none"}, capture_output=True, text=True)
    text = told.stdout + told.stderr
    taken = sum("Uploading jUnit XML test report file in" in line for line in text.splitlines())
    return [] if taken == len(files) and told.returncode == 0 else [f"it takes {taken} of {len(files)} files: {text}"]


def main():
    seen_file, datadog_program, *folders = sys.argv[1:]
    folders = [Path(folder) for folder in folders]
    wanted = {folder: expected(folder) for folder in folders}
    seen = [json.loads(line) for line in Path(seen_file).read_text().splitlines()]
    for folder in folders:
        seen += [{**read(folder), "folder": str(folder)} for read in (junitparser, junit2html)]
    by_reader = {}
    for one in seen:
        folder = Path(one["folder"])
        by_reader.setdefault(one["consumer"], []).extend(f"{folder}: {text}" for text in problems(one, wanted[folder]))
        # A comparison that takes another folder's report for this one would prove nothing.
        others = [other for other in folders if wanted[other] != wanted[folder]]
        assert all(problems(one, wanted[other]) for other in others), "the comparison sees no difference"
    if os.path.exists(datadog_program):
        by_reader["datadog-ci"] = datadog(datadog_program, folders)
    for reader, found in by_reader.items():
        cases = sum(len(one["cases"]) for one in seen if one["consumer"] == reader)
        what = f"{cases} cases as in run.json" if cases else f"takes {len(folders)} files"
        print(f"{reader}: {what}" if not found else f"{reader}: WRONG\n  " + "\n  ".join(found[:20]))
    return any(by_reader.values())


sys.exit(main())
