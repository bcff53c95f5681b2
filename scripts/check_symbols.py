"""Says which functions a wheel's extension leaves open that no library it names has: `WHEEL`.

A function newer than the libraries that the extension was linked with has no version there. The
linker leaves it open as it does Python's own, and auditwheel, which compares versions, passes it.
"""

import io
import sys
import zipfile

from elftools.elf.elffile import ELFFile

# 0 is local and 1 global in ELF's table of versions: neither names a version of a library.
UNVERSIONED = ("VER_NDX_LOCAL", "VER_NDX_GLOBAL")
# Python and zlib give most of theirs no version.
OF_OTHERS = ("Py", "_Py", "inflate", "deflate")


def open_symbols(file):
    """Return the names that are needed and have neither a version nor a known home."""
    elf = ELFFile(file)
    symbols = elf.get_section_by_name(".dynsym").iter_symbols()
    versions = elf.get_section_by_name(".gnu.version").iter_symbols()
    return [
        symbol.name
        for symbol, version in zip(symbols, versions, strict=True)
        if symbol["st_shndx"] == "SHN_UNDEF"
        and symbol["st_info"]["bind"] != "STB_WEAK"
        and version["ndx"] in UNVERSIONED
        and not symbol.name.startswith(OF_OTHERS)
        and symbol.name
    ]


if __name__ == "__main__":
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        [extension] = [name for name in wheel.namelist() if name.endswith(".so")]
        found = open_symbols(io.BytesIO(wheel.read(extension)))
    if found:
        sys.exit(f"{extension} needs what is newer than its libraries: {', '.join(found)}.")
