#!/bin/bash
# private-db.sh DIR [up|down|kill|hang|wake] - a private MariaDB below DIR, for one test: unix
# socket only (with PRIVATE_DB_PORT also that port of loopback), no password, its administrator is
# whoever starts it. `up` (the default) makes it where needed, waits until it answers and makes an
# empty database `parley`; `down` ends it in order, `kill` as a crash would; between `hang` and
# `wake` it does nothing. Keep DIR short: a socket's path has at most 107 bytes. Exit 69: it does
# not start, 75: it does not answer in time.
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
dir=$1
verb=${2:-up}
user=$(id -un)
socket=$dir/run/db.sock

admin() {
	mariadb-admin --no-defaults --socket="$socket" --user="$user" --silent "$@"
}

configure() {
	umask 077
	mkdir -p "$dir/data" "$dir/run" "$dir/log" "$dir/tmp"
	local network='skip-networking'
	if [ -n "${PRIVATE_DB_PORT:-}" ]; then
		network=$(printf 'bind-address=127.0.0.1\nport=%d' "$PRIVATE_DB_PORT")
	fi
	cat >"$dir/my.cnf" <<-CNF
	[mariadbd]
	datadir=$dir/data
	socket=$socket
	pid-file=$dir/run/db.pid
	log-error=$dir/log/db.err
	tmpdir=$dir/tmp
	$network
	innodb-flush-log-at-trx-commit=2
	max-connections=64
	!include $top/scripts/lib/stack/mariadb.cnf
	CNF
}

up() {
	configure
	# Two starters on one data directory would leave two servers.
	exec 9>"$dir/.lock"
	flock 9
	if [ ! -d "$dir/data/mysql" ]; then
		mariadb-install-db --defaults-file="$dir/my.cnf" --user="$user" \
		    --auth-root-authentication-method=socket --auth-root-socket-user="$user" \
		    --skip-test-db --skip-name-resolve >"$dir/log/install.log" 2>&1
	fi
	if admin ping >/dev/null 2>&1; then
		return 0
	fi
	rm -f "$dir/run/db.pid"
	setsid mariadbd --defaults-file="$dir/my.cnf" --user="$user" \
	    </dev/null >>"$dir/log/db.out" 2>&1 9>&- &
	local pid=$! tries=0
	until admin ping >/dev/null 2>&1; do
		if ! kill -0 "$pid" 2>/dev/null; then
			tail -n 3 "$dir/log/db.err" >&2
			exit 69
		fi
		tries=$((tries + 1))
		[ "$tries" -le 600 ] || exit 75
		sleep 0.05
	done
	mariadb --no-defaults --socket="$socket" --user="$user" \
	    -e 'CREATE DATABASE IF NOT EXISTS parley'
}

pid() {
	cat "$dir/run/db.pid" 2>/dev/null || true
}

# Waits until every thread of the server with that id has stopped.
still() {
	local tries=0
	while grep -L '^State:.*T' "/proc/$1"/task/*/status | grep -q .; do
		tries=$((tries + 1))
		[ "$tries" -le 600 ] || exit 75
		sleep 0.05
	done
}

# Waits for the server with that id to be gone; it is not a child of ours.
gone() {
	local tries=0
	while [ -d "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; do
		tries=$((tries + 1))
		[ "$tries" -le 600 ] || exit 75
		sleep 0.05
	done
}

case $verb in
up)
	up ;;
hang)
	kill -STOP "$(pid)"
	still "$(pid)" ;;
wake)
	kill -CONT "$(pid)" ;;
down | kill)
	pid=$(pid)
	[ -n "$pid" ] || exit 0
	if [ "$verb" = kill ]; then
		kill -KILL "$pid" 2>/dev/null || true
	else
		kill -TERM "$pid" 2>/dev/null || true
		kill -CONT "$pid" 2>/dev/null || true
	fi
	gone "$pid"
	rm -f "$dir/run/db.pid" ;;
*)
	echo "usage: private-db.sh DIR [up|down|kill|hang|wake]" >&2
	exit 64 ;;
esac
