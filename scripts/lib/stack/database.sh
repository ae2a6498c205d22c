# shellcheck shell=bash disable=SC2154,SC2034	# shared names are those of scripts/stack
# The private MariaDB, and the schema in it. Part of scripts/stack.

# Nobody else reaches the socket: its directory is ours alone. So the accounts need no password.
sql() {
	mariadb --no-defaults -S "$run/db.sock" -u "$user" "$@"
}

db_answers() {
	sql -e 'DO 0' >/dev/null 2>&1
}

db_answers_or_ended() {
	not_alive db || db_answers
}

start_db() {
	local most=$((2 * (workers * (threads + 2) + 2 * jobs) + 20)) state=running

	if ! alive db; then
		end db TERM 60 || :
		state=started
		cat >"$dir/my.cnf" <<-END
		[mariadbd]
		datadir="$dir/data"
		socket="$run/db.sock"
		pid-file="$run/db.pid"
		log-error="$dir/log/db.log"
		tmpdir="$dir/tmp"
		skip-networking
		max-connections=$most
		!include $top/scripts/lib/stack/mariadb.cnf
		END
		if [ ! -e "$dir/data/.made" ]; then
			state=made
			rm -rf "${dir:?}/data"
			mkdir "$dir/data"
			mariadb-install-db --defaults-file="$dir/my.cnf" --user="$user" \
			    --auth-root-authentication-method=socket \
			    --auth-root-socket-user="$user" \
			    --skip-test-db --skip-name-resolve >"$dir/log/db-install.log" 2>&1 || {
				last_words "$dir/log/db-install.log"
				die 69 "the database could not be made, see $dir/log/db-install.log"
			}
			: >"$dir/data/.made"
		fi
		rm -f "$run/db.sock" "$run/db.pid"
		spawn db "$dir/log/db.log" mariadbd --defaults-file="$dir/my.cnf" --user="$user"
		within 120 db_answers_or_ended || :
		if ! db_answers; then
			grep -a ERROR "$dir/log/db.log" | tail -n 2 >&2 || :
			die 69 "the database does not start, see $dir/log/db.log"
		fi
	fi
	sql <<-END
	SET GLOBAL max_connections = $most;
	CREATE DATABASE IF NOT EXISTS parley;
	CREATE USER IF NOT EXISTS parley@localhost;
	GRANT ALL ON \`parley%\`.* TO parley@localhost;
	END
	say database "$state"
}

migrate() {
	local words

	words=$("$parley" migrate -c "$dir/parley.conf" 2>&1) || {
		echo "$words" | tail -n 3 >&2
		die 69 "the schema could not be brought forward"
	}
	[ -z "$words" ] || say schema "$(echo "$words" | tail -n 1)"
}
