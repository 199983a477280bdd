#!/usr/bin/env bash
# Makes the terminal screens that the documents quote: a real server, the real client, in a tmux of 80 columns.
#
#   docs/screens/capture.sh [name...]     all of them, or single, many, errors, down, get
#
# Writes docs/screens/<name>.<language>.txt. Needs tmux and a build (npm run build). PORT (8471) must be free.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/../.." && pwd)
port=${PORT:-8471}

command -v tmux > /dev/null || { echo "capture.sh needs tmux: install it, then run this again" >&2; exit 1; }
[ -f "$package/dist/cli/main.js" ] || { echo "capture.sh needs a build: npm run build" >&2; exit 1; }

scratch=$(mktemp -d)
server=

screen() { tmux -u -f /dev/null -S "$scratch/tmux" "$@"; }

clean_up() {
  screen kill-server 2> /dev/null || true
  [ -z "$server" ] || kill "$server" 2> /dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

start_server() {
  mkdir -p "$scratch/server"
  (cd "$scratch/server" && MIN_FREE=0 HOST=127.0.0.1 BIND=127.0.0.1 HTTP_PORT=$port FERRY_LANG=en \
    exec node "$package/dist/src/main.js" > log 2>&1) &
  server=$!
  for _ in $(seq 100); do
    if grep -q started "$scratch/server/log" 2> /dev/null; then return; fi
    sleep 0.1
  done
  cat "$scratch/server/log" >&2
  exit 1
}

stop_server() {
  kill "$server"
  wait "$server" || true
  server=
}

bytes() { head -c "$1" /dev/urandom > "$2"; }

# A terminal of 80 columns, with a `ferry` of its own home, in a folder with something to carry.
open_terminal() {
  local language=$1 home="$scratch/$1/home"
  mkdir -p "$home" "$scratch/bin"
  printf '#!/bin/sh\nexec node "%s/dist/cli/main.js" "$@"\n' "$package" > "$scratch/bin/ferry"
  chmod +x "$scratch/bin/ferry"
  screen new-session -d -s "$language" -x 80 -y 24 -c "$scratch/$language" \
    env -i HOME="$home" PATH="$scratch/bin:$PATH" TERM=screen LANG=C.UTF-8 FERRY_LANG="$language" \
    FERRY_SERVER="127.0.0.1:$port" PS1='$ ' bash --noprofile --norc
  idle "$language"
}

close_terminal() { screen kill-session -t "$1"; }

typed() { screen send-keys -t "$1" -l "$2" && screen send-keys -t "$1" Enter; }

# Waits until the screen has a line like that.
expect() {
  for _ in $(seq 600); do
    if screen capture-pane -p -t "$1" | grep -Eq -- "$2"; then return; fi
    sleep 0.05
  done
  echo "capture.sh: nothing like '$2' came up:" >&2
  screen capture-pane -p -t "$1" >&2
  exit 1
}

# The screen as it is, without the empty lines below.
captured() {
  screen capture-pane -p -t "$1" | sed -e 's/[[:space:]]*$//' -e :a -e '/^\n*$/{$d;N;ba' -e '}' > "$here/$2.$1.txt"
  echo "docs/screens/$2.$1.txt"
}

idle() { expect "$1" '^[$] ?$'; }

middle='(3[5-9]|[45][0-9]|6[0-5])\.[0-9][0-9]%'

single() {
  bytes 62914560 "$scratch/$1/$2.mp4"
  typed "$1" "ferry upload $2.mp4 --limit-rate 8M"
  expect "$1" "^(Upload|上传) .*$middle"
  captured "$1" single
  idle "$1"
  rm "$scratch/$1/$2.mp4"
}

many() {
  mkdir -p "$scratch/$1/$2/raw"
  for number in 1 2 3; do bytes $((number * 98765)) "$scratch/$1/$2/IMG_010$number.jpg"; done
  for number in 1 2 3; do bytes $((number * 12582912)) "$scratch/$1/$2/raw/DSC_207$number.tif"; done
  typed "$1" "ferry upload $2 --limit-rate 12M"
  expect "$1" "^\[[#-]+\] $middle"
  captured "$1" many
  idle "$1"
  rm -r "${scratch:?}/$1/$2"
}

errors() {
  for number in 1 2; do bytes 300000 "$scratch/$1/$2-$number.jpg"; done
  typed "$1" "ferry upload $2-1.jpg $2-2.jpg $2-3.jpg; echo \$?"
  expect "$1" '^[0-9]+$'
  captured "$1" errors
}

down() {
  stop_server
  bytes 300000 "$scratch/$1/$2.mp4"
  typed "$1" "ferry upload $2.mp4 --retry-for 5s; echo \$?"
  expect "$1" '^[0-9]+$'
  captured "$1" down
  start_server
}

get() {
  bytes 62914560 "$scratch/$1/$2.mp4"
  (cd "$scratch/$1" && FERRY_STATE_DIR="$scratch/state" node "$package/dist/cli/main.js" upload -q --no-cache \
    -s "127.0.0.1:$port" "$2.mp4" > url && rm "$2.mp4")
  typed "$1" "ferry get $(sed 's:.*/\([0-9a-f]*\).*:\1:' "$scratch/$1/url") --limit-rate 8M"
  expect "$1" "$middle"
  captured "$1" get
  idle "$1"
}

start_server
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(single many errors down get)
for name in "${names[@]}"; do
  for language in en zh-CN; do
    mkdir -p "$scratch/$language"
    open_terminal "$language"
    case $name.$language in
      many.en) many en photos ;;
      many.*) many zh-CN 照片 ;;
      *.en) "$name" en holiday ;;
      *) "$name" zh-CN 假期 ;;
    esac
    close_terminal "$language"
  done
done
