#!/bin/sh
# Runs everything: format, vet, linters, import rules, unit tests and properties, the store on SQLite
# and PostgreSQL, races, pages in a browser. What is missing is installed on Debian as root; elsewhere
# the script says what to install. Nothing is skipped.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
export HOME="${HOME:-/root}" GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOTOOLCHAIN="${GOTOOLCHAIN:-local}"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
STATICCHECK=v0.8.2 # honnef.co/go/tools 2026.1
TEMPL=v0.3.1020

step() { echo "== $*" >&2; }
die() { echo "test: $*" >&2; exit 1; }

# --- what the tests need

postgres_there() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
browser_there() { command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; }
fonts_there() { fc-list 2>/dev/null | grep -qi 'noto.*cjk'; }
compiler_there() { command -v gcc >/dev/null 2>&1 && echo 'int main(void){return 0;}' | gcc -x c -o /dev/null - 2>/dev/null; }

missing() {
	postgres_there || echo postgresql
	browser_there || echo chromium
	fonts_there || echo fonts-noto-cjk fontconfig
	compiler_there || echo gcc libc6-dev
}

command -v go >/dev/null 2>&1 || PATH="$PATH:/usr/local/go/bin"
command -v go >/dev/null 2>&1 || die "Go 1.26 or later is needed: https://go.dev/dl/"
need=$(missing | tr '\n' ' ')
if [ -n "$need" ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		step "installing $need"
		# The package would otherwise start a cluster of its own; the tests bring theirs.
		mkdir -p /etc/postgresql-common
		[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
		{ apt-get update -q && apt-get install -q -y --no-install-recommends $need; } </dev/null >&2 || die "could not install: $need"
	else
		die "these are missing: $need
On Debian: sudo apt-get install --no-install-recommends $need
Elsewhere: PostgreSQL 15 or later with its server programs (initdb, postgres), Chromium or Chrome,
the Noto CJK fonts and a C compiler. Then run this again."
	fi
	left=$(missing | tr '\n' ' ')
	[ -z "$left" ] || die "still missing after installing: $left"
fi

tool() { # name, package, version
	[ -x ".tools/$1-$3" ] && return
	step "installing $1 $3"
	GOBIN="$root/.tools" go install "$2@$3" >&2
	mv ".tools/$1" ".tools/$1-$3"
}
mkdir -p .tools
tool staticcheck honnef.co/go/tools/cmd/staticcheck $STATICCHECK
tool templ github.com/a-h/templ/cmd/templ $TEMPL

# --- the source as such

step "format"
bad=$(find . -name '*.go' -not -path './.tools/*' -not -path '*/node_modules/*' -exec gofmt -l {} +)
[ -z "$bad" ] || die "not formatted (gofmt -w): $bad"

step "pages made of their templates"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
(cd internal/web && find . -name '*.templ' -exec cp --parents {} "$tmp" \;)
for dir in "$tmp"/*/; do # each folder by itself: what is made names its source as seen from there
	".tools/templ-$TEMPL" generate -path "$dir" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; die "templates cannot be read"; }
done
(cd "$tmp" && find . -name '*_templ.go') | while read -r f; do
	cmp -s "$tmp/$f" "internal/web/$f" || { echo "test: internal/web/$f is not made of its template: run make generate" >&2; exit 1; }
done

step "vet"
go vet ./...
step "staticcheck"
".tools/staticcheck-$STATICCHECK" ./...

# --- tests

go build -o "$tmp/withpg" ./scripts/withpg

# The tests' databases live in memory where there is plenty of it: what most of them wait for is the disk. A process
# that is killed loses nothing of it there either. How quick things are is measured on the disk, at the end.
# The folder has one name for all runs: what a test asked for in its environment is part of what go test keeps its
# result by, and a result is kept until something it came from has changed. The last run that uses it tidies it up.
free() { df -k --output=avail /dev/shm 2>/dev/null | tail -n 1; }
memory() { awk '/^MemAvailable/ {print $2}' /proc/meminfo 2>/dev/null; }
room=$(free) left=$(memory)
if [ "${room:-0}" -gt 8000000 ] && [ "${left:-0}" -gt 12000000 ] && command -v flock >/dev/null 2>&1; then
	quick=/dev/shm/suiyue-test-$(id -u)
	[ -d "$quick" ] || mkdir -m 1777 "$quick"
	chmod 1777 "$quick" # the server of PostgreSQL runs as somebody else
	exec 9>"$quick.lock"
	flock -n 9 && rm -rf "$quick"/* || true # what killed runs have left
	flock -s 9
	trap 'rm -rf "$tmp"; if flock -n 9; then rm -rf "$quick"/*; fi' EXIT INT TERM
	disk=${TMPDIR:-}
	export TMPDIR="$quick"
fi
# All was vetted above. Results are kept by Go: what nothing has changed is not run again (-count 1 runs it).
run() { "$tmp/withpg" go test -vet=off "$@"; }
step "tests"
run -timeout 20m -parallel 4 $(go list ./... | grep -v '/test/')
# Under the detector only what starts goroutines: cases that do one thing after another find no race and take
# minutes there. One that does start some is long for another reason; how quickly something happens is seen above.
step "races"
at="app web/api web/citizen web/console web/hall server"
racing=$(go run ./scripts/racing $(for p in $at store; do echo "internal/$p"; done))
run -timeout 20m -race -run "$racing" -skip 'TenThousand|WithinA' $(for p in $at store; do echo "./internal/$p"; done)
run -timeout 20m -race -run '^(TestSQLite|TestPostgres)$/^race$' ./internal/store
run -timeout 20m -race ./internal/batch ./internal/jobs ./internal/web
run -timeout 20m -race -run '^TestManyAtOnce' ./test/model
step "the program"
run -timeout 20m -parallel 4 $(go list ./test/... | grep -vE '/test/(e2e|pace|steps|hall)$')
# More pages at once than there are cores: a browser waits a good part of its time.
step "its pages"
run -timeout 40m -parallel 4 -count 1 ./test/e2e
[ -z "${quick:-}" ] || export TMPDIR="${disk:-/tmp}"
step "the pace of the console, of halls and of steps, by themselves"
run -timeout 20m -p 1 -count 1 ./test/pace ./test/hall ./test/steps
