package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
	"github.com/greenlight-ecs/greenlight/pkg/draft"
	"github.com/greenlight-ecs/greenlight/pkg/rollout"
	"github.com/greenlight-ecs/greenlight/pkg/smoke"
	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// initial are the files that init writes, where it has no better text; @NAME@ and so on stand for what it found.
//
//go:embed initial
var initial embed.FS

type first struct {
	session
	url, dockerfile, name string
	force                 bool
	found, texts          map[string]string // what @NAME@ stands for; the better texts
	notes                 string
}

func initCommand(at surroundings) *cli.Command {
	i := &first{session: session{at: at}, dockerfile: "Dockerfile", texts: map[string]string{}}
	return does("init", cli.Flags{
		"service": &i.service, "url": &i.url, "dockerfile": &i.dockerfile, "name": &i.name, "force": &i.force,
	}, i.wrong, i.run)
}

// wrong says what is wrong with the flags, or which files are there.
func (i *first) wrong(_ *cli.Command, args []string) error {
	if i.name == "" {
		folder, _ := os.Getwd()
		i.name = regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(filepath.Base(filepath.Join(folder, i.service)), "-")
	}
	there := slices.DeleteFunc(written(), func(name string) bool {
		_, err := os.Lstat(name)
		return err != nil || i.force
	})
	_, err := smoke.BaseURL(i.url)
	named := regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`).MatchString(i.name)
	return cmp.Or(
		cli.When(len(args) > 0 || i.service == "" && i.url == "",
			"want --service or --url, and no arguments: of which application?"),
		cli.When(err != nil && i.url != "", "--url: %v", err),
		cli.When(!named, "--name wants at most 40 letters, digits, - and _"),
		cli.When(len(there) > 0, "there already: %s; --force replaces what is there", strings.Join(there, ", ")),
		i.choose(false),
	)
}

// written are the files, in the order in which they are read.
func written() []string {
	return strings.Fields("taskdef_src.json appspec.yaml smoke.yaml buildspec.yml")
}

func (i *first) run(ctx context.Context) int {
	i.found = map[string]string{"NAME": i.name, "CONTAINER": i.name, "RELEASE": "1", "OLD": i.name + ":new"}
	if i.service == "" { // before signals are taken: it may be a pipe to which nobody writes
		if err := i.image(); err != nil {
			return i.failed(exitRefused, "%v", err)
		}
	}
	ctx, stop := i.at.interruptible(ctx)
	defer stop()
	code, err := i.write(ctx)
	switch {
	case ctx.Err() != nil:
		return i.failed(cli.ExitInterrupted, "interrupted")
	case err != nil:
		return i.failed(code, "%v", err)
	}
	return cli.ExitOK
}

// write finds out, writes all files or none, and says what to do next. The code is the error's.
func (i *first) write(ctx context.Context) (int, error) {
	if i.service != "" {
		if code, err := i.running(ctx); err != nil {
			return code, err
		}
	}
	if err := i.suite(ctx); err != nil {
		return exitNotLive, err
	}
	files := cli.Run{Stderr: i.at.stderr}
	var all []cli.Output
	for _, name := range written() {
		all = append(all, cli.Output{Name: name, Data: []byte(i.text(name))})
	}
	if files.Write(all...); files.Failed() {
		files.End()
		return exitUnknown, errors.New("not all files could be written")
	}
	doc, _ := template.Reader{}.Read(written()[0], i.text(written()[0]))
	for _, u := range doc.Uses() {
		if u.Required && u.Name != "ECR_LATEST_IMAGE_URL" {
			i.found["VARS"] += " --var " + u.Name + "=" + cmp.Or(map[string]string{
				"AWS_DEFAULT_REGION": "eu-west-1", "TASK_EXECUTION_ROLE_ARN": "arn:aws:iam::123456789012:role/NAME", "LOG_GROUP": "/ecs/NAME",
			}[u.Name], "arn:aws:secretsmanager:eu-west-1:123456789012:secret:NAME-AbCdEf")
		}
	}
	_, err := io.WriteString(i.at.stdout, "wrote "+strings.Join(written(), ", ")+"\n"+i.notes+i.text("next.txt"))
	return exitUnknown, err
}

// text is a file's.
func (i *first) text(name string) string {
	if better := i.texts[name]; better != "" {
		return better
	}
	text, _ := initial.ReadFile("initial/" + name) // it is there
	return regexp.MustCompile(`@[A-Z]+@`).ReplaceAllStringFunc(string(text), func(at string) string { return i.found[strings.Trim(at, "@")] })
}

// image reads the port that the last stage of the Dockerfile exposes: the URL's where it is among them or none is.
func (i *first) image() error {
	text, err := cli.ReadFile(i.dockerfile, i.at.stdin)
	if err != nil {
		return err
	}
	stages := regexp.MustCompile(`(?mi)^\s*FROM\s`).Split(strings.TrimPrefix(text, "\ufeff"), -1)
	if len(stages) == 1 {
		return fmt.Errorf("%s has no FROM: is it a Dockerfile?", i.dockerfile)
	}
	var ports []string
	for _, line := range regexp.MustCompile(`(?mi)^\s*EXPOSE\s+(.*)$`).FindAllStringSubmatch(stages[len(stages)-1], -1) {
		for _, port := range strings.Fields(line[1]) {
			port = strings.TrimSuffix(strings.ToLower(port), "/tcp")
			if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
				ports = append(ports, port)
			}
		}
	}
	at, _ := url.Parse(i.url) // it was checked
	port := at.Port()
	if len(ports) > 0 && !slices.Contains(ports, port) {
		port = ports[0]
	}
	if i.found["PORT"] = port; port == "" {
		return fmt.Errorf("the last stage of %s names no port by EXPOSE, and --url has none: add EXPOSE, or give --url with a port", i.dockerfile)
	}
	if len(ports) > 1 {
		i.notes += line(fmt.Sprintf("%s exposes %s: %s is taken", i.dockerfile, strings.Join(ports, ", "), port))
	}
	return nil
}

// running reads what the service runs.
func (i *first) running(ctx context.Context) (int, error) {
	if err := i.connect(ctx); err != nil {
		return exitUnknown, err
	}
	s, err := i.controller.(rollout.Native).Describe(ctx) //nolint:forcetypeassert // a service's
	if err != nil {
		return exitUnknown, err
	}
	text, err := i.aws.Definition(ctx, aws.ToString(s.TaskDefinition))
	switch {
	case err != nil:
		return exitUnknown, err
	case text == "" || len(s.LoadBalancers) == 0 || !plain(aws.ToString(s.LoadBalancers[0].ContainerName)):
		return exitRefused, fmt.Errorf("%s has no task definition, or no load balancer before it", i.service)
	}
	container := aws.ToString(s.LoadBalancers[0].ContainerName)
	made, problems := taskdef.Template("the running task definition", text, container, draft.SecretValue)
	if len(problems) > 0 {
		return exitRefused, fmt.Errorf("%s: %s", problems[0].Place, problems[0].Text)
	}
	i.found["CONTAINER"], i.found["PORT"] = container, fmt.Sprint(aws.ToInt32(s.LoadBalancers[0].ContainerPort))
	if plain(made.Image) {
		i.found["OLD"] = made.Image
	}
	i.texts[written()[0]] = string(made.Root.JSON())
	for n, p := range s.CapacityProviderStrategy {
		i.found["PROVIDERS"] += []string{"        CapacityProviderStrategy:\n", ""}[min(n, 1)] + fmt.Sprintf(
			"          - CapacityProvider: %q\n            Weight: %d\n            Base: %d\n", aws.ToString(p.CapacityProvider), p.Weight, p.Base)
	}
	if by := s.DeploymentController; by == nil || by.Type == types.DeploymentControllerTypeEcs {
		i.notes = "Amazon ECS deploys the service itself: appspec.yaml is for CodeDeploy; rehearse --controller native takes none\n"
	}
	for _, name := range slices.Sorted(maps.Keys(made.Hidden)) {
		i.notes += line(made.Hidden[name] + " looks like a secret, and is not written: keep it in Secrets Manager; ${" + name + "} stands for it")
	}
	return 0, nil
}

// plain reports whether a foreign text can stand in a file, or in a shell's line.
func plain(text string) bool { return regexp.MustCompile(`^[\w./:@-]+$`).MatchString(text) }

// suite drafts one from what the application answers.
func (i *first) suite(ctx context.Context) error {
	if i.found["URL"] = i.url; i.url == "" {
		i.found["URL"] = "http://localhost:" + i.found["PORT"]
		return nil
	}
	d := draft.New()
	d.Name, d.Tell = i.name, func(int, int) {}
	d.Env = func(string) (string, bool) { return "", false } // nothing that is asked here needs any
	d.Target, _ = smoke.BaseURL(i.url)                       // it was checked
	err := d.Crawl(ctx)
	if err == nil {
		err = d.Observe(ctx)
	}
	if err == nil {
		i.texts["smoke.yaml"], _, err = d.Suite()
	}
	if plain(d.Release()) {
		i.found["RELEASE"] = d.Release()
	}
	for _, through := range d.LetThrough() {
		i.notes += line("smoke.yaml would let through " + through)
	}
	return err
}
