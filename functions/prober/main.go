// The prober function runs a suite from inside the VPC, where the load balancer's private addresses can
// be reached. It has no AWS rights and logs nothing of what it is given: its payload carries secrets.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/greenlight-ecs/greenlight/pkg/smoke"
)

func main() {
	lambda.Start(func(ctx context.Context, job smoke.Job) (smoke.Report, error) {
		return smoke.Run(ctx, job, nil), nil
	})
}
