// The after-allow-traffic function watches the release under production's traffic, by what AWS measures of it, while
// the old release still stands to go back to.
package main

import (
	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	startup.LimitMemory()
	gate.Start(lifecycle.AfterAllowTraffic)
}
