// The after-allow-test-traffic function is the smoke gate: CodeDeploy invokes it when the test listener
// serves the replacement task set, and it lets the deployment go on or makes it roll back.
package main

import (
	"github.com/greenlight-ecs/greenlight/pkg/gate"
	"github.com/greenlight-ecs/greenlight/pkg/lifecycle"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	startup.LimitMemory()
	gate.Start(lifecycle.AfterAllowTestTraffic)
}
