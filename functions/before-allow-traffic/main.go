// The before-allow-traffic function is the last gate before production traffic moves: it wants evidence
// of the first gate, asks whether the release is ready, and compares it with the one in production.
package main

import (
	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/memory"
	"github.com/greenlight-ecs/greenlight/pkg/stdlog"
)

func main() {
	stdlog.TakeOver()
	memory.Limit()
	gate.Start(lifecycle.BeforeAllowTraffic)
}
