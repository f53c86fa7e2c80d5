// The after-allow-traffic function watches a release under production's traffic: it asks AWS what the load balancer,
// Amazon ECS, the logs and the alarms have seen of it, and compares that with the release before.
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
