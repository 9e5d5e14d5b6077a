#!/usr/bin/env python3
"""Every folder explains itself, every link leads somewhere, no file knows the machine it was written on."""
import re

import project

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# Split so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.$}*/-])/(?:" + "|".join(["work", "root", "home"]) + r")/[\w.]")


def check_links(path, findings):
    prose = FENCE.sub(lambda block: "\n" * block.group().count("\n"), project.text(path))
    for number, line in enumerate(prose.splitlines(), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:|#", target):
                continue
            found = (project.ROOT / path).parent / target.split("#")[0]
            if not found.exists():
                findings.add(path, number, f"the link to {target} leads nowhere")


def check_machine(path, findings):
    for number, line in enumerate(project.text(path).splitlines(), 1):
        if MACHINE_PATH.search(line):
            findings.add(path, number, "a path of somebody's machine")


def main():
    findings = project.Findings()
    for path in project.code_files("CMakeLists.txt"):
        if len(path.parts) > 2 and not (project.ROOT / path.parent / "README.md").is_file():
            findings.add(path.parent, 0, "no README.md: say in one sentence what this folder is for")
    for path in project.files("*.md"):
        check_links(path, findings)
    for path in project.files():
        check_machine(path, findings)
    findings.finish()


main()
