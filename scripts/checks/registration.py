#!/usr/bin/env python3
"""Nothing rots unseen: every source, header, test and fuzzer is named in the build, every fuzzer has inputs."""
import re

import project


def build_file(path):
    """The CMakeLists.txt nearest to a source file, upwards."""
    for folder in path.parents:
        if (project.ROOT / folder / "CMakeLists.txt").is_file():
            return folder / "CMakeLists.txt"
    return None


def names_in(path):
    """Every file that a CMakeLists.txt names, relative to the root."""
    source = re.sub(r"#.*", "", project.text(path))
    return {str(path.parent / word) for word in re.findall(r"[\w./-]+\.(?:cc|h)\b", source)}


def check_source(path, findings):
    build = build_file(path)
    # Private headers and fakes are no part of what a folder offers: who includes them compiles them.
    if path.suffix == ".h" and path.parent.name in ("internal", "testing"):
        return
    if build is None or len(build.parts) == 1:
        findings.add(path, 0, "its folder has no CMakeLists.txt: it is never built")
    elif str(path) not in names_in(build):
        findings.add(path, 0, f"not named in {build}: it is never built")


def check_corpus(path, findings):
    subject = path.name.removesuffix("_fuzz.cc")
    corpus = project.ROOT / "tests" / "corpus" / subject
    if not corpus.is_dir() or not any(corpus.iterdir()):
        findings.add(path, 0, f"tests/corpus/{subject}/ holds no input to replay")


def main():
    findings = project.Findings()
    everything = project.text("CMakeLists.txt")
    for path in project.code_files():
        # Compiled into every fuzzer's replay by cmake/PosternTargets.cmake.
        if path.name == "replay_corpus.cc":
            continue
        check_source(path, findings)
        if path.name.endswith("_fuzz.cc"):
            check_corpus(path, findings)
    for path in project.code_files("CMakeLists.txt"):
        folder = str(path.parent)
        if folder.startswith("tests/"):
            continue
        if not re.search(rf"[\s(]{re.escape(folder)}[\s)]", everything):
            findings.add(path, 0, "its folder is not named in the top CMakeLists.txt: it is never built")
    findings.finish()


main()
