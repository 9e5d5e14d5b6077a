#!/usr/bin/env python3
"""Holds every #include and every CMake link to layers.txt.

A folder includes itself and what its line names; every named folder stands above it, so there are no
cycles. internal/ is for its own folder, testing/ for tests. Each third-party library has one owner.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "checks"))
import project  # noqa: E402

# Header prefix -> the folders that may include it. json_fwd.hpp only names the type: free for all.
OWNERS = {
    "tl/expected.hpp": ["lib/base"],
    "spdlog/": ["lib/log"],
    "prometheus/": ["lib/metrics"],
    "nlohmann/json_fwd.hpp": None,
    "nlohmann/": ["lib/json"],
    "yaml-cpp/": ["lib/yaml"],
    "openssl/": ["lib/pki"],
    "microhttpd.h": ["lib/http"],
    "curl/": ["lib/http"],
    "nghttp2/": ["lib/http2"],
    "zstd.h": ["lib/compress"],
    "zlib.h": ["lib/compress"],
    "google/protobuf/": ["lib/otlp", "lib/rpc"],
    "grpc/": ["lib/rpc"],
    "grpcpp/": ["lib/rpc"],
    "absl/": ["lib/rpc"],
    "CLI/": ["sidecar/app", "operator/app", "cli"],
}
TEST_OWNERS = ("gtest/", "gmock/")
POSIX = re.compile(r"(arpa|linux|net|netinet|sys)/[\w/]+\.h|"
                   r"(dirent|fcntl|getopt|ifaddrs|netdb|poll|pthread|pwd|sched|signal|spawn|termios|time|unistd)\.h")
STANDARD = re.compile(r"[a-z_0-9]+")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


class Layers:
    """layers.txt: for each folder what it may include, and what only its tests may."""

    def __init__(self, findings):
        self.code, self.tests = {}, {}
        for number, line in enumerate(project.text("layers.txt").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            folder, _, rest = line.partition(":")
            words = re.sub(r"\+\s+", "+", rest).split()
            for name in (word.lstrip("+") for word in words):
                if name not in self.code:
                    findings.add("layers.txt", number, f"{folder} names {name}, which does not stand above it")
            if folder in self.code:
                findings.add("layers.txt", number, f"{folder} has two lines")
            self.code[folder] = {word for word in words if not word.startswith("+")}
            self.tests[folder] = {word[1:] for word in words if word.startswith("+")}

    def allowed(self, folder, for_test):
        return {folder} | self.code[folder] | (self.tests[folder] if for_test else set())


def includes(path):
    source = project.text(path)
    for match in INCLUDE.finditer(source):
        yield source.count("\n", 0, match.start(2)) + 1, match.group(1) == '"', match.group(2)


def project_fault(layers, path, folder, target):
    """Says what is wrong with including the project's file `target`, or nothing."""
    owner = str(project.folder_of(target))
    for_test = project.is_test(path)
    if owner not in layers.allowed(folder, for_test):
        return f"{folder} may not include {owner} (layers.txt)"
    if "internal" in target.parts and owner != folder:
        return f"{target} is internal to {owner}"
    if "testing" in target.parts and not for_test:
        return f"{target} is for tests only"
    return None


def third_party_fault(folder, for_test, header):
    """Says what is wrong with including a header from outside the project, or nothing."""
    if header.startswith(TEST_OWNERS):
        return None if for_test else f"{header} is for tests only"
    for prefix, owners in OWNERS.items():
        if header.startswith(prefix):
            fine = owners is None or folder in owners
            return None if fine else f"{header} belongs to {', '.join(owners)}"
    if STANDARD.fullmatch(header) or POSIX.fullmatch(header):
        return None
    return f"{header} has no owner: name one in scripts/check_layers.py and cmake/PosternDependencies.cmake"


def include_fault(layers, path, folder, quoted, header):
    target = pathlib.PurePosixPath(header)
    if not quoted or header.endswith(".pb.h") and target.parts[0] == "google":
        return third_party_fault(folder, project.is_test(path), header)
    if target.parts[0] not in project.CODE_ROOTS:
        return f'"{header}" is not rooted at the repository'
    return project_fault(layers, path, folder, target)


def check_links(layers, findings):
    """Each postern_library links no more than its line names."""
    for path in project.code_files("CMakeLists.txt"):
        folder = str(path.parent)
        if folder not in layers.code:
            continue
        for call in project.cmake_calls(path, "postern_library"):
            keyword = None
            for word in call[1:]:
                if word.isupper():
                    keyword = word
                elif keyword in ("DEPS", "TEST_DEPS"):
                    names = {pathlib.PurePosixPath(name).name for name in layers.allowed(folder, keyword == "TEST_DEPS")}
                    if word.removesuffix("_testing") not in names:
                        findings.add(path, 0, f"links {word}, which layers.txt does not name for {folder}")


def main():
    findings = project.Findings()
    layers = Layers(findings)
    for path in project.code_files():
        folder = str(project.folder_of(path))
        if folder not in layers.code:
            findings.add(path, 0, f"{folder} has no line in layers.txt")
            continue
        for line, quoted, header in includes(path):
            fault = include_fault(layers, path, folder, quoted, header)
            if fault:
                findings.add(path, line, fault)
    check_links(layers, findings)
    findings.finish()


main()
