"""`doctor`: what is wrong, a sentence each."""

import argparse
import json

from resnet_lab.diagnoses import diagnose


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, one list")


def run(options: argparse.Namespace) -> int:
    """1 where something is wrong."""
    findings = []
    for finding in diagnose():
        findings.append(finding)
        if not options.json:
            print(f"{'ok   ' if finding.is_well else 'wrong'} {finding.part:<12} {finding.words}", flush=True)
    if options.json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    return 0 if all(finding.is_well for finding in findings) else 1
