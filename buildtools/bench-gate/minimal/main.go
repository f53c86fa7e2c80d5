// The minimal function is the least that AWS's own runtime library makes of a function: what bench-gate
// holds the hooks' cold starts against.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() error { return nil }) }
