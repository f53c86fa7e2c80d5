package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

type values struct {
	session
	from []string
	// found are the values by their variables' names, sources where each comes from.
	found, sources map[string]string
}

func valuesCommand(at surroundings) *cli.Command {
	v := &values{session: session{at: at}, found: map[string]string{}, sources: map[string]string{}}
	return does("values", cli.Flags{"env-from": &v.from}, v.wrong, at.until(v.run))
}

// wrong says what is wrong with the flags.
func (v *values) wrong(_ *cli.Command, args []string) error {
	if len(args) > 0 || len(v.from) == 0 {
		return cli.Usagef("want --env-from SOURCE, and nothing else")
	}
	for _, from := range v.from {
		if kind, name, _ := strings.Cut(from, ":"); name == "" || !slices.Contains([]string{"cfn", "ssm", "tfstate"}, kind) {
			return cli.Usagef("--env-from: want cfn:STACK, ssm:/PATH/ or tfstate:FILE")
		}
	}
	return nil
}

// errRefused says that a source was read, and holds what does not belong in an env file.
var errRefused = errors.New("refused")

func (v *values) run(ctx context.Context) int {
	for _, from := range v.from {
		if err := v.source(ctx, from); err != nil {
			code := map[bool]int{true: exitRefused, false: exitUnknown}[errors.Is(err, errRefused)]
			return v.failed(code, "%s: %v", from, err)
		}
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "\n", `\n`, "\r", `\r`, "\t", `\t`)
	text := ""
	for _, name := range slices.Sorted(maps.Keys(v.found)) {
		text += name + `="` + escape.Replace(v.found[name]) + "\"\n"
	}
	if _, err := io.WriteString(v.at.stdout, text); err != nil {
		return v.failed(exitUnknown, "%v", err)
	}
	return 0
}

func (v *values) source(ctx context.Context, from string) error {
	kind, name, _ := strings.Cut(from, ":")
	if state, inS3 := strings.CutPrefix(name, "s3://"); kind == "tfstate" && !inS3 {
		file, err := os.Open(state)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // only read
		return v.state(from, file)
	}
	cfg, err := configuration(ctx)
	if err != nil {
		return err
	}
	switch kind {
	case "cfn":
		out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return awsclient.Error(err)
		}
		if len(out.Stacks) != 1 {
			return errors.New("there is no such stack")
		}
		for _, o := range out.Stacks[0].Outputs {
			err = errors.Join(err, v.add(from, aws.ToString(o.OutputKey), aws.ToString(o.OutputValue), false))
		}
		return err
	case "ssm":
		return v.parameters(ctx, ssm.NewFromConfig(cfg), from, name)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(name, "s3://"), "/")
	api := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return awsclient.Error(err)
	}
	return v.state(from, out.Body)
}

func (v *values) parameters(ctx context.Context, api *ssm.Client, from, path string) (err error) {
	pages := ssm.NewGetParametersByPathPaginator(api, &ssm.GetParametersByPathInput{Path: &path, Recursive: aws.Bool(true)})
	for pages.HasMorePages() {
		page, wrong := pages.NextPage(ctx)
		if wrong != nil {
			return awsclient.Error(wrong)
		}
		for _, p := range page.Parameters {
			name := strings.Trim(strings.TrimPrefix(aws.ToString(p.Name), path), "/")
			err = errors.Join(err, v.add(from, name, aws.ToString(p.Value), p.Type == types.ParameterTypeSecureString))
		}
	}
	if len(v.found) == 0 && err == nil {
		err = errors.New("there are no parameters")
	}
	return err
}

// state reads the outputs of Terraform's state.
func (v *values) state(from string, text io.Reader) (err error) {
	var state struct {
		Outputs map[string]struct {
			Value     json.RawMessage
			Sensitive bool
		}
	}
	if err := json.NewDecoder(io.LimitReader(text, awsclient.MaxAnswer)).Decode(&state); err != nil {
		return errors.New("that is not a state of Terraform's") // the decoder's own words could hold a value
	}
	for _, name := range slices.Sorted(maps.Keys(state.Outputs)) {
		o := state.Outputs[name]
		value := string(o.Value)
		_ = json.Unmarshal(o.Value, &value) // what is no text stays JSON
		err = errors.Join(err, v.add(from, name, value, o.Sensitive))
	}
	return err
}

// add adds a value under a name that a variable may have.
func (v *values) add(from, name, value string, secret bool) error {
	variable := strings.NewReplacer("/", "_", "-", "_", ".", "_").Replace(name)
	switch {
	case secret:
		return fmt.Errorf("%w: %s is a secret; name it in the task definition: render-taskdef --secret CONTAINER:%s=REFERENCE",
			errRefused, name, variable)
	case !template.IsName(variable):
		return fmt.Errorf("%w: %q is not a name that a variable may have", errRefused, name)
	case v.sources[variable] != "":
		return fmt.Errorf("%w: %s comes from %s, too", errRefused, variable, v.sources[variable])
	}
	v.found[variable], v.sources[variable] = value, from
	return nil
}
