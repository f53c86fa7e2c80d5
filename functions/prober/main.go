// The prober function runs a suite from inside the VPC, where the load balancer's private addresses can
// be reached. It has no AWS rights and logs nothing of what it is given: its payload carries secrets.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/greenlight-ecs/greenlight/pkg/prober"
	"github.com/greenlight-ecs/greenlight/pkg/startup"
)

func main() {
	startup.TakeOverLog()
	startup.LimitMemory()
	lambda.Start(prober.Serve)
}
