package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "rehearse needs Linux or macOS: on Windows, run the Linux archive's in WSL (wsl --install)")
	os.Exit(3)
}
