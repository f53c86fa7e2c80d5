// The render-appspec command writes the AppSpec of an Amazon ECS blue/green deployment, or checks one that
// exists. It talks to nobody.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
