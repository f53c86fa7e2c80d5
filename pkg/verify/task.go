package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/greenlight-ecs/greenlight/pkg/appspec"
	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// image looks up an image for the task's platform. It takes a name in a private repository apart: account, region,
// repository, tag, digest, which wins over a tag.
func (v *verifier) image(ctx context.Context, n appspec.Value) {
	part := regexp.MustCompile(`^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[^/]+/([^:@]+)(?::([^:@]+))?(?:@(.+))?$`).
		FindStringSubmatch(n.Text)
	if part == nil {
		v.tell("image", n, doubt("was not looked up: it is not in a private repository of Amazon ECR", ""))
		return
	}
	id := types.ImageIdentifier{ImageDigest: &part[5]}
	if part[5] == "" {
		id = types.ImageIdentifier{ImageTag: aws.String(cmp.Or(part[4], "latest"))}
	}
	v.look(ctx, "image", n, func(ctx context.Context) error {
		client := ecr.NewFromConfig(v.in(part[2]))
		out, err := client.BatchGetImage(ctx, &ecr.BatchGetImageInput{
			RegistryId: &part[1], RepositoryName: &part[3], ImageIds: []types.ImageIdentifier{id},
			AcceptedMediaTypes: []string{
				"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
				"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
			},
		})
		switch {
		case err != nil:
			return err
		case len(out.Images) > 0:
			return v.platform(ctx, client, out.Images[0])
		case len(out.Failures) > 0 && out.Failures[0].FailureCode != types.ImageFailureCodeImageNotFound:
			return errors.New(string(out.Failures[0].FailureCode))
		}
		return wrong("does not exist: the repository has no such tag or digest", "push it first")
	})
}

// platform holds an image against the task's platform.
func (v *verifier) platform(ctx context.Context, client *ecr.Client, image types.Image) error {
	task, system, cpu := v.Task.Root.Get("runtimePlatform"), "linux", "amd64"
	if strings.HasPrefix(task.Get("operatingSystemFamily").Str(), "WINDOWS") {
		system = "windows"
	}
	switch {
	case task.Get("cpuArchitecture").Str() == "ARM64":
		cpu = "arm64"
	case task.Get("cpuArchitecture") == nil && !v.Task.Fargate:
		return nil // it is that of the instances
	}
	type platform struct{ OS, Architecture string }
	var manifest struct {
		Manifests []struct{ Platform platform }
		Config    struct{ Digest string }
	}
	err := json.Unmarshal([]byte(aws.ToString(image.ImageManifest)), &manifest)
	if err == nil && len(manifest.Manifests) == 0 {
		manifest.Manifests = append(manifest.Manifests, struct{ Platform platform }{})
		err = v.configuration(ctx, client, &ecr.GetDownloadUrlForLayerInput{
			RegistryId: image.RegistryId, RepositoryName: image.RepositoryName, LayerDigest: &manifest.Config.Digest,
		}, &manifest.Manifests[0].Platform)
	}
	var has []string
	for _, m := range manifest.Manifests {
		if m.Platform.Architecture != "unknown" { // which is how its provenance is kept
			has = append(has, m.Platform.OS+"/"+m.Platform.Architecture)
		}
	}
	if want := system + "/" + cpu; err == nil && !slices.Contains(has, want) {
		const help = "build it for that, or change runtimePlatform"
		return wrong(fmt.Sprintf("is for %s, and the task runs on %s", strings.Join(has, ", "), want), help)
	}
	return err
}

// configuration reads an image's configuration, from a signed URL that no error shows.
func (v *verifier) configuration(
	ctx context.Context, client *ecr.Client, in *ecr.GetDownloadUrlForLayerInput, to any,
) error {
	out, err := client.GetDownloadUrlForLayer(ctx, in)
	if err != nil {
		return doubt("exists, and its platform "+unclear(err), "")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, aws.ToString(out.DownloadUrl), http.NoBody)
	if err == nil {
		var answer *http.Response
		if answer, err = v.AWS.HTTPClient.Do(r); err == nil { // and has read all of it
			err = cmp.Or(json.NewDecoder(answer.Body).Decode(to), answer.Body.Close())
		}
	}
	if err != nil {
		return doubt("exists, and its configuration, which has its platform, could not be read", "")
	}
	return nil
}

// role looks up a role, by its ARN or name, and whether a service may take it.
func (v *verifier) role(service string) func(context.Context, appspec.Value) {
	return func(ctx context.Context, n appspec.Value) {
		v.look(ctx, "role", n, func(ctx context.Context) error {
			name := n.Text[strings.LastIndex(n.Text, "/")+1:]
			out, err := iam.NewFromConfig(v.AWS).GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
			if err != nil {
				return err
			}
			if arn := aws.ToString(out.Role.Arn); strings.HasPrefix(n.Text, "arn:") && n.Text != arn {
				return wrong("does not exist: the role of that name is "+arn, "")
			}
			if !trusts(aws.ToString(out.Role.AssumeRolePolicyDocument), service) {
				return wrong("does not trust "+service, "its trust policy must allow that service sts:AssumeRole")
			}
			return nil
		})
	}
}

