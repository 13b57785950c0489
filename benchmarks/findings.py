"""The report on what limits the lifter: `results/findings.md` and its pictures, from the records.

    python benchmarks/findings.py --steps 1000

Reads `benchmarks/results/teacher_trials.json`, as `benchmarks/teacher_trials.py` writes it, and the
paragraphs of `benchmarks/trials/findings.toml`; a figure in a paragraph is a name in braces, filled
in from the records. All trials are compared at one length, `--steps`.
"""

import argparse
from pathlib import Path

from trials.pictures import draw_all
from trials.records import read
from trials.report import Findings, render


def main() -> None:
    """Draw the pictures and write the page."""
    arguments = parse()
    findings = Findings(read(arguments.records), arguments.steps)
    draw_all(findings, arguments.out)
    page = arguments.out / "findings.md"
    page.write_text(render(findings, arguments.text))
    print(page)


def parse() -> argparse.Namespace:
    """The command line."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1000, help="the length that is compared")
    parser.add_argument("--records", type=Path, default=here / "results" / "teacher_trials.json")
    parser.add_argument("--text", type=Path, default=here / "trials" / "findings.toml")
    parser.add_argument("--out", type=Path, default=here / "results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
