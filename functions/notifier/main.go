// The notifier function tells people what the hooks decided. CloudWatch Logs invokes it with lines of the hooks' log,
// so that nothing is delayed or changed by it.
package main

import (
	"github.com/greenlight-ecs/greenlight/pkg/notify/sender"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	startup.LimitMemory()
	sender.Start()
}
