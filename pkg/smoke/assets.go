package smoke

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"github.com/greenlight-ecs/greenlight/pkg/probe"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// maxAssets bounds how many assets of a page are asked for.
const maxAssets = 100

// assets asks for what the page of step i needs of its own origin: each stylesheet, script and image answers 2xx.
func (a *attempt) assets(ctx context.Context, i int, s *suite.Step, page probe.Request, o probe.Observation) {
	asked := 0
	for _, link := range suite.Assets(o) {
		q := probe.Request{
			Method: http.MethodGet, Path: link, Link: true, From: o.Path, Host: page.Host, Jar: a.jar, Fresh: a.fresh,
			Header: maps.Clone(page.Header), Timeout: page.Timeout, MaxBody: page.MaxBody, Unread: true,
		}
		if !a.side.client.Owns(q) {
			continue
		}
		if asked++; asked > maxAssets {
			break
		}
		got := ""
		answer := a.side.ask(ctx, q)
		switch {
		case answer.Fault == probe.FaultInterrupted:
			a.stopped = true
			return
		case !answer.Answered():
			got = answer.Text
		case answer.Status < 200 || answer.Status > 299:
			got = strconv.Itoa(answer.Status)
		}
		if got != "" {
			a.wrongAsset(i, s, page, "asset "+link, suite.Mismatch{Expected: "2xx", Got: got})
		}
		if answer.Fault == probe.FaultTimeout { // each of the others would take as long
			break
		}
	}
	a.asserted += asked
	switch {
	case asked == 0:
		a.wrongAsset(i, s, page, "assets", suite.Mismatch{Expected: "a stylesheet, script or image of this origin", Got: "none"})
	case asked > maxAssets:
		a.wrongAsset(i, s, page, "assets", suite.Mismatch{Expected: fmt.Sprintf("at most %d", maxAssets), Got: "more"})
	}
}

func (a *attempt) wrongAsset(i int, s *suite.Step, page probe.Request, subject string, m suite.Mismatch) {
	a.add(i, s, s.Method+" "+page.Path, "", suite.Wrong{At: s.AssetsAt(), Subject: subject, Mismatch: m})
}
