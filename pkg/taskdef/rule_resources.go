package taskdef

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/template"
)

func logOptions(c *checker, container *template.Node) {
	logs := container.Get("logConfiguration")
	if logs.Get("logDriver").Str() != "awslogs" {
		return
	}
	options := logs.Get("options")
	known := []string{
		"awslogs-create-group", "awslogs-region", "awslogs-group", "awslogs-stream-prefix",
		"awslogs-datetime-format", "awslogs-multiline-pattern", "mode", "max-buffer-size",
	}
	for _, m := range cmp.Or(options, &template.Node{}).Members {
		if near, ok := diagnostic.Nearest(m.Key, known); ok {
			c.fail(&template.Node{At: m.KeyAt}, "unknown option "+m.Show()+" of awslogs", "did you mean "+template.Quote(near)+"?")
		}
	}
	for _, key := range []string{"awslogs-group", "awslogs-region", "awslogs-stream-prefix"} {
		n, needed := options.Get(key), c.fargate || key != "awslogs-stream-prefix"
		if needed && (n == nil || n.Kind == template.String && n.Text == "") {
			c.fail(cmp.Or(n, options, logs), "awslogs needs the option "+key, "")
		}
	}
	if a, b := options.Get("awslogs-datetime-format"), options.Get("awslogs-multiline-pattern"); a != nil && b != nil {
		c.fail(b, "awslogs-datetime-format and awslogs-multiline-pattern cannot stand together", "")
	}
	if m := options.Get("mode"); m.Str() != "blocking" && m.Str() != "non-blocking" {
		c.fault(m, "mode", "is neither blocking nor non-blocking", "")
	}
}

func volumes(c *checker) {
	seen := map[string]bool{}
	for _, v := range c.root.Get("volumes").List() {
		n := v.Get("name")
		switch {
		case v.Kind != template.Object || n.Unknown():
			continue
		case n == nil:
			c.fail(v, "a volume without a name", "")
			continue
		case !IsName(n.Str()):
			c.fail(n, "volume name "+n.Show()+" is not a name that ECS takes", NameHelp)
		case again(seen, n):
			c.fail(n, "a second volume called "+n.Show(), "")
		}
		c.fileSystem(v.Get("efsVolumeConfiguration"))
		var kinds []string
		for _, m := range v.Members {
			if m.Key == "host" && len(m.Value.Members) > 0 || m.Key == "configuredAtLaunch" && m.Value.Text == "true" ||
				strings.HasSuffix(m.Key, "VolumeConfiguration") {
				kinds = append(kinds, m.Label())
			}
		}
		if len(kinds) > 1 {
			c.fail(v, "volume "+n.Show()+" has "+strings.Join(kinds, " and "), "a volume is of one kind")
		}
	}
}

func mountPoints(c *checker, container *template.Node) {
	declared := map[string]bool{}
	var shown []string
	unknown := false // a volume whose name has no value may be the one that is meant
	for _, v := range c.root.Get("volumes").List() {
		if n := v.Get("name"); n != nil {
			unknown = unknown || n.Unknown()
			declared[n.Str()] = true
			if len(shown) <= mostShown {
				shown = append(shown, n.Show())
			}
		}
	}
	help := "there are no volumes"
	if len(shown) > 0 {
		help = "volumes are " + listed(shown)
	}
	for _, m := range container.Get("mountPoints").List() {
		n := m.Get("sourceVolume")
		if n.Str() != "" && !declared[n.Str()] && !unknown {
			c.fail(n, "sourceVolume "+n.Show()+" is not a volume of the task", help)
		}
	}
	for _, m := range container.Get("volumesFrom").List() {
		n := m.Get("sourceContainer")
		other := named(c.containers, n.Str())
		if n.Str() != "" && !n.Unknown() && !c.unnamed() && (other == nil || other == container) {
			c.fail(n, "sourceContainer "+n.Show()+" is not another container of the task", c.containersHelp())
		}
	}
}

// again reports whether a text has been seen before, and notes it.
func again(seen map[string]bool, n *template.Node) bool {
	if n.Str() == "" || n.Unknown() {
		return false
	}
	twice := seen[n.Text]
	seen[n.Text] = true
	return twice
}

