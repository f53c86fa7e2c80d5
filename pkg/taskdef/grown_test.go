package taskdef

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var documents = flag.Int("documents", 2000, "how many task definitions TestNothingValidIsRefused grows")

type object = map[string]any

// TestNothingValidIsRefused grows odd task definitions that hold every rule of ECS's, with every member and every value
// of every enumeration in them: nothing may be refused. Of each, one value is then bent, and what botocore refuses of
// these must not pass in silence. For more: go test ./pkg/taskdef -run TestNothingValidIsRefused -documents 100000.
func TestNothingValidIsRefused(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/valid.py")
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import botocore").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 has no botocore, and CI must have it")
		}
		t.Skip("SKIPPED: python3 has no botocore; CI has it")
	}
	g := &grower{r: rand.New(rand.NewPCG(1, 2)), seen: map[string]bool{}}
	var lines bytes.Buffer
	var silent []bool
	for range *documents {
		doc := g.document()
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := render(t, "grown.json", string(text)); len(problems.Errors(false)) > 0 {
			t.Fatalf("%v\n%s", problems.Errors(false), text)
		}
		lines.Write(append(text, '\n'))
		silent = append(silent, true)
		bent, err := json.Marshal(g.bend(doc))
		if err != nil {
			t.Fatal(err)
		}
		_, problems := render(t, "bent.json", string(bent))
		lines.Write(append(bent, '\n'))
		silent = append(silent, len(problems) == 0)
	}
	texts := strings.Split(lines.String(), "\n")
	cmd.Stdin, cmd.Stderr = &lines, os.Stderr
	out, err := cmd.Output()
	verdicts := strings.Fields(string(out))
	if err != nil || len(verdicts) != len(silent) {
		t.Fatalf("%v, %d verdicts", err, len(verdicts))
	}
	refused := 0
	for i, v := range verdicts {
		switch {
		case i%2 == 0 && v == "0":
			t.Fatalf("botocore refuses what was grown:\n%s", texts[i])
		case v == "0" && silent[i]:
			t.Fatalf("nothing is said of what botocore refuses:\n%s", texts[i])
		case v == "0":
			refused++
		}
	}
	if refused < *documents/2 {
		t.Errorf("only %d of %d bent ones were refused by botocore", refused, *documents)
	}
	g.all(t)
}

// grower makes task definitions.
type grower struct {
	r *rand.Rand
	// seen are the members and the values of enumerations that were made.
	seen                       map[string]bool
	fargate, windows, external bool
	mode                       string
	names, volumes             []string
	firelens                   bool
	port                       int
}

// all wants each member and each value of an enumeration to have been made.
func (g *grower) all(t *testing.T) {
	for i := range shapes {
		for _, f := range shapes[i].fields {
			if at := shapes[i].name + "." + f.name; !g.seen[at] {
				t.Errorf("%s was never made", at)
			}
		}
		for _, value := range shapes[i].enum {
			if at := shapes[i].name + "=" + value; !g.seen[at] {
				t.Errorf("%s was never made", at)
			}
		}
	}
}

func (g *grower) maybe() bool { return g.r.IntN(2) == 0 }

func one[T any](g *grower, of ...T) T { return of[g.r.IntN(len(of))] }

