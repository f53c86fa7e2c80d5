// The render-taskdef command reads an ECS task definition template and writes what RegisterTaskDefinition
// takes, or says everything that is wrong with it. It talks to nobody.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], system{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}))
}
