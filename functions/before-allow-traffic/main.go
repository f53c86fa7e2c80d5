// The before-allow-traffic function is the last gate before production traffic moves: it wants evidence
// of the first gate, asks whether the release is ready, and compares it with the one in production.
package main

import (
	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	startup.LimitMemory()
	gate.Start(lifecycle.BeforeAllowTraffic)
}
