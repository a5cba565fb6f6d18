#!/bin/sh
# Task 2, buffer: fails if the folder for temporary files does not give back what was put there, or is nearly full.
set -eu
. "$(dirname "$0")/common.sh"
folder=${K1N_SCAN:-${TMPDIR:-/tmp}}

[ -d "$folder" ] || {
  echo "nothing to buffer in: no folder $folder (set K1N_SCAN)" >&2
  exit 2
}
free_kb=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
step room "of $free_kb KB in $folder"
if [ "$free_kb" -lt "${K1N_LEAST_KB:-16384}" ]; then
  echo "only $free_kb KB are free in $folder" >&2
  exit 1
fi

block=$(mktemp "$folder/k1n-buffer.XXXXXX")
exec 3>"$block" 4<"$block"
rm -f "$block" # it stays as long as it is open: whoever kills this leaves nothing
put=$(head -c 1048576 /dev/urandom | tee /dev/fd/3 | cksum)
got=$(cksum <&4)
step round-trip "of 1 MiB"
if [ "$put" != "$got" ]; then
  echo "a buffer in $folder gave back other bytes than were put there" >&2
  exit 1
fi
finish "buffer-$free_kb" "1 MiB went there and back, $free_kb KB are free"