// trusts reports whether a trust policy, which comes as in a URL, lets a service take the role, conditions aside.
func trusts(policy, service string) bool {
	type statement struct {
		Effect            string
		Action, Principal json.RawMessage // each alone or in a list
	}
	var one struct{ Statement statement }
	var all struct{ Statement []statement }
	text, _ := url.PathUnescape(policy)
	if json.Unmarshal([]byte(text), &all) != nil && json.Unmarshal([]byte(text), &one) == nil {
		all.Statement = append(all.Statement, one.Statement)
	}
	takes := regexp.MustCompile(`(?i)"(sts:assumerole|sts:\*|\*)"`)
	return slices.ContainsFunc(all.Statement, func(s statement) bool {
		anybody, named := string(s.Principal) == `"*"`, strings.Contains(string(s.Principal), strconv.Quote(service))
		return s.Effect == "Allow" && takes.Match(s.Action) && (anybody || named)
	})
}

// logGroup looks up where awslogs writes to, or whether the execution role may create it.
func (v *verifier) logGroup(ctx context.Context, n appspec.Value, options *template.Node) {
	v.look(ctx, "log group", n, func(ctx context.Context) error {
		cfg, role := v.in(options.Get("awslogs-region").Str()), v.Task.Root.Get("executionRoleArn").Str()
		_, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogStreams(ctx,
			&cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &n.Text, Limit: aws.Int32(1)})
		if options.Get("awslogs-create-group").Str() != "true" || !awsclient.IsCode(err, "ResourceNotFoundException") {
			return err
		}
		arn, _ := taskdef.ParseARN(role)
		out, err := iam.NewFromConfig(v.AWS).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &role, ActionNames: []string{"logs:CreateLogGroup"}, ResourceArns: []string{
				fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", arn.Partition, cfg.Region, arn.Account, n.Text),
			},
		})
		if err != nil {
			return doubt("does not exist, and the right to create it "+unclear(err), "")
		}
		if len(out.EvaluationResults) != 1 || out.EvaluationResults[0].EvalDecision != "allowed" {
			return wrong("does not exist, and the execution role may not create it", "allow it logs:CreateLogGroup")
		}
		return nil
	})
}

// reference looks up what a valueFrom names: a secret, or a parameter, which is not decrypted.
func (v *verifier) reference(ctx context.Context, n appspec.Value) {
	arn, _ := taskdef.ParseARN(n.Text)
	if arn.Service == "secretsmanager" {
		v.secret(ctx, n)
		return
	}
	v.look(ctx, "parameter", appspec.Value{Text: "…", Place: n.Place}, func(ctx context.Context) error {
		_, err := ssm.NewFromConfig(v.in(arn.Region)).GetParameter(ctx, &ssm.GetParameterInput{Name: &n.Text})
		if err != nil && !awsclient.IsCode(err, "ParameterNotFound", "ParameterVersionNotFound") {
			return doubt(strings.ReplaceAll(unclear(err), n.Text, "…"), "")
		}
		return err
	})
}

// secret looks up a secret by its name or ARN, behind which a key, a version's stage and its id may stand.
func (v *verifier) secret(ctx context.Context, n appspec.Value) {
	arn, _ := taskdef.ParseARN(n.Text)
	part := strings.Split(n.Text, ":")
	v.look(ctx, "secret", n, func(ctx context.Context) error {
		id, client := strings.Join(part[:min(7, len(part))], ":"), secretsmanager.NewFromConfig(v.in(arn.Region))
		out, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
		switch {
		case err != nil:
			return err
		case out.DeletedDate != nil:
			return wrong("is scheduled for deletion", "restore it")
		case len(part) < 10:
			return nil
		case !v.SecretKeys:
			return doubt("was not searched for the key or version that is named", "--secret-keys reads it, and shows nothing")
		}
		in := secretsmanager.GetSecretValueInput{SecretId: &id}
		if part[8] != "" {
			in.VersionStage = &part[8]
		}
		if part[9] != "" {
			in.VersionId = &part[9]
		}
		got, err := client.GetSecretValue(ctx, &in)
		if awsclient.IsCode(err, "ResourceNotFoundException") {
			return wrong("has no such version", "")
		} else if err != nil {
			return err
		}
		var fields map[string]json.RawMessage // of a secret that is no JSON there are none
		_ = json.Unmarshal([]byte(aws.ToString(got.SecretString)), &fields)
		if _, ok := fields[part[7]]; !ok && part[7] != "" {
			return wrong("has no key "+template.Quote(part[7]), "")
		}
		return nil
	})
}
