package taskdef

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

// roles checks the ARNs of a task's two roles; the short name of a role is allowed too.
func roles(c *checker) {
	for _, key := range []string{"taskRoleArn", "executionRoleArn"} {
		n := c.root.Get(key)
		a, fault := ParseARN(n.Str())
		switch isARN := strings.HasPrefix(n.Str(), "arn:"); {
		case !isARN && n.Str() != "" && consists(n.Str(), alphanumeric+"+=,.@_-/"):
			fault = ""
		case !isARN:
			fault = "is neither an ARN nor a role's name"
		case fault != "":
		case a.Service != "iam":
			fault = "is not of service iam"
		case a.Account == "":
			fault = "has no account"
		case a.Region != "":
			fault = "has a region, and roles have none"
		case !strings.HasPrefix(a.Resource, "role/") || a.Resource == "role/":
			fault = "is not a role's"
		}
		c.fault(n, key, fault, "arn:aws:iam::123456789012:role/NAME")
	}
	for _, container := range c.containers {
		n := container.Get("repositoryCredentials").Get("credentialsParameter")
		fault, _ := referenceFault(n.Str())
		if a, wrong := ParseARN(n.Str()); fault == "" && wrong == "" && a.Service != "secretsmanager" {
			fault = "is not a secret's"
		}
		c.fault(n, "credentialsParameter", fault, "arn:aws:secretsmanager:REGION:123456789012:secret:NAME-AbCdEf")
	}
}

func secretReferences(c *checker, container *template.Node) {
	for _, s := range secretsOf(container) {
		if n := s.Get("name"); n != nil && n.Kind == template.String && n.Text == "" {
			c.fail(n, "a secret without a name", "")
		}
		from := s.Get("valueFrom")
		switch fault, help := referenceFault(from.Str()); {
		case strings.HasPrefix(from.Str(), "arn:"):
			c.fault(from, "valueFrom", fault, help)
		case from != nil && from.Kind == template.String && fault != "": // it may be the secret itself
			c.fail(from, "valueFrom "+fault, help)
		}
	}
}

// secretsOf are the secrets of a container, and those of its logs.
func secretsOf(container *template.Node) []*template.Node {
	return slices.Concat(container.Get("secrets").List(), container.Get("logConfiguration").Get("secretOptions").List())
}

// referenceFault says what is wrong with the reference of a secret: a Secrets Manager ARN with or without
// its three last fields, the ARN of a parameter, or a parameter's name in the same region.
func referenceFault(s string) (fault, help string) {
	if !strings.HasPrefix(s, "arn:") {
		switch {
		case s == "":
			return "is empty", ""
		case !consists(s, alphanumeric+"_./-"):
			return "is neither an ARN nor a parameter's name", "a secret's value does not belong here, but where it is kept"
		}
		return "", ""
	}
	a, fault := ParseARN(s)
	const example = "arn:aws:secretsmanager:REGION:123456789012:secret:NAME-AbCdEf, or with a key of its JSON: …:KEY::"
	switch {
	case fault != "":
		return fault, example
	case a.Account == "" || a.Region == "":
		return "has no region or no account", example
	case a.Service == "ssm":
		if !strings.HasPrefix(a.Resource, "parameter/") || a.Resource == "parameter/" {
			return "is not a parameter's", "arn:aws:ssm:REGION:123456789012:parameter/NAME"
		}
	case a.Service == "secretsmanager":
		fields := strings.Split(a.Resource, ":")
		switch {
		case fields[0] != "secret" || len(fields) < 2 || fields[1] == "":
			return "is not a secret's", example
		case len(fields) != 2 && len(fields) != 5:
			return fmt.Sprintf("needs none or three colons after the secret's name, it has %d", len(fields)-2),
				"…:JSON-KEY:VERSION-STAGE:VERSION-ID, empty ones keep their colon: …:password::"
		case len(fields) == 5 && fields[3] != "" && fields[4] != "":
			return "names a version stage and a version id", "use one of them"
		}
	default:
		return "is of neither secretsmanager nor ssm", example
	}
	return "", ""
}

// secretNames finds names that ECS refuses: in secrets twice, or in secrets and environment.
func secretNames(c *checker, container *template.Node) {
	inEnvironment, inSecrets := map[string]bool{}, map[string]bool{}
	for _, e := range container.Get("environment").List() {
		if n := e.Get("name"); again(inEnvironment, n) {
			c.warn(n, n.Show()+" stands in environment twice", "the last one wins")
		}
	}
	for _, s := range container.Get("secrets").List() {
		n := s.Get("name")
		switch twice := again(inSecrets, n); {
		case inEnvironment[n.Str()] && !n.Unknown():
			c.fail(n, n.Show()+" stands in environment and in secrets", "remove one of them: --unset-env takes both away")
		case twice:
			c.fail(n, n.Show()+" stands in secrets twice", "")
		}
	}
}

