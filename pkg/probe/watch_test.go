package probe

import (
	"io"
	"net"
	"net/http/httptrace"
	"testing"
)

// TestTheNextAnswerIsNotBehindTheLastOne: once an answer's end was read, another request may have the connection before
// anybody looks what came behind it.
func TestTheNextAnswerIsNotBehindTheLastOne(t *testing.T) {
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	go func() {
		_, _ = io.CopyN(io.Discard, server, 10)
		_, _ = io.WriteString(server, "answer")
	}()
	c := &conn{Conn: client}
	request := func() *watcher {
		w := &watcher{}
		w.got(httptrace.GotConnInfo{Conn: c})
		_, _ = c.Write([]byte("12345"))
		return w
	}
	first, second := request(), request()
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if said := first.behind(); said != "" {
		t.Errorf("the second answer is taken for the first one's: %s", said)
	}
	if second.behind() == "" {
		t.Error("what came behind the last answer is not seen")
	}
}
