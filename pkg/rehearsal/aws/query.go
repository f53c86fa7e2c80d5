package aws

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The versions by which the query APIs at one address are told apart.
const (
	elbVersion = "2015-12-01"
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
)

// listed returns the values of "name.member.1" and so on; EC2 leaves "member" out.
func listed(form url.Values, name string) []string {
	var out []string
	for _, infix := range []string{".member.", "."} {
		for i := 1; form.Has(name + infix + strconv.Itoa(i)); i++ {
			out = append(out, form.Get(name+infix+strconv.Itoa(i)))
		}
	}
	return out
}

// xml is an answer in the call's dialect.
func (c Call) xml(out any) []byte {
	if c.protocol == ec2Query {
		return fmt.Appendf(nil, "<%[1]sResponse><requestId>%[2]s</requestId>%[3]s</%[1]sResponse>", c.Operation, requestID,
			xmlText(out, "item"))
	}
	return fmt.Appendf(nil, "<%[1]sResponse><%[1]sResult>%[3]s</%[1]sResult><ResponseMetadata><RequestId>%[2]s</RequestId>"+
		"</ResponseMetadata></%[1]sResponse>", c.Operation, requestID, xmlText(out, "member"))
}

// xmlText is a value as the query protocols write it: item is what a list's elements are called, and an empty member of
// an object is left out.
func xmlText(value any, item string) string {
	var b strings.Builder
	element := func(name string, v any) { fmt.Fprintf(&b, "<%[1]s>%[2]s</%[1]s>", name, xmlText(v, item)) }
	switch v := value.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if v[name] != "" {
				element(name, v[name])
			}
		}
	case []object:
		for _, x := range v {
			element(item, x)
		}
	case []string:
		for _, x := range v {
			element(item, x)
		}
	default:
		_ = xml.EscapeText(&b, fmt.Append(nil, v))
	}
	return b.String()
}