func (g *grower) document() object {
	kind := g.r.IntN(6)
	g.fargate, g.windows, g.external = kind < 3, kind == 2 || kind == 5, kind == 3
	g.names, g.volumes, g.port, g.firelens = nil, nil, 1000, g.maybe() && !g.windows
	doc := g.structure("", &shapes[0])
	delete(doc, "runtimePlatform")
	doc["executionRoleArn"] = "arn:aws:iam::123456789012:role/x"
	g.mode = one(g, "bridge", "host", "none", "awsvpc")
	switch {
	case g.fargate:
		g.mode = "awsvpc"
		doc["requiresCompatibilities"] = one(g, []string{"FARGATE"}, []string{"EC2", "FARGATE"})
		doc["cpu"], doc["memory"] = one(g, "1024", "1 vCPU", "1 vcpu"), one(g, "8192", "8 GB", "8GB")
		delete(doc, "ipcMode")
		delete(doc, "placementConstraints")
		if doc["pidMode"] == "host" {
			doc["pidMode"] = "task"
		}
	case g.external:
		g.mode = one(g, "bridge", "host", "none")
		doc["requiresCompatibilities"] = []string{"EXTERNAL"}
		doc["cpu"], doc["memory"] = "4096", "16384"
	default:
		doc["requiresCompatibilities"] = one(g, []string{}, []string{"EC2"}, []string{"MANAGED_INSTANCES"})
		doc["cpu"], doc["memory"] = one(g, "4096", "4 vCPU"), one(g, "16384", "16 GB")
	}
	for _, c := range []string{"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"} {
		g.seen["Compatibility="+c] = true
	}
	doc["networkMode"] = g.mode
	g.seen["NetworkMode="+g.mode] = true
	platform := object{"cpuArchitecture": g.enum("CPUArchitecture")}
	for platform["operatingSystemFamily"] = "LINUX"; g.windows && platform["operatingSystemFamily"] == "LINUX"; {
		platform["operatingSystemFamily"] = g.enum("OSFamily")
	}
	doc["runtimePlatform"] = platform
	g.seen["OSFamily=LINUX"] = true
	volumes := []any{}
	for i := range g.r.IntN(3) {
		volumes = append(volumes, g.volume(i))
	}
	doc["volumes"] = volumes
	containers := []any{}
	for i := range 1 + g.r.IntN(3) {
		containers = append(containers, g.container(i))
	}
	if g.firelens {
		containers = append(containers, object{
			"name": "router", "image": "a", "memory": 64, "user": one(g, "0", "root", "0:0"),
			"firelensConfiguration": object{"type": g.enum("FirelensConfigurationType"), "options": object{"enable-ecs-log-metadata": "true"}},
		})
		containers[0].(object)["logConfiguration"] = object{"logDriver": "awsfirelens", "options": object{"Name": "x"}}
	}
	doc["containerDefinitions"] = containers
	if proxy, ok := doc["proxyConfiguration"].(object); ok {
		proxy["containerName"] = "c0"
	}
	return doc
}

func (g *grower) enum(name string) string {
	i := slices.IndexFunc(shapes[:], func(s shape) bool { return s.name == name })
	value := one(g, shapes[i].enum...)
	g.seen[name+"="+value] = true
	return value
}

func (g *grower) volume(i int) object {
	g.volumes = append(g.volumes, fmt.Sprintf("v%d", i))
	v := object{"name": g.volumes[i]}
	kinds := []string{"host", "efsVolumeConfiguration", "configuredAtLaunch", "s3filesVolumeConfiguration"}
	if !g.fargate {
		kinds = append(kinds, "dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration")
	}
	s := shapes[0].inner("volumes").inner("")
	kind := one(g, kinds...)
	if f, ok := s.field(kind); ok {
		v[kind] = g.value(kind, f.shape)
		g.seen["Volume."+kind] = true
	}
	g.seen["Volume.name"] = true
	if efs, ok := v[kind].(object); ok && kind == "efsVolumeConfiguration" {
		efs["transitEncryption"] = "ENABLED"
		delete(efs, "rootDirectory")
	}
	if kind == "configuredAtLaunch" {
		v[kind] = true
	}
	if g.fargate && kind == "host" {
		v[kind] = object{}
	}
	return v
}