func ulimits(c *checker, container *template.Node) {
	seen := map[string]bool{}
	for _, u := range container.Get("ulimits").List() {
		if n := u.Get("name"); again(seen, n) {
			c.fail(n, "ulimit "+n.Show()+" stands here twice", "")
		}
		soft, isSoft := number(u.Get("softLimit"))
		hard, isHard := number(u.Get("hardLimit"))
		if isSoft && isHard && hard >= 0 && (soft > hard || soft < 0) { // -1 is unlimited
			n := u.Get("softLimit")
			c.fail(n, "softLimit "+n.Show()+" is above hardLimit "+u.Get("hardLimit").Show(), "")
		}
	}
}

// containerLimits checks ranges that the model does not hold.
func containerLimits(c *checker, container *template.Node) {
	restart := container.Get("restartPolicy")
	c.within(restart, "restartAttemptPeriod", 60, 1800)
	c.atMost(restart, "ignoredExitCodes", 50)
	c.within(container.Get("linuxParameters"), "swappiness", 0, 100)
	router := func(container *template.Node) bool { return container.Get("firelensConfiguration") != nil }
	user := func(container *template.Node) bool { return logDriver(container).Str() == "awsfirelens" }
	if user(container) && !slices.ContainsFunc(c.containers, router) {
		c.fail(logDriver(container), "awsfirelens needs a container with a firelensConfiguration", "")
	}
	if !router(container) {
		return
	}
	if !slices.ContainsFunc(c.containers, user) {
		c.fail(container.Get("firelensConfiguration"), "no container logs to container "+name(container)+
			", which has a firelensConfiguration: ECS refuses that", `"logConfiguration": {"logDriver": "awsfirelens"} for one`)
	}
	id, _, _ := strings.Cut(container.Get("user").Str(), ":")
	if n := container.Get("user"); n != nil && id != "" && id != "0" && id != "root" {
		c.fail(n, "container "+name(container)+" has a firelensConfiguration and must run as root, not as "+n.Show(), "")
	}
}

func logDriver(container *template.Node) *template.Node {
	return container.Get("logConfiguration").Get("logDriver")
}

// fileSystem checks a volume of EFS.
func (c *checker) fileSystem(efs *template.Node) {
	authorization, root := efs.Get("authorizationConfig"), efs.Get("rootDirectory")
	point := authorization.Get("accessPointId")
	if point.Str() != "" && root.Str() != "" && root.Text != "/" {
		c.fail(root, "rootDirectory is "+root.Show()+" beside an accessPointId, which has its own", "leave rootDirectory out")
	}
	iam := authorization.Get("iam")
	if encrypted := efs.Get("transitEncryption"); (point.Str() != "" || iam.Str() == "ENABLED") && encrypted.Str() != "ENABLED" {
		c.fail(cmp.Or(encrypted, authorization), "an access point or IAM needs transitEncryption",
			`"transitEncryption": "ENABLED"`)
	}
}

func taskLimits(c *checker) {
	c.within(c.root.Get("ephemeralStorage"), "sizeInGiB", 21, 200)
	c.atMost(c.root, "placementConstraints", 10)
	for key, end := range map[string]string{
		"proxyConfiguration": "AWS App Mesh ended in September 2026", "inferenceAccelerators": "Elastic Inference ended in 2024",
	} {
		if n := c.root.Get(key); n != nil && len(n.Items)+len(n.Members) > 0 {
			c.warn(n, key+" is for a service that is no more: "+end, "remove it")
		}
	}
	if proxy := c.root.Get("proxyConfiguration").Get("containerName"); proxy.Str() != "" && named(c.containers, proxy.Text) == nil {
		c.fail(proxy, "containerName "+proxy.Show()+" of the proxy is not a container of the task", c.containersHelp())
	}
}

func tags(c *checker) {
	c.atMost(c.root, "tags", 50)
	seen := map[string]bool{}
	for _, t := range c.root.Get("tags").List() {
		key, value := t.Get("key"), t.Get("value")
		switch {
		case t.Kind != template.Object || key.Unknown():
			continue
		case key.Str() == "":
			c.fail(cmp.Or(key, t), "a tag without a key", "")
			continue
		case len([]rune(key.Text)) > 128:
			c.fail(key, "a tag's key is longer than 128 characters", "")
		case strings.HasPrefix(strings.ToLower(key.Text), "aws:"):
			c.fail(key, "a tag's key begins with aws:, which AWS keeps for itself", "")
		case again(seen, key):
			c.fail(key, "tag "+key.Show()+" stands here twice", "")
		}
		if len([]rune(value.Str())) > 256 {
			c.fail(value, "the value of tag "+key.Show()+" is longer than 256 characters", "")
		}
	}
}

