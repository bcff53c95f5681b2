"""Makes from Sources/CSPARS/description what the boundary between Python and Swift repeats.

`python scripts/generate_abi` writes the headers, the shim's part for each function, the stub of the
extension and the tables of names; `--check` compares them with what is committed instead. See
docs/decisions/0005-one-description-of-the-abi.md.
"""

import argparse
import sys

from files import ROOT, differing, generated


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; fail on a difference")
    check = parser.parse_args().check
    files = generated()
    different, stale = differing(files)
    if check:
        for name in different + stale:
            print(f"{name} does not follow from the description: run `make generate`")
        return 1 if different or stale else 0
    for name in stale:
        (ROOT / name).unlink()
    for name in different:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(files[name], encoding="utf-8")
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