func (g *grower) container(i int) object {
	name := fmt.Sprintf("c%d", i)
	c := g.structure("containerDefinitions", shapes[0].inner("containerDefinitions").inner(""))
	c["name"], c["image"], c["memory"], c["memoryReservation"], c["cpu"] = name, one(g, "a", "a:1", "r.example/a@sha256:"+strings.Repeat("0", 64)), 256, 128, one(g, 0, 10)
	c["essential"] = i == 0 || g.maybe()
	delete(c, "firelensConfiguration")
	if g.mode != "bridge" {
		delete(c, "links")
	}
	if g.mode == "awsvpc" {
		delete(c, "hostname")
		delete(c, "extraHosts")
	}
	if g.mode == "none" {
		delete(c, "portMappings")
	}
	linux, _ := c["linuxParameters"].(object)
	if g.fargate {
		for _, key := range []string{"privileged", "dockerSecurityOptions", "resourceRequirements"} {
			delete(c, key)
		}
		for _, key := range []string{"devices", "sharedMemorySize", "maxSwap", "swappiness"} {
			delete(linux, key)
		}
		if capabilities, ok := linux["capabilities"].(object); ok {
			capabilities["add"] = []string{"SYS_PTRACE"}
		}
	}
	if i > 0 {
		c["dependsOn"] = []object{{"containerName": "c0", "condition": one(g, "START", "HEALTHY")}}
		c["volumesFrom"] = []object{{"sourceContainer": "c0", "readOnly": g.maybe()}}
	} else {
		delete(c, "dependsOn")
		delete(c, "volumesFrom")
		c["healthCheck"] = g.value("containerDefinitions.healthCheck", shapes[0].inner("containerDefinitions").inner("").inner("healthCheck"))
	}
	g.names = append(g.names, name)
	return c
}

// structure makes a structure of the members that nothing else decides.
func (g *grower) structure(path string, s *shape) object {
	o := object{}
	for _, f := range s.fields {
		if f.required || g.maybe() {
			g.seen[s.name+"."+f.name] = true
			o[f.name] = g.value(strings.TrimPrefix(path+"."+f.name, "."), f.shape)
		}
	}
	return o
}

func (g *grower) value(path string, s *shape) any {
	if value := g.special(path); value != nil {
		return value
	}
	switch s.kind {
	case structure:
		return g.structure(path, s)
	case list:
		items := []any{}
		for range g.r.IntN(3) {
			items = append(items, g.value(path, s.elem))
		}
		return items
	case mapping:
		return object{one(g, "k", "K.x-y"): "v"}
	case integer:
		return 2 + g.r.IntN(8)
	case boolean:
		return g.maybe()
	case decimal:
		return 1.5
	case text:
		if len(s.enum) > 0 {
			return g.enum(s.name)
		}
	}
	g.port++
	return fmt.Sprintf("t%d", g.port)
}

