package aws

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The versions by which the query APIs at one address are told apart.
const (
	elbVersion = "2015-12-01"
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
)

// member is the one member of a query API's answer: its name, and a value for encoding/xml.
type member struct {
	Name  string
	Value any
}

// members is a list as the query protocol writes it.
type members[T any] struct {
	Members []T `xml:"member"`
}

func list[T any](name string, items []T) member { return member{name, members[T]{items}} }

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

func (s *Server) answerQuery(w http.ResponseWriter, c Call) error {
	operations := map[string]map[string]func(url.Values) (member, error){
		elbVersion: {
			"DescribeLoadBalancers": s.describeLoadBalancers,
			"DescribeListeners":     s.describeListeners,
			"DescribeRules":         s.describeRules,
			"DescribeTargetHealth":  s.describeTargetHealth,
		},
		stsVersion: {"GetCallerIdentity": func(url.Values) (member, error) { return s.callerIdentity(c.caller) }},
		ec2Version: {"DescribeNetworkInterfaces": s.describeNetworkInterfaces},
	}
	service, ok := operations[c.Service]
	if !ok {
		return fault("InvalidAction", "The rehearsal has no service of version %.40q.", c.Service)
	}
	do, ok := service[c.Operation]
	if !ok {
		return fault("InvalidAction", "The action %.80q is not valid for this web service: the rehearsal does not "+
			"answer it.", c.Operation)
	}
	m, err := do(c.form)
	if err != nil {
		return err
	}
	var b strings.Builder
	encoder := xml.NewEncoder(&b)
	if err := encoder.EncodeElement(m.Value, xml.StartElement{Name: xml.Name{Local: m.Name}}); err != nil {
		return fmt.Errorf("encode %s: %w", m.Name, err)
	}
	body := fmt.Sprintf("<requestId>%s</requestId>%s", requestID, &b)
	if c.protocol == query {
		body = fmt.Sprintf("<%[1]sResult>%[2]s</%[1]sResult>"+
			"<ResponseMetadata><RequestId>%[3]s</RequestId></ResponseMetadata>", c.Operation, &b, requestID)
	}
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	_, _ = fmt.Fprintf(w, "<%[1]sResponse>%[2]s</%[1]sResponse>", c.Operation, body)
	return nil
}
