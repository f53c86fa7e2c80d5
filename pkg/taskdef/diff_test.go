package taskdef_test

import (
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/taskdef"
)

// What ECS fills in and prints beside, and the order of what has names, are no difference.
const written = `{
	"family": "trips", "cpu": ".5 vCPU", "memory": "1 GB", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE", "EC2"],
	"volumes": [{"name": "data"}, {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
	"containerDefinitions": [
		{"name": "web", "image": "a:1", "portMappings": [{"containerPort": 80}, {"containerPort": 53, "protocol": "udp"}],
		 "environment": [{"name": "A", "value": "1"}, {"name": "EMPTY", "value": ""}], "secrets": [{"name": "S", "valueFrom": "/trips/s"}],
		 "command": ["a", "b"], "healthCheck": {"command": ["CMD", "x"]},
		 "environmentFiles": [{"value": "arn:aws:s3:::b/f", "type": "s3"}],
		 "linuxParameters": {"capabilities": {"drop": ["B", "A"]}}},
		{"name": "side", "image": "b:1", "essential": false}
	]
}`

const described = `{"taskDefinition": {
	"family": "trips", "revision": 3, "status": "ACTIVE", "taskDefinitionArn": "arn:x", "registeredAt": 1.7, "registeredBy": "ann",
	"requiresAttributes": [{"name": "ecs.x"}], "compatibilities": ["EC2"], "requiresCompatibilities": ["EC2", "FARGATE"],
	"cpu": "512", "memory": "1024", "networkMode": "awsvpc", "placementConstraints": [], "enableFaultInjection": false,
	"volumes": [{"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/"}}, {"name": "data", "host": {}}],
	"containerDefinitions": [
		{"name": "side", "image": "b:1", "essential": false, "cpu": 0, "mountPoints": [], "volumesFrom": [], "environment": []},
		{"name": "web", "image": "a:1", "essential": true, "cpu": 0, "user": null, "systemControls": [],
		 "portMappings": [{"containerPort": 53, "hostPort": 53, "protocol": "udp"}, {"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
		 "environment": [{"name": "EMPTY", "value": ""}, {"value": "1", "name": "A"}], "secrets": [{"name": "S", "valueFrom": "/trips/s"}],
		 "command": ["a", "b"], "healthCheck": {"command": ["CMD", "x"], "interval": 30, "timeout": 5, "retries": 3},
		 "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/f"}],
		 "linuxParameters": {"capabilities": {"drop": ["A", "B"]}}}
	]
}, "tags": []}`

func TestDifferences(t *testing.T) {
	for name, c := range map[string]struct{ change, to, want string }{
		"none":                      {},
		"an image":                  {`"a:1"`, `"a:2"`, `containerDefinitions[web].image "a:1" "a:2" 5:28`},
		"a variable is new":         {`{"name": "A",`, `{"name": "B", "value": "x"}, {"name": "A",`, `containerDefinitions[web].environment[B]  "x" 6:43`},
		"one is gone":               {`, {"name": "EMPTY", "value": ""}`, ``, `containerDefinitions[web].environment[EMPTY] ""  1:1`},
		"one is empty now":          {`"value": "1"`, `"value": ""`, `containerDefinitions[web].environment[A] "1" "" 6:43`},
		"a protocol":                {`, "protocol": "udp"`, ``, `containerDefinitions[web].portMappings[53/udp].containerPort 53  1:1|containerDefinitions[web].portMappings[53/udp].protocol "udp"  1:1|containerDefinitions[web].portMappings[53].containerPort  53 5:93`},
		"the order of a command":    {`["a", "b"]`, `["b", "a"]`, `containerDefinitions[web].command ["a","b"] ["b","a"] 7:15`},
		"what ECS would not take":   {`"essential": false`, `"essential": true`, `containerDefinitions[side].essential false  1:1`},
		"a reference to a secret":   {`/trips/s`, `/trips/t`, `containerDefinitions[web].secrets[S] "/trips/s" "/trips/t" 6:121`},
		"a secret":                  {`{"name": "A",`, `{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "A",`, `containerDefinitions[web].environment[DB_PASSWORD]  "(looks like a secret)" 6:53`},
		"a secret in a URL":         {`"value": "1"`, `"value": "postgres://u:hunter2@db/x"`, `containerDefinitions[web].environment[A] "1" "(looks like a secret)" 6:43`},
		"a secret in a command":     {`["a", "b"]`, `["a", "--token=hunter2"]`, `containerDefinitions[web].command ["a","b"] "(looks like a secret)" 7:15`},
		"the next word of a script": {`["a", "b"]`, `["sh", "-c", "a --api-key hunter2"]`, `containerDefinitions[web].command ["a","b"] "(looks like a secret)" 7:15`},
		"a volume":                  {`{"name": "data"}, `, ``, `volumes[data].name "data"  1:1`},
		"a member of tomorrow":      {`"family": "trips",`, `"family": "trips", "tomorrow": {"a": [{"b": 1}]},`, `tomorrow.a  [{"b":1}] 2:39`},
		"no list":                   {`"secrets": [{"name": "S", "valueFrom": "/trips/s"}]`, `"secrets": [7]`, `containerDefinitions[web].secrets  "(looks like a secret)" 6:93|containerDefinitions[web].secrets[S] "/trips/s"  1:1`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(written, c.change, c.to, 1)
			if text == written && c.want != "" {
				t.Fatal("nothing was changed")
			}
			all, problems := taskdef.Differences(described, "t", text)
			var got []string
			for _, d := range all {
				got = append(got, strings.Join([]string{d.Path, d.Old, d.New, strings.TrimPrefix(d.Place.String(), "t:")}, " "))
			}
			if s := strings.Join(got, "|"); s != c.want || len(problems) > 0 {
				t.Errorf("got  %s\nwant %s\n%v", s, c.want, problems)
			}
		})
	}
}

// A definition differs in nothing from itself, and in everything from none.
func TestNothingDiffersFromItself(t *testing.T) {
	for _, text := range []string{written, described} {
		if all, problems := taskdef.Differences(text, "t", text); len(all)+len(problems) > 0 {
			t.Errorf("%v, %v", all, problems)
		}
		if all, problems := taskdef.Differences("", "t", text); len(all) < 20 || len(problems) > 0 {
			t.Errorf("%v, %v", all, problems)
		}
	}
	for _, broken := range []string{"", "{", `{"containerDefinitions": 7, "volumes": [7], "cpu": [1], "environment": [{"name": {}}]}`} {
		if _, problems := taskdef.Differences("", "t", broken); (len(problems) == 0) != (len(broken) > 1) {
			t.Errorf("%q: %v", broken, problems)
		}
	}
}
