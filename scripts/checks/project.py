"""What the checks share: the project's files, and how a finding is told.

A file counts once git knows it or would add it, so that a new file is checked before its commit.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE_ROOTS = ("lib", "operator", "sidecar", "cli", "tests")


def files(*patterns):
    """Paths relative to the root, sorted; `patterns` are globs of the name, none means every file."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    paths = sorted(pathlib.PurePosixPath(name) for name in set(listed) if name and (ROOT / name).is_file())
    return [path for path in paths if not patterns or any(path.match(pattern) for pattern in patterns)]


def code_files(*patterns):
    return [path for path in files(*(patterns or ("*.h", "*.cc"))) if path.parts[0] in CODE_ROOTS]


def text(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def is_test(path):
    """Whether only tests see this file: a test, a fuzzer, a fake, or anything below tests/."""
    return path.parts[0] == "tests" or "testing" in path.parts or bool(re.search(r"_(test|fuzz)\.cc$", path.name))


def folder_of(path):
    """The folder that owns a source file: internal/ and testing/ belong to the folder around them."""
    parent = path.parent
    return parent.parent if parent.name in ("internal", "testing") else parent


def cmake_calls(path, function):
    """The arguments of each call of `function` in a CMakeLists.txt, comments removed."""
    source = re.sub(r"#.*", "", text(path))
    return [match.split() for match in re.findall(rf"\b{function}\s*\(([^)]*)\)", source)]


class Findings:
    def __init__(self):
        self.lines = []

    def add(self, path, line, message):
        self.lines.append(f"{path}:{line}: {message}" if line else f"{path}: {message}")

    def finish(self):
        """Prints what was found and ends the program: 0 where that is nothing."""
        for line in self.lines:
            print(line)
        sys.exit(1 if self.lines else 0)
