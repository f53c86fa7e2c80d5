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
	var dist, templates, architecture, stack, file, bucket string
	flags.String(&dist, "dist", "dist", "the `FOLDER` to work in")
	flags.String(&templates, "templates", "infra", "the `FOLDER` of the templates")
	flags.String(&architecture, "architecture", "arm64", "the `PROCESSOR` that the functions were built for, as Lambda calls it: arm64 or x86_64")
	flags.String(&stack, "stack", "", "also check the parameters of this `STACK`, gate or bluegreen, and write dist/parameters.json")
	flags.String(&file, "parameters", "", "the `FILE` with its parameters: a NAME=VALUE a line, or CloudFormation's JSON")
	flags.String(&bucket, "bucket", "", "the `BUCKET` that everything will be uploaded to")
	if err := spec.Parse(flags, args, stdout); err != nil {
		return err
	}
	if len(flags.Args()) > 0 {
		return command.Usagef("unexpected argument %q", flags.Args()[0])
	}
	made, err := archives(dist)
	if err != nil {
		return err
	}
	if bucket != "" {
		p := places{bucket: bucket, architecture: architecture, made: made}
		if made, err = p.templates(templates, dist); err != nil {
			return err
		}
	}
	if stack != "" {
		if err := parameters(file, stack+".yml", dist); err != nil {
			return err
		}
	}
	return list(stdout, dist, bucket, made)
}
