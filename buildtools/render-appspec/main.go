// The render-appspec command writes the AppSpec of an Amazon ECS blue/green deployment, or checks one that
// exists. It talks to nobody.
package main

import (
	"os"

	"github.com/greenlight-ecs/greenlight/pkg/renderer"
)

func main() {
	os.Exit(renderer.OnOneStack(func() int { return run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr) }))
}
