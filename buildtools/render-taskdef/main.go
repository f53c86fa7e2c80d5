// The render-taskdef command reads an ECS task definition template and writes what RegisterTaskDefinition
// takes, or says everything that is wrong with it. It talks to nobody.
package main

import (
	"os"

	"github.com/greenlight-ecs/greenlight/pkg/renderer"
)

func main() {
	os.Exit(renderer.OnOneStack(func() int {
		return run(os.Args[1:], system{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()})
	}))
}
