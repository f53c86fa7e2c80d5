// Package console says where in AWS's console a person finds what a log names.
//
// It refuses to build an address out of what it cannot read: that has no page.
package console

import (
	"net/url"
	"strings"
)

// Deployment is the page of a deployment: of CodeDeploy by its id, of Amazon ECS by its ARN; "" for anything else.
func Deployment(region, id string) string {
	at := strings.Split(id, "/")
	switch {
	case strings.HasPrefix(id, "d-") && len(at) == 1:
		return page(region, "codesuite", "codedeploy", "deployments", id)
	case strings.HasPrefix(id, "arn:") && strings.HasSuffix(at[0], ":service-deployment") && len(at) == 4:
		return page(region, "ecs", "v2", "clusters", at[1], "services", at[2], "deployments")
	}
	return ""
}

// Object is the page of s3://bucket/key, from where it can be opened by whoever may read it; "" for anything else.
func Object(region, location string) string {
	rest, is := strings.CutPrefix(location, "s3://")
	if bucket, key, ok := strings.Cut(rest, "/"); is && ok {
		return page(region, "s3", "object", bucket) + "&prefix=" + url.QueryEscape(key)
	}
	return ""
}

// page is a page of the console of the region's partition.
func page(region string, path ...string) string {
	host := "console.aws.amazon.com"
	for prefix, other := range map[string]string{
		"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com", "eusc-": "console.amazonaws-eusc.eu",
	} {
		if strings.HasPrefix(region, prefix) {
			host = other
		}
	}
	address := "https://" + host
	for _, name := range path {
		address += "/" + url.PathEscape(name)
	}
	return address + "?region=" + url.QueryEscape(region)
}
