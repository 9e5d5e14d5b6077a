#!/usr/bin/env python3
"""Runs clang-tidy on every source of the tidy build that changed since it last passed.

    scripts/checks/tidy.py BUILD_FOLDER

What passed is remembered in BUILD_FOLDER/tidy_passed/ by a hash of the source, of every project header
below it, of its compile command, of .clang-tidy and of clang-tidy's version. A cold run costs minutes
for each core; a warm one only what was touched.
"""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import project

TIDY = "clang-tidy-16"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def sources(build):
    """(source relative to the root, its compile command), generated code left out."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        # Tests and fuzzers are left out: three quarters of the time for a quarter of the findings.
        tested = path.stem.endswith(("_test", "_fuzz")) or "testing" in path.parts
        inside = path.is_relative_to(project.ROOT) and not path.is_relative_to(build.parent)
        if inside and not tested and not path.is_relative_to(project.ROOT / "tests"):
            yield path.relative_to(project.ROOT), entry["command"]


@functools.cache
def digest(path):
    return hashlib.sha256((project.ROOT / path).read_bytes()).hexdigest()


@functools.cache
def headers(path):
    """The project headers that a file includes itself. What is generated has no file here: left out."""
    named = INCLUDE.findall(project.text(path))
    return [pathlib.Path(name) for name in named if (project.ROOT / name).is_file()]


def closure(path):
    seen, open_paths = {path}, [path]
    while open_paths:
        for header in headers(open_paths.pop()):
            if header not in seen:
                seen.add(header)
                open_paths.append(header)
    return sorted(seen)


def key(path, command, rules):
    parts = [rules, command, str(path)] + [digest(part) for part in closure(path)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def run(build, path, passed):
    done = subprocess.run([TIDY, "--quiet", "-p", build, project.ROOT / path],
                          cwd=project.ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        passed.touch()
        return ""
    # stderr holds only counts of suppressed warnings, unless clang-tidy itself failed.
    return done.stdout or done.stderr


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    store = build / "tidy_passed"
    store.mkdir(exist_ok=True)
    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True, text=True).stdout
    rules = digest(pathlib.Path(".clang-tidy")) + version
    todo = {}
    for path, command in sources(build):
        passed = store / key(path, command, rules)
        if not passed.exists():
            todo[path] = passed
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(lambda item: run(build, *item), sorted(todo.items())))
    failed = [output for output in outputs if output]
    print("".join(failed), end="")
    print(f"{len(todo)} sources looked at, {len(failed)} with findings")
    sys.exit(1 if failed else 0)


main()