// special is a value that ECS has a rule for; nil where any will do.
func (g *grower) special(path string) any {
	g.port++
	unique := fmt.Sprintf("n%d", g.port)
	last := path[strings.LastIndex(path, ".")+1:]
	switch path {
	case "containerDefinitions", "volumes", "requiresCompatibilities":
		return []any{} // made elsewhere
	case "family":
		return unique
	case "taskRoleArn":
		return one(g, "role", "arn:aws:iam::123456789012:role/x")
	case "ephemeralStorage.sizeInGiB":
		return 21 + g.r.IntN(180)
	case "tags":
		g.seen["Tag.key"], g.seen["Tag.value"] = true, true
		return []object{{"key": "a"}, {"key": "b", "value": ""}}
	}
	switch last {
	case "portMappings":
		if g.maybe() && g.mode != "host" {
			g.seen["PortMapping.containerPortRange"] = true
			first := 20000 + g.port*10%20000
			return []object{{"containerPortRange": fmt.Sprintf("%d-%d", first, first+2), "protocol": g.enum("TransportProtocol")}}
		}
		mapping := object{"containerPort": g.port%20000 + 1, "name": unique, "appProtocol": g.enum("ApplicationProtocol")}
		mapping["hostPort"] = mapping["containerPort"]
		for key := range mapping {
			g.seen["PortMapping."+key] = true
		}
		g.seen["PortMapping.protocol"] = true
		if g.mode == "bridge" {
			mapping["hostPort"] = 0
		}
		return []object{mapping}
	case "credentialsParameter":
		return "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"
	case "valueFrom":
		return one[any](g, "/a/b", "arn:aws:ssm:eu-west-1:123456789012:parameter/a", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x:k::")
	case "environmentFiles":
		g.seen["EnvironmentFile.value"], g.seen["EnvironmentFile.type"] = true, true
		return []object{{"value": "arn:aws:s3:::b/x.env", "type": g.enum("EnvironmentFileType")}}
	case "healthCheck":
		for _, key := range []string{"command", "interval", "timeout", "retries", "startPeriod"} {
			g.seen["HealthCheck."+key] = true
		}
		return object{
			"command": one[any](g, []string{"CMD", "x"}, []string{"CMD-SHELL", "x || exit 1"}, []string{"/check"}), "interval": 5 + g.r.IntN(296), "timeout": 2 + g.r.IntN(59),
			"retries": 1 + g.r.IntN(10), "startPeriod": g.r.IntN(301),
		}
	case "ulimits":
		g.seen["Ulimit.name"], g.seen["Ulimit.softLimit"], g.seen["Ulimit.hardLimit"] = true, true, true
		return []object{{"name": g.enum("UlimitName"), "softLimit": 1, "hardLimit": one(g, 1, -1, 65536)}}
	case "mountPoints":
		g.seen["MountPoint.sourceVolume"], g.seen["MountPoint.containerPath"], g.seen["MountPoint.readOnly"] = true, true, true
		mounts := []object{}
		for _, v := range g.volumes {
			mounts = append(mounts, object{"sourceVolume": v, "containerPath": "/" + v, "readOnly": g.maybe()})
		}
		return mounts
	case "restartAttemptPeriod":
		return 60 + g.r.IntN(1741)
	case "logConfiguration":
		driver := g.enum("LogDriver")
		if g.fargate || driver == "awsfirelens" {
			driver = one(g, "awslogs", "splunk")
		}
		g.seen["LogConfiguration.logDriver"], g.seen["LogConfiguration.options"], g.seen["LogConfiguration.secretOptions"] = true, true, true
		return object{
			"logDriver":     driver,
			"options":       object{"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"},
			"secretOptions": []object{{"name": "splunk-token", "valueFrom": "/s"}},
		}
	case "dependsOn", "volumesFrom":
		for _, at := range strings.Fields("ContainerDependency.containerName ContainerDependency.condition VolumeFrom.sourceContainer VolumeFrom.readOnly FirelensConfiguration.type FirelensConfiguration.options") {
			g.seen[at] = true
		}
		for _, condition := range []string{"START", "HEALTHY", "COMPLETE", "SUCCESS"} {
			g.seen["ContainerCondition="+condition] = true // the last two have documents of their own
		}
		return []object{}
	case "resourceRequirements":
		item := g.structure(path, shapes[0].inner("containerDefinitions").inner("").inner("resourceRequirements").inner(""))
		item["value"] = "1"
		delete(item, "sharingStrategy") // of October 2026: the botocore at hand does not know it
		return []object{item}
	case "environment":
		g.seen["KeyValuePair.name"], g.seen["KeyValuePair.value"] = true, true
		return []object{{"name": unique, "value": one(g, "", "x", "ü \"\\ $$")}}
	case "links":
		return []string{}
	}
	return nil
}

// bend changes one value of a document to one of another type, or one key to an unknown one.
func (g *grower) bend(doc object) any {
	keys := slices.Sorted(maps.Keys(doc))
	key := one(g, keys...)
	out := maps.Clone(doc)
	switch inner := doc[key].(type) {
	case object:
		if len(inner) > 0 && g.maybe() {
			out[key] = g.bend(inner)
			return out
		}
	case []any:
		if len(inner) > 0 {
			if first, ok := inner[0].(object); ok && len(first) > 0 {
				out[key] = append([]any{g.bend(first)}, inner[1:]...)
				return out
			}
		}
	}
	switch value := out[key]; {
	case g.r.IntN(4) == 0:
		delete(out, key)
		out[key+"Unknown"] = value
	case g.maybe():
		out[key] = one[any](g, 7, true, "x", []any{7}, object{"x": "y"})
	default:
		out[key] = []any{value}
	}
	return out
}
