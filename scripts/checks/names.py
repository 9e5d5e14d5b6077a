#!/usr/bin/env python3
"""Names that promise nothing, and words that must have a form."""
import re

import project

ATTIC = {"util", "utils", "common", "misc", "helper", "helpers", "types"}
CLASS = re.compile(r"\b(?:class|struct)\s+(\w+(?:Manager|Helper|Util|Utils|Handler2)|\w+Impl)\b(?!\s*;)")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
NOTE = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\): )")
# A series is made by a call whose name holds the kind: registry.Counter("postern_…", …).
SERIES = re.compile(r"\b\w*(?:Counter|Gauge|Histogram)\w*\s*[({]\s*\"([^\"]*)\"")
METRIC = re.compile(r"postern(_[a-z0-9]+){2,}")


def check_path(path, findings):
    for part in path.parts:
        words = part.split(".")[0].split("_")
        if ATTIC.intersection(words):
            findings.add(path, 0, f"'{part}': say what it is for; util, common, misc, helpers and types say nothing")
            return


def check_code(path, findings):
    unit_test = path.name.endswith("_test.cc") and path.parts[0] != "tests"
    for number, line in enumerate(project.text(path).splitlines(), 1):
        code = line.split("//")[0]
        if match := CLASS.search(code):
            findings.add(path, number, f"{match.group(1)}: name the thing, not the pattern")
        if unit_test and SLEEP.search(code):
            findings.add(path, number, "a unit test does not sleep: move a FakeClock, or wait for what happens")
        if NOTE.search(line):
            findings.add(path, number, "the form is TODO(#issue): what is to do")
        for name in SERIES.findall(code):
            if not project.is_test(path) and not METRIC.fullmatch(name):
                findings.add(path, number, f"metric '{name}': postern_<noun>_<what>_<unit>")


def main():
    findings = project.Findings()
    for path in project.files():
        check_path(path, findings)
    for path in project.code_files():
        check_code(path, findings)
    findings.finish()


main()
