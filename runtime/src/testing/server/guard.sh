# Holds one throw-away Postgres, from its first file to its last, for as long as the pipe on standard input is open:
# end of file means that the process that wanted the server is gone, in whatever way it went.
#
# Arguments: the directory of the binaries, lines for postgresql.conf, then directories to try for temporary files.
# Standard input: the password, then a port, and another one each time that the server refused to start.
# Standard output: "in DIRECTORY", "initialised", then per port "started" or "refused"; any other line is an error.

umask 077
bin=$1
configuration=$2
shift 2
exec 2>&1
server=

clean_up() {
    trap '' HUP INT TERM
    stop
    rm -rf "$dir"
}

# An immediate shutdown (Postgres documentation, section "Shutting Down the Server"): the data is thrown away, so nothing
# is worth a checkpoint. Postgres itself kills what does not end within five seconds.
stop() {
    [ -z "$server" ] || { kill -s QUIT "$server"; wait "$server"; } 2>/dev/null
    server=
}

# A child of this process, not a daemon of pg_ctl's: where process 1 collects no orphans, it would stay as a zombie.
start() {
    "$bin/postgres" -D "$dir/data" -p "$1" </dev/null >>"$dir/log" 2>&1 &
    server=$!
    waited=0
    while [ $waited -lt 1200 ] && kill -0 "$server" 2>/dev/null; do
        # what pg_ctl waits for as well
        grep -q '^ready' "$dir/data/postmaster.pid" 2>/dev/null && return
        sleep 0.05
        waited=$((waited + 1))
    done
    stop
    false
}

# whoever reads the answers may be gone while there still is a server to stop
trap '' PIPE

for temporary in "$@"; do
    dir=$(mktemp -d "$temporary/eventwright.XXXXXX") && break
done
[ -d "$dir" ] || exit 1
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
echo "in $dir"

read -r password || exit
printf '%s\n' "$password" >"$dir/password"

# Passwords go in clear over the loopback interface: SCRAM's 4096 rounds would cost an unoptimised test's client more
# than the rest of connecting.
"$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync \
    --auth=password --pwfile="$dir/password" >"$dir/log" 2>&1 || exit 1
printf '%s' "$configuration" >>"$dir/data/postgresql.conf"
echo initialised

while read -r port; do
    start "$port" && echo started || echo refused
done
