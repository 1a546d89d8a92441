# The two that matter: `make run` and `make test`. Both install what is missing.

export CGO_ENABLED = 0
DATA ?=
GO   ?= go

.PHONY: help run build man handbook test test-million test-samples test-recipes test-vm deb screenshots bench chaos lint fmt clean

help:
	@echo "make run           build, and start everything on http://127.0.0.1:8080"
	@echo "make test          the whole suite, against real services"
	@echo "make build         bin/convertd, bin/convertd-runner, bin/convertd-net"
	@echo "make test-million  the plan of the claim among a million jobs"
	@echo "make test-recipes  the shipped recipes with the real converters"
	@echo "make test-samples  the track formats with files from real programs (needs CONVERTD_SAMPLES)"
	@echo "make test-vm       the installed service on a virtual machine with systemd; power cuts (20 min at most)"
	@echo "make man           the manual pages, in bin/man"
	@echo "make handbook      the handbook's chapters on commands, settings, recipe files and calls anew"
	@echo "make deb           the package for Debian and Ubuntu, in bin/"
	@echo "make screenshots   the picture in README.md; ALBUM=DIR takes one of every page, LANGUAGE=de in that language"
	@echo "make bench         figures side by side, as ratios"
	@echo "make chaos         disturb the whole service; DURATION=10m for how long, SEED=N for a trial again"
	@echo "make lint          formatting, vet, staticcheck"

run: build
	@.ci/install run
	@exec bin/convertd up $(if $(DATA),--data $(DATA))

build:
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./cmd/...

# The browsers have the machine for themselves: what waits for a page must not wait for
# the other packages as well.
test: build
	@.ci/install test
	$(GO) test -timeout 15m $$($(GO) list ./... | grep -v '/cmd/convertd$$')
	$(GO) test -timeout 15m ./cmd/convertd

test-million:
	@.ci/install test
	$(GO) test -timeout 10m -count 1 -tags million -run Million ./sql/job

test-recipes: build
	@.ci/install recipes
	$(GO) test -timeout 60m -count 1 -tags recipes ./runner/recipe/...

test-samples:
	@test -n "$$CONVERTD_SAMPLES" || { echo "CONVERTD_SAMPLES must name the folder of sample tracks" >&2; exit 1; }
	$(GO) test -timeout 20m -count 1 -tags samples -v -run Samples ./runner/track/...

man: build
	bin/convertd man bin/man

handbook: build
	bin/convertd man --handbook cmd/convertd/handbook bin/man

deb: build
	@.ci/deb/build

test-vm: build
	@.ci/install vm
	$(GO) vet -tags vm ./systemd/vm
	timeout 20m .ci/vm/test

screenshots: build
	@.ci/install test
	$(GO) test -count 1 -tags screenshots -run TestScreenshots ./cmd/convertd $(if $(ALBUM),-args -album $(ALBUM) $(if $(LANGUAGE),-language $(LANGUAGE) -picture $(ALBUM)/picture.png))

bench: build
	@.ci/install run
	$(GO) test -run '^$$' -bench . -benchtime 2s ./...

# DURATION and SEED reach the test through the environment.
chaos: build
	@.ci/install run
	DURATION="$(or $(DURATION),10m)" SEED="$(SEED)" $(GO) test -timeout 0 -count 1 -v -run TestChaos ./cmd/convertd/chaos

lint:
	@test -z "$$(gofmt -l cmd dispatcher runner sql systemd webui)" || { gofmt -l cmd dispatcher runner sql systemd webui; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=.ci/tools.mod staticcheck ./...

fmt:
	gofmt -w cmd dispatcher runner sql systemd webui

clean:
	rm -rf bin
