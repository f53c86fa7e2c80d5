package alb

import (
	"context"
	"net"
	"syscall"
)

// dial opens a connection to a target, on which the balancer acknowledges at once what it reads.
//
// An application that writes an answer's header and body apart, as Python's http.server does, sends the body only
// when the header was acknowledged (Nagle's algorithm). Linux may delay that by 40 ms, and whether it does depends on
// how close together the connection's requests are. Production, with its users' requests, and the test listener would
// differ in that: the same release would look slower on one of them, or a slower one as quick.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
	tcp, ok := conn.(*net.TCPConn)
	if err != nil || !ok {
		return conn, err
	}
	raw, err := tcp.SyscallConn()
	return prompt{tcp, raw}, err
}

// prompt is a connection that acknowledges at once what it reads.
type prompt struct {
	*net.TCPConn
	raw syscall.RawConn
}

// Read reads and acknowledges.
func (p prompt) Read(b []byte) (int, error) {
	n, err := p.TCPConn.Read(b)
	acknowledge(p.raw)
	return n, err
}
