package taskdef

import (
	"regexp"
	"slices"
	"strings"
)

// ARN is what stands between the colons of an Amazon Resource Name
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html). Region and account may be empty.
type ARN struct{ Partition, Service, Region, Account, Resource string }

// ParseARN takes s apart. The fault is "" or the end of a sentence that begins with what s is: "has an account that is
// not 12 digits". It does not show s, which may be the value of a variable.
func ParseARN(s string) (a ARN, fault string) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return a, "is not an ARN: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"
	}
	a = ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}
	switch {
	// As of November 2026; those of the isolated regions have a common beginning.
	case !slices.Contains([]string{"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso"}, a.Partition) &&
		!strings.HasPrefix(a.Partition, "aws-iso-"):
		return a, "has an unknown partition; known are aws, aws-cn, aws-us-gov, aws-eusc and the isolated ones"
	case a.Account != "" && (len(a.Account) != 12 || !consists(a.Account, digits)):
		return a, "has an account that is not 12 digits"
	case a.Region != "" && !isRegion(a.Region) && !strings.ContainsAny(a.Region, "<$"): // those have their own message
		return a, noRegion
	case a.Resource == "":
		return a, "has no resource after the last colon"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F }):
		return a, "has white space in it"
	}
	return a, ""
}

// noRegion is the fault of a region that AWS cannot have.
const noRegion = "has a region that is not written like eu-west-1"

// Located returns, as a fault, what the ARN of a regional resource lacks (the region or the account), or "".
func (a ARN) Located() string {
	switch {
	case a.Region == "":
		return "has no region"
	case !isRegion(a.Region):
		return noRegion
	case a.Account == "":
		return "has an account that is not 12 digits"
	}
	return ""
}

// isRegion knows what regions look like, since AWS adds some every year: eu-west-1, us-gov-east-1, eusc-de-east-1.
func isRegion(s string) bool {
	return regexp.MustCompile(`^([a-z]+-){2,}[0-9]+$`).MatchString(s)
}
