package diagnostic_test

import (
	"path/filepath"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
)

func TestWhatIsSharedNamesNoFolderOfTheMachine(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("SKIPPED: the paths are those of Unix")
	}
	const here, home = "/home/alice/shop", "/home/alice"
	for name, c := range map[string]struct{ here, home, file, text, want string }{
		"a file below here":          {here, home, here + "/test/smoke.yaml", here + "/test/smoke.yaml:3:5", "test/smoke.yaml:3:5"},
		"a file elsewhere":           {here, home, "/tmp/x/smoke.yaml", "/tmp/x/smoke.yaml:3:5, /tmp/x/ca.pem", "smoke.yaml:3:5, ca.pem"},
		"a file as it was given":     {here, home, "../smoke.yaml", "../smoke.yaml:3:5", "../smoke.yaml:3:5"},
		"what else is here":          {here, home, "", `File "/home/alice/shop/app.py", line 3`, `File "app.py", line 3`},
		"here itself":                {here, home, "", "cd /home/alice/shop: no such folder", "cd ~/shop: no such folder"},
		"what is at home":            {here, home, "", "/home/alice/.cache/x in /home/alice", "~/.cache/x in ~"},
		"a folder of a like name":    {here, home, "", "/home/alice/shopping/x", "~/shopping/x"},
		"home is here":               {here, here + "/home", "", here + "/home/x", "home/x"},
		"here is at home":            {home, home, "", "/home/alice/x", "x"},
		"here itself, elsewhere":     {"/srv/shop", home, "", "cd /srv/shop: no such folder", "cd .: no such folder"},
		"root's":                     {"/root/shop", "/root", "", "/root/shop/x /root/y", "x ~/y"},
		"a container's folder":       {"/app", "/app", "/app/smoke.yaml", "/app/smoke.yaml:1 GET /app/items", "smoke.yaml:1 GET /app/items"},
		"the root":                   {"/", "/", "/a/b/smoke.yaml", "/a/b/smoke.yaml GET /items", "a/b/smoke.yaml GET /items"},
		"nothing is known":           {"", "", "/a/b/smoke.yaml", "/a/b/smoke.yaml GET /items", "smoke.yaml GET /items"},
		"as JSON":                    {"/home/al/R&D", "", "/home/al/R&D/a\"b.yaml", `{"file":"/home/al/R\u0026D/a\"b.yaml"} /home/al/R\u0026D/c`, `{"file":"a\"b.yaml"} c`},
		"nothing of this machine's":  {here, home, "", "GET /home/bob: 404, /usr/bin/python3", "GET /home/bob: 404, /usr/bin/python3"},
		"a folder's file, not named": {here, home, "/home/bob/s/smoke.yaml", "/home/bob/s/ca.pem /home/bob/t/ca.pem", "ca.pem /home/bob/t/ca.pem"},
	} {
		if got := diagnostic.Shareable(c.here, c.home, c.file).Replace(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
