#!/usr/bin/env python3
"""The size norms. What cannot keep them stands in scripts/sizes_allowed.txt, with a reason; aim: none.

Functions (50 lines, 3 levels, 6 arguments) are measured by clang-tidy, see .clang-tidy.
"""
import collections
import re

import project

ALLOWED = "scripts/sizes_allowed.txt"
FOLDER_NOUNS = 12  # x.h, x.cc, x_test.cc and x_fuzz.cc are one noun


def most_lines(path):
    if re.search(r"_(test|fuzz)\.cc$", path.name):
        return 600
    if path.suffix in (".h", ".cc"):
        return 200 if path.suffix == ".h" else 400
    if path.name == "README.md":
        return 120 if len(path.parts) == 1 else 25
    return None


def allowed():
    lines = project.text(ALLOWED).splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


def main():
    findings = project.Findings()
    excused, used = allowed(), set()
    nouns = collections.defaultdict(set)
    for path in project.code_files() + project.files("README.md"):
        most = most_lines(path)
        have = project.text(path).count("\n")
        if most and have > most:
            used.add(str(path))
            if str(path) not in excused:
                findings.add(path, 0, f"{have} lines, at most {most}")
        if path.suffix in (".h", ".cc") and not project.is_test(path):
            nouns[path.parent].add(path.stem)
    for folder, names in nouns.items():
        if len(names) > FOLDER_NOUNS:
            used.add(str(folder))
            if str(folder) not in excused:
                findings.add(folder, 0, f"{len(names)} nouns, at most {FOLDER_NOUNS}")
    for name in sorted(excused - used):
        findings.add(ALLOWED, 0, f"{name} needs no excuse any more")
    findings.finish()


main()
