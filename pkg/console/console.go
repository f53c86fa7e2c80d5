// Package console says where in AWS's console a person finds what a log names.
//
// It refuses to build an address out of what it cannot read: that has no page.
package console

import (
	"fmt"
	"net/url"
	"strings"
)

// Deployment is the page of a deployment: of CodeDeploy by its id, of Amazon ECS by its ARN; "" for anything else.
func Deployment(region, id string) string {
	parts := strings.Split(id, "/")
	switch {
	case strings.HasPrefix(id, "d-") && len(parts) == 1:
		return page(region, "/codesuite/codedeploy/deployments/%s", id)
	case strings.HasPrefix(id, "arn:") && strings.HasSuffix(parts[0], ":service-deployment") && len(parts) == 4:
		return page(region, "/ecs/v2/clusters/%s/services/%s/deployments", parts[1], parts[2])
	}
	return ""
}

// Object is the page of s3://bucket/key, from where it can be opened by whoever may read it; "" for anything else.
func Object(region, location string) string {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(location, "s3://"), "/")
	if !ok || !strings.HasPrefix(location, "s3://") {
		return ""
	}
	return page(region, "/s3/object/%s", bucket) + "&prefix=" + url.QueryEscape(key)
}

// page is a page of the console of the region's partition.
func page(region, format string, names ...string) string {
	host := "console.aws.amazon.com"
	switch {
	case strings.HasPrefix(region, "cn-"):
		host = "console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		host = "console.amazonaws-us-gov.com"
	}
	escaped := make([]any, len(names))
	for i, name := range names {
		escaped[i] = url.PathEscape(name)
	}
	return "https://" + host + fmt.Sprintf(format, escaped...) + "?region=" + url.QueryEscape(region)
}
