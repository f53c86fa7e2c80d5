package secret_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/greenlight-ecs/greenlight/pkg/awsclient"
	"github.com/greenlight-ecs/greenlight/pkg/diagnostic"
	"github.com/greenlight-ecs/greenlight/pkg/secret"
	"github.com/greenlight-ecs/greenlight/pkg/suite"
)

// store answers as SSM and Secrets Manager do, from one table.
func store(t *testing.T, values map[string]string) secret.Sources {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in struct {
			Name, SecretID string
			WithDecryption bool
		}
		_ = json.Unmarshal(body, &in)
		region := strings.Split(r.Header.Get("Authorization"), "/")[2]
		value, ok := values[region+" "+in.Name+in.SecretID]
		switch target := r.Header.Get("X-Amz-Target"); {
		case !ok:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException","Message":"not there"}`)
		case target == "AmazonSSM.GetParameter" && in.WithDecryption:
			_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": value}})
		case target == "secretsmanager.GetSecretValue":
			_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": value})
		}
	}))
	t.Cleanup(server.Close)
	cfg := awsclient.Environment{Region: "eu-west-1", AccessKeyID: "AKID", SecretAccessKey: "s", Endpoint: server.URL}.Config()
	return secret.Sources{
		Env: func(name string) (string, bool) { return "from env", name == "API_TOKEN" },
		AWS: &cfg,
	}
}

const elsewhere = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"

func TestResolve(t *testing.T) {
	s := store(t, map[string]string{
		"eu-west-1 /p":           "from ssm",
		"eu-west-1 plain":        "whole",
		"us-east-1 " + elsewhere: `{"password":"from sm","port":5432}`,
	})
	got, err := s.Resolve(t.Context(), []suite.Reference{
		{Name: "A", Kind: suite.ReferenceEnv, ID: "API_TOKEN"},
		{Name: "B", Kind: suite.ReferenceSSM, ID: "/p"},
		{Name: "C", Kind: suite.ReferenceSecretsManager, ID: "plain"},
		{Name: "D", Kind: suite.ReferenceSecretsManager, ID: elsewhere, Key: "password"},
		{Name: "E", Kind: suite.ReferenceSecretsManager, ID: elsewhere, Key: "port"},
	})
	want := map[string]suite.Value{
		"A": {Text: "from env"}, "B": {Text: "from ssm", Secret: true}, "C": {Text: "whole", Secret: true},
		"D": {Text: "from sm", Secret: true}, "E": {Text: "5432", Secret: true},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestEveryMissingValueIsNamedAndNoneIsShown(t *testing.T) {
	s := store(t, map[string]string{"eu-west-1 s": `{"other":"hunter2"}`, "eu-west-1 text": "hunter2"})
	at := func(line int) diagnostic.Place { return diagnostic.Place{File: "smoke.yaml", Line: line, Col: 3} }
	_, err := s.Resolve(t.Context(), []suite.Reference{
		{Name: "A", Kind: suite.ReferenceEnv, ID: "UNSET", Place: at(4)},
		{Name: "B", Kind: suite.ReferenceSSM, ID: "/gone", Place: at(5)},
		{Name: "C", Kind: suite.ReferenceSecretsManager, ID: "s", Key: "password", Place: at(6)},
		{Name: "D", Kind: suite.ReferenceSecretsManager, ID: "text", Key: "password", Place: at(7)},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"smoke.yaml:4:3: variable A: the environment variable UNSET is not set",
		"smoke.yaml:5:3: variable B: ssm GetParameter: ResourceNotFoundException",
		`smoke.yaml:6:3: variable C: the secret has no key "password"`,
		`smoke.yaml:7:3: variable D: the secret is no JSON object`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not stand in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a value is shown: %v", err)
	}
}

func TestASecretThatIsTooLargeToBeHiddenIsNamed(t *testing.T) {
	large := strings.Repeat("hunter2", 10_000)
	s := store(t, map[string]string{"eu-west-1 /p": large, "eu-west-1 s": `{"all":"` + large + `","one":"hunter2"}`})
	s.Env = func(string) (string, bool) { return large, true }
	at := diagnostic.Place{File: "smoke.yaml", Line: 4, Col: 3}
	for name, c := range map[string]struct {
		ref  suite.Reference
		fits bool
	}{
		"env":           {suite.Reference{Name: "A", Kind: suite.ReferenceEnv, ID: "A", Place: at}, true},
		"env, a secret": {suite.Reference{Name: "A", Kind: suite.ReferenceEnv, ID: "A", Secret: true, Place: at}, false},
		"ssm":           {suite.Reference{Name: "A", Kind: suite.ReferenceSSM, ID: "/p", Place: at}, false},
		"all":           {suite.Reference{Name: "A", Kind: suite.ReferenceSecretsManager, ID: "s", Place: at}, false},
		"one key":       {suite.Reference{Name: "A", Kind: suite.ReferenceSecretsManager, ID: "s", Key: "one", Place: at}, true},
	} {
		_, err := s.Resolve(t.Context(), []suite.Reference{c.ref})
		if c.fits != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "smoke.yaml:4:3: variable A: the secret is larger than 64 KiB") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatAWSSaysIsOneLineWithoutControlCharacters(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"X\u001b[31m","message":"a\n::error::b"}`)
	}))
	t.Cleanup(server.Close)
	s := store(t, nil)
	s.AWS.BaseEndpoint = aws.String(server.URL)
	_, err := s.Resolve(t.Context(), []suite.Reference{{Name: "A", Kind: suite.ReferenceSSM, ID: "/p"}})
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") || !strings.Contains(err.Error(), "::error::b") {
		t.Errorf("got %q", err)
	}
}
