// The minimal-codedeploy function is the minimal one that also builds a client of CodeDeploy, as every
// hook must: the least that a hook of any kind starts in.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"

	"github.com/greenlight-ecs/greenlight/pkg/stdlog"
)

func main() {
	stdlog.TakeOver()
	client := codedeploy.New(codedeploy.Options{
		Region:      os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	lambda.Start(func(ctx context.Context, event struct{ DeploymentID string }) error {
		_, err := client.PutLifecycleEventHookExecutionStatus(ctx, &codedeploy.PutLifecycleEventHookExecutionStatusInput{DeploymentId: aws.String(event.DeploymentID)})
		return err
	})
}
