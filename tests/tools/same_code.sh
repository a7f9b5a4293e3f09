#!/bin/bash
# Shows that a commit which only moves or renames changes no machine code: builds the C core of two
# revisions with gcc and clang, for every instruction set, and compares each object function by function.
#
#     bash tests/tools/same_code.sh BASE HEAD     revisions; HEAD may be left out: the working tree
#
# An object's functions are compared without their names: instructions, relocations and constants.
# Objects are matched by what they hold, so that a renamed file finds its former self. Ends with
# "same code", or with "DIFFERENT code" and exit code 1. About 3 minutes a compiler on 2 cores.
# GCC, CLANG and CROSS (for aarch64) choose other compilers, such as "ccache gcc"; one that is not installed is
# left out, and said so.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base=${1:?usage: same_code.sh BASE [HEAD]} head=${2:-}

# checkout REVISION FOLDER: csrc of it; without a revision that of the working tree
checkout() {
    mkdir -p "$2"
    if [ -n "$1" ]; then git -C "$root" archive "$1" csrc | tar x -C "$2"; else cp -r "$root/csrc" "$2"; fi
}

# build FOLDER NAME COMPILER...: FOLDER/NAME/*.o. Each function and datum has a section of its own.
build() {
    local folder=$1 name=$2
    shift 2
    mkdir -p "$folder/$name"
    (cd "$folder" && find csrc -name '*.c' | sort -r |
        xargs -P "$(nproc)" -I{} sh -c \
            "$* -O2 -w -ffunction-sections -fdata-sections -c {} -o $name/\$(basename {}).o") || return 1
}

cat >"$work/digest.py" <<'E2'
"""Of each object in a folder: a digest of its functions and constants without their names."""
import collections, hashlib, os, pathlib, re, subprocess, sys

OBJDUMP = os.environ["OBJDUMP"]

def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout

def contents(path):
    """The bytes of each section of constants, in hex."""
    found = {}
    for part in re.split(r"^Contents of section ", run(OBJDUMP, "-s", str(path)), flags=re.M)[1:]:
        name, _, body = part.partition(":\n")
        found[name] = "".join("".join(line[1:].split("  ")[0].split()[1:5]) for line in body.splitlines())
    return found

def sections(path):
    """(kind, contents) of each section of code or data."""
    data = contents(path)

    def target(match):
        """What a relocation points to: a constant's bytes, or nothing of a name."""
        kind, symbol, sign, offset = match.groups()
        pool = re.fullmatch(r"\.rodata\.cst(\d+)", symbol)
        if not pool:  # tables of jumps lie one behind the other in .rodata
            return kind + ("" if symbol == ".rodata" else f"{sign or ''}{offset or ''}")
        size, at = int(pool[1]), int(f"{sign or '+'}{offset or '0'}", 16) + (4 if "X86" in kind else 0)
        at -= at % size  # an immediate operand comes between the address and the next instruction
        return kind + data[symbol][2 * at : 2 * (at + size)]

    code = run(OBJDUMP, "-dr", "--no-addresses", "--no-show-raw-insn", str(path))
    for part in code.split("Disassembly of section ")[1:]:
        _, _, body = part.partition("\n")
        body = re.sub(r"<[^>]*>", "<>", body)
        body = re.sub(r"(R_\w+\s+)([^\s+-]+(?:-[^\s+-]*[a-zA-Z][^\s+-]*)*)(?:([+-])(0x[0-9a-f]+))?", target, body)
        yield "code", body
    for name, body in data.items():
        if name.startswith((".rodata.", ".data.")) and ".cst" not in name and ".str" not in name:
            yield "data", body

def digests(folder):
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.o")):
        found[path.name] = collections.Counter(
            kind + hashlib.sha256(body.encode()).hexdigest() for kind, body in sections(path))
    return found

before, after = digests(sys.argv[1]), digests(sys.argv[2])
left, different = dict(before), 0
for name, parts in after.items():
    same = [old for old, there in left.items() if there == parts]
    if same:
        del left[same[0] if name not in same else name]
        print(f"  same: {name} ({sum(parts.values())} functions and constants)")
    else:
        different += 1
        old = before.get(name, collections.Counter())
        print(f"  DIFFERENT: {name}: {sum((parts - old).values())} of {sum(parts.values())} parts are new")
for name in left:
    different += 1
    print(f"  GONE or different: {name}")
sys.exit(different > 0)
E2

checkout "$base" "$work/base"
checkout "$head" "$work/head"
failed=0
for compiler in "${GCC:-gcc}" "${CLANG:-clang}" "${CROSS:-aarch64-linux-gnu-gcc}"; do
    name=${compiler##* }
    export OBJDUMP=objdump
    case $name in aarch64-*) OBJDUMP=aarch64-linux-gnu-objdump ;; esac
    if ! command -v "$name" >/dev/null; then
        echo "$name is not installed: not compared"
        continue
    fi
    echo "$name:"
    for tree in base head; do
        build "$work/$tree" "$name" "$compiler" || { echo "  $tree does not compile"; exit 1; }
    done
    python3 "$work/digest.py" "$work/base/$name" "$work/head/$name" || failed=1
done
if [ $failed = 0 ]; then echo "same code"; else echo "DIFFERENT code"; fi
exit $failed
