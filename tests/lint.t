#!/bin/bash
# What can be seen without asking the running program: scripts/lint finds no breach,
# schema/current.sql is what the migrations make, the sites of nginx and Apache know every route.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scripts=${top_srcdir:-$here}/scripts
program=${top_builddir:-$here}/src/parley
n=0

# check NAME COMMAND…: ok where the command ends with 0, else what it said.
check() {
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1 </dev/null); then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		printf '%s\n' "$said" | head -n 50 | sed 's/^/# /'
	fi
}

# lacking NAME PROGRAM…: where one of them is not installed, the check is skipped.
lacking() {
	local name=$1 p
	shift
	for p; do
		command -v "$p" >/dev/null || {
			n=$((n + 1))
			echo "ok $n - $name # SKIP $p is not installed"
			return 0
		}
	done
	return 1
}

sites() {
	"$program" show routes | "$scripts/check-sites"
}

echo 1..3
lacking lint perl clang-format || check lint "$scripts/lint"
lacking schema mariadbd mariadb-install-db mariadb-dump || check schema "$scripts/check-schema"
lacking sites perl || check sites sites
