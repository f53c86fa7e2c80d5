// The render-appspec command writes the AppSpec of an ECS blue/green deployment, or checks one. It talks to nobody.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
