"""Compiles every Python file under the folders given, writing nothing.

usage: python scripts/check_python.py FOLDER...
"""

import pathlib
import sys
import warnings


def main() -> int:
    warnings.simplefilter("error")  # an invalid escape in a string is a fault, too
    faults = 0
    for folder in map(pathlib.Path, sys.argv[1:]):
        for path in sorted(folder.rglob("*.py")):
            try:
                compile(path.read_bytes(), str(path), "exec")
            except (SyntaxError, ValueError) as fault:
                print(f"{path}: {fault}", file=sys.stderr)
                faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