// secretWords say in a variable's name that its value is a secret.
const secretWords = `(?i:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE|API_KEY|APIKEY|CREDENTIALS)`

var (
	looksSecret = regexp.MustCompile(secretWords)
	endsSecret  = regexp.MustCompile(secretWords + `$`)
	endsPublic  = regexp.MustCompile(`(?i)_(NAME|PATH|FILE|ID|ARN|PARAMETER)$`)
	isSwitch    = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|enabled|disabled|required|optional)$`)
)

// holdsSecret reports whether the value of a variable looks like a secret: by its name, unless the name goes on after
// the word and the value is a number, a time or a URL without a password (TOKEN_ENDPOINT, ACCESS_TOKEN_EXPIRE_MINUTES), or
// says where the secret is.
func holdsSecret(name, value string) bool {
	switch {
	case !looksSecret.MatchString(name), isReference(value), isSwitch.MatchString(value):
		return false
	case endsSecret.MatchString(name):
		return true
	}
	_, err := time.ParseDuration(value)
	plain := template.IsNumber(value) || err == nil || strings.Contains(value, "://") && !credentials.MatchString(value)
	return !plain && !endsPublic.MatchString(name)
}

// privateECR is an image in a private repository of ECR: ACCOUNT.dkr.ecr.REGION.…, or .dkr-ecr. of the dual-stack names.
var privateECR = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr\.`)

// credentials is a URL with a password.
var credentials = regexp.MustCompile(`://[^/@\s"]*:[^/@\s"]+@`)

// isReference reports whether a value only says where a secret is.
func isReference(value string) bool { return value == "" || strings.HasPrefix(value, "arn:") }

// isReferenceInCommand also accepts what the container's shell replaces: $NAME, "$NAME" and `…`.
func isReferenceInCommand(value string) bool {
	value = strings.TrimLeft(value, `"`)
	return isReference(value) || strings.HasPrefix(value, "$") || strings.HasPrefix(value, "`")
}

// secretsInText looks for secrets that everybody who may describe the task definition can read.
func secretsInText(c *checker) {
	references := map[*template.Node]bool{}
	for _, container := range c.containers {
		c.secretsIn(container)
		for _, s := range secretsOf(container) {
			references[s.Get("valueFrom")] = true
		}
	}
	said := map[diagnostic.Place]bool{}
	for _, p := range c.problems {
		said[p.Place] = said[p.Place] || p.Rule == c.rule
	}
	c.root.Walk(func(n *template.Node) {
		if n.Origin == nil || n.Unknown() || references[n] || len(n.Items)+len(n.Members) > 0 {
			return
		}
		for _, name := range n.Origin.Names() {
			if holdsSecret(name, n.Text) && !strings.Contains(n.Text, ":secret:") && !said[c.Doc.Place(n.At)] {
				c.warn(n, "$"+name+" looks like a secret, and everybody who may describe the task definition can read it here",
					"keep it in Secrets Manager or Parameter Store: --secret CONTAINER:NAME=ARN")
				return
			}
		}
	})
}

func (c *checker) secretsIn(container *template.Node) {
	for _, e := range container.Get("environment").List() {
		n, value := e.Get("name"), e.Get("value")
		if holdsSecret(n.Str(), value.Str()) && !n.Unknown() && !value.Unknown() {
			c.warn(value, n.Show()+" looks like a secret, and everybody who may describe the task definition can read it",
				fmt.Sprintf("--secret %s:%s=arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
					container.Get("name").Label(), n.Label()))
		}
	}
	words := container.Get("command").List()
	for i, w := range words {
		next := ""
		if i+1 < len(words) && !words[i+1].Unknown() {
			next = words[i+1].Str()
		}
		switch own, behind := secretWord(w.Str(), next); {
		case w.Unknown():
		case own || secretInScript(w.Str()):
			c.warn(w, "this word of the command looks like a secret", commandHelp(container))
		case behind:
			c.warn(words[i+1], "the word after "+w.Show()+" looks like a secret", commandHelp(container))
		}
	}
}

// secretWord reports whether a word of a command holds a secret (--token=…, TOKEN=…), or the next does (--token …).
func secretWord(word, next string) (own, behind bool) {
	key, value, assigned := strings.Cut(word, "=")
	if !looksSecret.MatchString(strings.ReplaceAll(key, "-", "_")) || strings.ContainsAny(key, " \t\n") {
		return false, false
	}
	own = assigned && !isReferenceInCommand(value)
	behind = !assigned && strings.HasPrefix(key, "-") && !strings.HasPrefix(next, "-") && !isReferenceInCommand(next)
	return own, behind
}

