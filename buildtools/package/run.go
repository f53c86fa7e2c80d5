package main

import (
	"io"

	"github.com/greenlight-ecs/greenlight/pkg/command"
)

func run(args []string, stdout io.Writer) error {
	spec := command.Spec{
		Name: "package", Arguments: "[flags]",
		About:   "Packs dist/bin: functions/NAME/bootstrap and tools/PROCESSOR/NAME become zips and archives in dist;\nwith --bucket the templates, too, and the list of what to upload.",
		Example: "  package --architecture arm64 --bucket my-bucket",
		Exit:    "  0  written\n  1  something cannot be read or written",
	}
	flags := spec.Flags()
	dist := flags.String("dist", "dist", "the folder to work in")
	templates := flags.String("templates", "infra", "the folder of the templates")
	architecture := flags.String("architecture", "arm64", "what the functions were built for, as Lambda calls it: arm64 or x86_64")
	stack := flags.String("stack", "", "also check the parameters of this stack, gate or bluegreen, and write dist/parameters.json")
	file := flags.String("parameters", "", "the file with its parameters: a NAME=VALUE a line, or CloudFormation's JSON")
	bucket := flags.String("bucket", "", "the bucket that everything will be uploaded to")
	if err := spec.Parse(flags, args, stdout); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return command.Usagef("unexpected argument %q", flags.Arg(0))
	}
	made, err := archives(*dist)
	if err != nil {
		return err
	}
	if *bucket != "" {
		p := places{bucket: *bucket, architecture: *architecture, made: made}
		if made, err = p.templates(*templates, *dist); err != nil {
			return err
		}
	}
	if *stack != "" {
		if err := parameters(*file, *stack+".yml", *dist); err != nil {
			return err
		}
	}
	return list(stdout, *dist, *bucket, made)
}
