# make demo    build and serve a demonstration city
# make test    everything CI runs: format, vet, linters, tests on both engines, races, pages
# See scripts/test.sh for what the tests need; on Debian as root it is installed by itself.

GO      ?= go
BIN     := bin/suiyue
TEMPL   := v0.3.1020

.PHONY: all build demo test quick sim bench soak hall noon model year exports steps assets generate clean

all: build

build:
	$(GO) build -trimpath -o $(BIN) ./cmd/suiyue

demo: build
	./$(BIN) demo

test:
	./scripts/test.sh

# Unit tests and the store on a throw-away PostgreSQL; no linters, races or browser.
quick:
	$(GO) run ./scripts/withpg $(GO) test $$($(GO) list ./... | grep -v /test/)

# Some ten thousand days of halls on a virtual clock; each is checked from the outside.
sim:
	SUIYUE_SIM=2500 $(GO) test -timeout 60m -count 1 -v ./test/sim

bench: build
	./$(BIN) bench --compare

# A million booking attempts from two processes, with cancels and moves, then a recount: 0 oversold,
# 0 double claims, 0 lost answers. Takes some minutes.
soak:
	SUIYUE_SOAK=1000000 $(GO) run ./scripts/withpg $(GO) test -timeout 60m -count 1 -v ./test/soak

# 300 halls on one server: 1,500 counters, 300 kiosks, 3,000 displays. Prints how long a call takes to the
# displays, what a display costs, and how soon all are back after the server starts anew; on both engines.
hall:
	SUIYUE_HALL=long $(GO) run ./scripts/withpg $(GO) test -timeout 30m -count 1 -v ./test/hall

# Scripts at noon: 10,000 of them on 1,000 identities beside 2,000 people, without a draw and with one, over HTTP with the
# waiting room and the limits of a person; and against the draw alone. Prints the honest share of numbers and the correlation of
# arrival and success. Takes some minutes.
noon:
	SUIYUE_NOON=full $(GO) test -timeout 60m -count 1 -v ./test/noon
	SUIYUE_NOON=full $(GO) test -timeout 30m -count 1 -v -run TestDraw_Scripts ./internal/app

# A million steps of booking, moving, cancelling, changing capacity, waiting and batches on both engines, side by side
# with a small reference: after each step both must be the same. Takes an hour or two; MODEL=20000 plays as many steps.
MODEL ?= full
model:
	SUIYUE_MODEL=$(MODEL) $(GO) run ./scripts/withpg $(GO) test -timeout 8h -count 1 -v -run TestTheCityIsAsTheReferenceHasIt ./test/model

# A million rows as CSV and as XLSX, on both engines, while others write: prints rows a second and how far the heap grew.
exports:
	SUIYUE_EXPORT=1000000 $(GO) run ./scripts/withpg $(GO) test -timeout 30m -count 1 -v -run TestLongLists ./test/pace
# A past year of the city on a throw-away PostgreSQL, served and measured page by page: over 500 ms in 5 of 100 is a failure.
# SCALE=0.01 is a short form; SUIYUE_YEAR_DATABASE and SUIYUE_YEAR_KEYS take a year that is there.
SCALE ?= 1
year:
	SUIYUE_YEAR=$(SCALE) $(GO) run ./scripts/withpg $(GO) test -timeout 8h -count 1 -v ./test/year

# Pages are written in .templ files; the Go made of them is kept in the repository.
generate: .tools/templ-$(TEMPL)
	set -e; for dir in $$(dirname $$(find internal/web -name '*.templ') | sort -u); do .tools/templ-$(TEMPL) generate -path $$dir; done

.tools/templ-$(TEMPL):
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/a-h/templ/cmd/templ@$(TEMPL)
	mv .tools/templ $@

# The style sheets are compiled from internal/web/style with sass and kept in the repository; only who
# changes it needs node.
assets:
	cd internal/web/style && npm ci --ignore-scripts && npm run build

clean:
	rm -rf bin .tools test/out