// secretInScript looks for secretWord in the words of a shell's script: ["sh", "-c", "app --token=…"].
func secretInScript(script string) bool {
	words := append(strings.Fields(script), "") // nothing stands behind the last one
	for i, next := range words[1:] {
		if own, behind := secretWord(words[i], next); (own || behind) && len(words) > 2 {
			return true
		}
	}
	return false
}

func commandHelp(container *template.Node) string {
	return fmt.Sprintf("--secret %s:NAME=arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, and $NAME in the command",
		container.Get("name").Label())
}

// executionRole checks that there is a role when ECS itself fetches or writes something for a container.
func executionRole(c *checker) {
	if c.root.Get("executionRoleArn") != nil {
		return
	}
	for _, container := range c.containers {
		logs := container.Get("logConfiguration")
		for key, n := range map[string]*template.Node{
			"secrets": container.Get("secrets"), "repositoryCredentials": container.Get("repositoryCredentials"),
			"secretOptions": logs.Get("secretOptions"),
		} {
			if n != nil && len(n.Items)+len(n.Members) > 0 {
				c.fail(n, key+" of container "+name(container)+" need an executionRoleArn", "ECS reads them with that role")
			}
		}
		if image := container.Get("image"); c.fargate && privateECR.MatchString(image.Str()) {
			c.fail(image, "Fargate pulls the image of container "+name(container)+
				" from ECR with the execution role, and executionRoleArn is not set", "arn:aws:iam::123456789012:role/NAME")
		}
		if driver := logs.Get("logDriver"); c.fargate && driver.Str() == "awslogs" {
			c.fail(driver, "awslogs on Fargate needs an executionRoleArn", "ECS writes the logs with that role")
		}
	}
}

// environmentNames checks names, and warns of those that the agent sets itself.
func environmentNames(c *checker, container *template.Node) {
	ofAgent := strings.Fields("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_EXECUTION_ENV ECS_CONTAINER_METADATA_URI " +
		"ECS_CONTAINER_METADATA_URI_V4 ECS_AGENT_URI")
	for _, e := range container.Get("environment").List() {
		n := e.Get("name")
		switch {
		case e.Kind != template.Object || n.Unknown():
		case n == nil:
			c.fail(e, "a variable without a name", "")
		case n.Str() == "" || strings.Contains(n.Text, "="):
			c.fault(n, "environment name", "is empty or has a =", "")
		case slices.Contains(ofAgent, n.Text):
			c.warn(n, n.Show()+" is set by the ECS agent itself", "remove it")
		}
	}
}

func environmentFiles(c *checker, container *template.Node) {
	c.atMost(container, "environmentFiles", 10)
	for _, f := range container.Get("environmentFiles").List() {
		n := f.Get("value")
		a, fault := ParseARN(n.Str())
		switch {
		case fault != "":
		case a.Service != "s3":
			fault = "is not of service s3"
		case !strings.HasSuffix(a.Resource, ".env"):
			fault = "does not end in .env"
		}
		c.fault(n, "environment file", fault, "arn:aws:s3:::BUCKET/PATH.env")
	}
}

// assignments warns of a command that begins with NAME=value, which only a shell would understand.
func assignments(c *checker, container *template.Node) {
	words := container.Get("command").List()
	if len(words) == 0 || len(container.Get("entryPoint").List()) > 0 {
		return
	}
	if name, _, ok := strings.Cut(words[0].Str(), "="); ok && template.IsName(name) {
		c.warn(words[0], "the command begins with an assignment, which no shell reads: it is taken for the program",
			`set it in environment (--env), or begin with "sh", "-c"`)
	}
}

// machineVariables warns of variables that every machine has, in texts that a container's shell would expand itself.
func machineVariables(c *checker) {
	ours := strings.Fields("HOSTNAME HOME PATH PWD OLDPWD USER LOGNAME SHELL TMPDIR LANG TERM TAG AWS_REGION " +
		"AWS_DEFAULT_REGION AWS_EXECUTION_ENV ECS_TASK_ID ECS_CLUSTER")
	inContainer(c.root, func(n *template.Node) {
		if n.Origin == nil || c.OfMachine == nil || n.Unknown() {
			return
		}
		for _, name := range n.Origin.Names() {
			if slices.Contains(ours, name) && c.OfMachine(name) {
				c.warn(n, name+" has the value of the machine that renders, and not the container's",
					"write $$"+name+" to leave it to the container, or --var "+name+"=… to mean it")
			}
		}
	})
}
