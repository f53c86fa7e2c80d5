// The after-allow-test-traffic function is the smoke gate: CodeDeploy invokes it when the test listener
// serves the replacement task set, and it lets the deployment go on or makes it roll back.
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
	gate.Start(lifecycle.AfterAllowTestTraffic)
}