// placeholdersLeft finds what a person, or another tool, should have filled in: <<AccountID>>, <IMAGE>, ${X}.
// In free text (environment, command, labels) it may be intended, and is only a warning.
func placeholdersLeft(c *checker) {
	refused := make(map[diagnostic.Place]bool, len(c.problems)) // another rule has said something already
	for _, p := range c.problems {
		refused[p.Place] = true
	}
	shell := map[*template.Node]bool{} // texts that have such forms of their own
	inContainer(c.root, func(n *template.Node) { shell[n] = true })
	images := at(c.root, "containerDefinitions.image") // their own rule says it better
	shapes[0].walk(c.root, inside, func(n *template.Node, s *shape) bool {
		if slices.Contains(images, n) {
			return false
		}
		for i := range n.Members {
			if m := &n.Members[i]; leftover(m.Key) == "$" {
				key := &template.Node{At: m.KeyAt}
				c.warn(key, "the key "+m.Show()+" stays as it is: variables are put into values only", "")
			}
		}
		switch left := leftover(n.Str()); {
		case left == "" || n.Unknown() || left == "{" && shell[n] || refused[c.Doc.Place(n.At)]:
		case s == nil && left != "$":
			c.warn(n, n.Show()+" looks like a placeholder that nobody filled in", foreignHelp(n.Text))
		case left == "{":
			c.fail(n, n.Show()+" still holds a placeholder", foreignHelp(n.Text))
		case left == "<":
			c.fail(n, n.Show()+" still holds a placeholder in < >", "put the value in its place")
		case s != nil:
			c.fail(n, n.Show()+" still holds a ${…}", "a variable was not put in; check --only and $$")
		}
		return true
	})
}

// foreign is what other tools replace. Shells and log routers have such texts of their own.
var foreign = regexp.MustCompile(`\{\{.*\}\}|%[A-Z][A-Z0-9_]*%|__[A-Z][A-Z0-9_]*__|#[A-Z][A-Z0-9_]*#`)

// isForeign looks for such a placeholder. Most texts hold none of the marks, and the expression is slow.
func isForeign(s string) bool {
	marked := strings.ContainsAny(s, "%#") || strings.Contains(s, "__") || strings.Contains(s, "{{")
	return marked && foreign.MatchString(s)
}

// foreignHelp names the template language of a placeholder that is left; "" where it is none.
func foreignHelp(s string) string {
	for mark, show := range map[string]string{"{": "{{ }}", "%": "% %", "_": "__ __", "#": "# #"} {
		if strings.HasPrefix(foreign.FindString(s), mark) {
			return show + " is another template language; here it is ${NAME}"
		}
	}
	return ""
}

// inside returns the shape of a key's value, nil for free text.
func inside(s *shape, key string) *shape {
	switch key {
	case "environment", "command", "entryPoint", "dockerLabels", "healthCheck", "tags", "options":
		return nil
	}
	return s.inner(key)
}

// leftover tells the kinds of placeholders: "<" for <NAME> and <<name>>, "$" for ${NAME}, "{" for those of other tools.
func leftover(s string) string {
	if isForeign(s) {
		return "{"
	}
	if _, behind, ok := strings.Cut(s, "<<"); ok {
		// A shell's <<EOF >>file is not a placeholder: before its >> there is white space, or a whole document.
		if inner, _, ok := strings.Cut(behind, ">>"); ok && strings.TrimSpace(inner) == inner &&
			!strings.Contains(inner, "\n") {
			return "<"
		}
	}
	if i := strings.IndexByte(s, '<'); i >= 0 {
		if inner, _, ok := strings.Cut(s[i+1:], ">"); ok && len(inner) > 2 &&
			consists(inner, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") {
			return "<"
		}
	}
	if i := strings.Index(s, "${"); i >= 0 && strings.Contains(s[i:], "}") {
		return "$"
	}
	return ""
}
