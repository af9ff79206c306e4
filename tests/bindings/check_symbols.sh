#!/usr/bin/env bash
# What libllmorch_c.so shows to the world is bindings/c/symbols.txt, no more and no less, and
# c.h declares the same. Usage: check_symbols.sh LIBRARY SOURCE_DIR
set -euo pipefail
library=$1
source_dir=$2
wanted=$(sort "$source_dir/bindings/c/symbols.txt")
# Sanitizers and the linker add version nodes (type A); everything else counts.
shown=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -oE '\bllmorch_[a-z_]+\(' "$source_dir/include/llmorch/c.h" | tr -d '(' | sort -u)
status=0
diff <(echo "$wanted") <(echo "$shown") || { echo "exported symbols differ from symbols.txt (< wanted, > exported)"; status=1; }
diff <(echo "$wanted") <(echo "$declared") || { echo "c.h differs from symbols.txt (< wanted, > declared)"; status=1; }
readelf -d "$library" | grep -q 'SONAME.*libllmorch_c\.so\.0\]' || { echo "SONAME is not libllmorch_c.so.0"; status=1; }
exit $status
