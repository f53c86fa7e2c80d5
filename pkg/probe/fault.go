package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// Fault is a class of what can go wrong between a request and its whole answer; two sides with the same fail alike.
type Fault string

// The faults. FaultNone is an answer that was read whole, whatever its status.
const (
	FaultNone        Fault = ""
	FaultDNS         Fault = "dns"         // a host name that does not resolve
	FaultRefused     Fault = "refused"     // a connection that the target refused, or a target that cannot be reached
	FaultLocal       Fault = "own limit"   // a limit of this machine or network (files, ports, routes), not of the target
	FaultReset       Fault = "reset"       // a connection that broke before the answer began
	FaultTimeout     Fault = "timeout"     // no whole answer within the request's own time
	FaultCertificate Fault = "certificate" // a certificate that does not verify: nobody's answer was accepted
	// FaultHandshake is a handshake that both sides' settings do not allow: a client's certificate, a name, a version.
	FaultHandshake    Fault = "handshake"
	FaultTLS          Fault = "tls"           // a handshake that failed for another reason
	FaultTruncated    Fault = "truncated"     // a body that ended too early
	FaultTooLarge     Fault = "too large"     // a body over the cap
	FaultProtocol     Fault = "protocol"      // an answer that is not HTTP
	FaultRedirectAway Fault = "redirect away" // a redirect that leaves the target
	FaultRedirectLoop Fault = "redirect loop" // a redirect that never ends
	FaultRequest      Fault = "request"       // a request that cannot be sent; it is the suite's fault
	FaultInterrupted  Fault = "interrupted"   // the caller's context that ended: it says nothing about the target
)

// fault puts an error of net/http into its class.
func (x *exchange) fault(ctx context.Context, err error) Observation {
	if x.parent.Err() != nil {
		return Observation{Fault: FaultInterrupted, Text: "interrupted"}
	}
	// Whatever error net/http returns: when we ended the request ourselves, our reason counts.
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	class, text := classOf(err)
	if class == FaultTimeout {
		text = "no whole answer within " + x.request.Timeout.String()
	}
	where := net.JoinHostPort(x.client.target.URL.Hostname(), port(x.client.target.URL))
	if c, _ := x.watcher.seen(); c != nil {
		where = c.RemoteAddr().String()
	}
	if !strings.Contains(text, where) && class != FaultDNS {
		text += " (" + where + ")"
	}
	return Observation{Fault: class, Text: text}
}

func classOf(err error) (Fault, string) {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	text := err.Error()
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, errTimeout), errors.Is(err, os.ErrDeadlineExceeded):
		return FaultTimeout, text
	case errors.Is(err, errReplayed):
		return FaultReset, text
	case isLocal(err):
		return FaultLocal, dialText(err)
	case isCertificate:
		return FaultCertificate, text
	case errors.Is(err, errHandshake):
		return FaultHandshake, text
	case isDNS:
		return FaultDNS, "look up " + dns.Name + ": " + dns.Err
	case isRecord, strings.HasPrefix(text, "tls: "), strings.Contains(text, "remote error: tls"):
		return FaultTLS, text
	case isOp && op.Timeout():
		return FaultTimeout, text
	case isOp && op.Op == "dial":
		return FaultRefused, dialText(err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isOp,
		strings.Contains(text, "server closed"), strings.HasPrefix(text, "readLoopPeekFailLocked"): // by what came unasked
		return FaultReset, "connection closed before an answer came"
	}
	return FaultProtocol, text
}

// isLocal reports whether this machine's kernel caused the error, also in a lookup, whose error has only the text.
func isLocal(err error) bool {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	for _, own := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, // nothing left to open a connection with
		syscall.EADDRNOTAVAIL, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EAFNOSUPPORT, // no port or no way to leave by
		syscall.EACCES, syscall.EPERM, // this machine's own firewall
	} {
		if errors.Is(err, own) || isDNS && strings.HasSuffix(dns.Err, ": "+own.Error()) {
			return true
		}
	}
	return false
}

// dialText is "dial 10.0.1.7:80: connection refused".
func dialText(err error) string {
	op, isOp := errors.AsType[*net.OpError](err)
	if !isOp {
		return err.Error()
	}
	text, cause := op.Op, op.Err
	if op.Addr != nil {
		text += " " + op.Addr.String()
	}
	if call, ok := errors.AsType[*os.SyscallError](cause); ok {
		cause = call.Err
	}
	return text + ": " + cause.Error()
}
