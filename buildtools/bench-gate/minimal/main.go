// The minimal function is the least that AWS's own runtime library makes of a function: what bench-gate
// holds the hooks' cold starts against.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/greenlight-ecs/greenlight/pkg/stdlog"
)

func main() {
	stdlog.TakeOver()
	lambda.Start(func() error { return nil })
}
