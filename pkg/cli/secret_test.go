package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/cli"
)

func TestASecretComesFromTheEnvironmentOrAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("two\nlines\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		return map[string]string{"DB_PASSWORD": "of the environment", "EMPTY": ""}[name], name == "DB_PASSWORD" || name == "EMPTY"
	}
	got, err := cli.Secrets([]string{"/db/password=env:DB_PASSWORD", "arn:x:y=file:" + file, "plain=a=b", "empty="}, env)
	want := map[string]string{"/db/password": "of the environment", "arn:x:y": "two\nlines", "plain": "a=b", "empty": ""}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	empty := filepath.Join(t.TempDir(), "hunter2")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for given, says := range map[string]string{
		"a=env:hunter2":     "the environment variable behind env: is not set",
		"a=env:EMPTY":       "the environment variable behind env: is not set",
		"a=file:/hunter2/x": "no such file or directory",
		"a=file:/dev/zero":  "longer than",
		"a=file:" + empty:   "it is empty",
		"hunter2":           "want REF=VALUE",
		"=hunter2":          "want REF=VALUE",
		"b=hunter2":         "each REF once",
	} {
		_, err := cli.Secrets([]string{"b=1", given}, env)
		if err == nil || !strings.Contains(err.Error(), "--secret number 2: ") || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", says, err)
		}
	}
}
