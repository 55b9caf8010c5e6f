#!/bin/sh
# Prints rules as they stand in the ledger, in the model and in the core, to be compared word by word.
# usage: docs/side-by-side.sh ID...          for example f.2.1 zk.sync.trunc
#        docs/side-by-side.sh --random N SEED
set -eu
cd "$(dirname "$0")/.."

ids() { sed -n 's/^| `\([a-z0-9._]*\)` |.*/\1/p' docs/src/rules.md; }

if [ "${1:-}" = --random ]; then
    [ $# = 3 ] || { echo "usage: $0 --random N SEED" >&2; exit 2; }
    chosen=$(ids | awk -v seed="$3" 'BEGIN { srand(seed) } { print rand(), $1 }' |
        sort | head -n "$2" | cut -d ' ' -f 2)
else
    [ $# -gt 0 ] || { echo "usage: $0 ID... | --random N SEED" >&2; exit 2; }
    chosen=$*
fi

# The places below a folder whose comment opens with the id (`/// f.2.1: …`, `// f.2.1, …: …`): the
# comment and the item that follows, or, inside a function, the lines up to the next empty one.
places() {
    find "$1" -name '*.rs' ! -name mutant.rs | sort | while read -r file; do
        awk -v id="$2" -v file="$file" '
            function opens(line,   head, words, n, i) {
                if (line !~ /^ *\/\/\/? [^:]*:/) return 0
                head = line; sub(/^ *\/+ /, "", head); sub(/:.*/, "", head)
                n = split(head, words, /[ ,`]+/)
                for (i = 1; i <= n; i++) if (words[i] == id) return 1
                return 0
            }
            !printing && opens($0) {
                printing = 1; print file ":" NR
                match($0, /^ */); indent = RLENGTH
                is_doc = $0 ~ /^ *\/\/\//
            }
            printing { print }
            printing && !is_doc && /^ *$/ { printing = 0 }
            printing && !/^ *($|\/\/|#\[)/ {
                match($0, /^ */)
                if (RLENGTH < indent || is_doc && RLENGTH == indent && /[;},]$/) {
                    printing = 0; print ""
                }
            }
        ' "$file"
    done
}

for id in $chosen; do
    printf '==== %s\n\n' "$id"
    awk -F ' [|] ' -v row="| \`$id\`" '$1 == row { print $2 "\n" }' docs/src/rules.md
    printf -- '---- model\n\n'
    places model/zab/src/rules "$id"
    printf -- '---- core\n\n'
    places impl/core/src "$id"
done
