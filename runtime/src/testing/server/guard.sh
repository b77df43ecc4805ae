# Holds one throw-away Postgres, from its first file to its last, for as long as the pipe on standard input is open:
# end of file means that the process that wanted the server is gone, in whatever way it went.
#
# Arguments: the directory of the binaries, lines for postgresql.conf, then directories to try for temporary files.
# Standard output: "in DIRECTORY", then "started"; any other line is an error.

# Nobody else may enter the directory, and the server listens only on a socket in it: that is its authentication.
umask 077
bin=$1
configuration=$2
shift 2
exec 2>&1
server=

clean_up() {
    trap '' HUP INT TERM
    # An immediate shutdown (Postgres documentation, section "Shutting Down the Server"): the data is thrown away, so
    # nothing is worth a checkpoint. Postgres itself kills what does not end within five seconds.
    [ -z "$server" ] || { kill -s QUIT "$server"; wait "$server"; } 2>/dev/null
    rm -rf "$dir"
}

fail() {
    echo "$1"
    # the reader takes the log before it lets the directory be removed
    read -r _
    exit 1
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

"$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync --auth=trust >"$dir/log" 2>&1 ||
    fail "initdb failed"
printf '%s' "$configuration" >>"$dir/data/postgresql.conf"

# A child of this process, not a daemon of pg_ctl's: where process 1 collects no orphans, it would stay as a zombie.
"$bin/postgres" -D "$dir/data" -k "$dir" </dev/null >>"$dir/log" 2>&1 &
server=$!
# what pg_ctl waits for as well, and as long: a minute
looks=0
until grep -q '^ready' "$dir/data/postmaster.pid" 2>/dev/null; do
    [ $looks -lt 1200 ] && kill -0 "$server" 2>/dev/null || fail "Postgres did not start"
    looks=$((looks + 1))
    sleep 0.05
done
echo started

read -r _
