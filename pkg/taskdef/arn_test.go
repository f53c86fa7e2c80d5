package taskdef

import (
	"strings"
	"testing"
)

func TestParseARN(t *testing.T) {
	got, fault := ParseARN("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::")
	want := ARN{Partition: "aws", Service: "secretsmanager", Region: "eu-west-1", Account: "123456789012", Resource: "secret:db-AbCdEf:password::"}
	if fault != "" || got != want {
		t.Errorf("ParseARN = %+v, %q, want %+v", got, fault, want)
	}
}

func TestFaultsOfARNs(t *testing.T) {
	for s, want := range map[string]string{
		"":                                        "is not an ARN",
		"arn:aws:s3:::":                           "no resource",
		"arn:aws:iam::123456789012":               "is not an ARN",
		"arn:amazon:iam::123456789012:role/x":     "unknown partition",
		"arn:aws:iam::12345678901:role/x":         "not 12 digits",
		"arn:aws:iam::12345678901x:role/x":        "not 12 digits",
		"arn:aws-iso-b:iam::123456789012:role/x":  "",
		"arn:aws:s3:::bucket/key":                 "",
		"Arn:aws:iam::123456789012:role/x":        "is not an ARN",
		"arn:aws-cn:lambda:cn-north-1:1:function": "not 12 digits",
	} {
		if _, got := ParseARN(s); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("ParseARN(%q): %q, want %q", s, got, want)
		}
	}
}

func TestLocated(t *testing.T) {
	for s, want := range map[string]string{
		"arn:aws:ecs:eu-west-1:123456789012:task-definition/t:1": "",
		"arn:aws:ecs::123456789012:task-definition/t:1":          "has no region",
		"arn:aws:ecs:eu-west-1::task-definition/t:1":             "has an account that is not 12 digits",

		"arn:aws-us-gov:ecs:us-gov-east-1:123456789012:task-definition/t:1": "",
		"arn:aws-eusc:ecs:eusc-de-east-1:123456789012:task-definition/t:1":  "",
		"arn:aws:ecs:eu-west:123456789012:task-definition/t:1":              "has a region that is not written like eu-west-1",
		"arn:aws:ecs:EU-WEST-1:123456789012:task-definition/t:1":            "has a region that is not written like eu-west-1",
		"arn:aws:ecs:eu-west-one:123456789012:task-definition/t:1":          "has a region that is not written like eu-west-1",
		"arn:aws:ecs:eu-1:123456789012:task-definition/t:1":                 "has a region that is not written like eu-west-1",
		"arn:aws:ecs:eu--1:123456789012:task-definition/t:1":                "has a region that is not written like eu-west-1",
	} {
		a, _ := ParseARN(s)
		if got := a.Located(); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}
