package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coder/websocket"
)

// webSocket opens a WebSocket, sends what the request says, and takes the first message for the body.
func (x *exchange) webSocket(ctx context.Context, u *url.URL) Observation {
	x.watcher = &watcher{cancel: x.cancel}
	header := x.request.Header.Clone()
	if cookies := x.cookieHeader(u, header.Get("Cookie")); cookies != "" {
		header.Set("Cookie", cookies)
	}
	conn, resp, err := websocket.Dial(x.watcher.watch(ctx), u.String(), &websocket.DialOptions{ //nolint:bodyclose // there is none: the library takes it
		HTTPHeader: header, Host: cmp.Or(x.request.Host, x.client.target.Host), HTTPClient: &http.Client{
			Transport: x.client.fresh,
			// A redirect is the answer: nothing but the target's own path is opened.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	})
	_, x.sent = x.watcher.seen()
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return Observation{Status: resp.StatusCode, Header: resp.Header}
		}
		return x.fault(ctx, err)
	}
	defer func() { go conn.Close(websocket.StatusNormalClosure, "") }() //nolint:errcheck // what came is judged; it waits 5 s for an answer
	conn.SetReadLimit(x.request.MaxBody)
	if text := *x.request.WebSocket; text != "" {
		err = conn.Write(ctx, websocket.MessageText, []byte(text))
	}
	o := Observation{Status: resp.StatusCode, Header: resp.Header}
	if err == nil && x.request.Events > 0 {
		_, o.Body, err = conn.Read(ctx)
		o.Events = 1
	}
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		o.Fault, o.Text = FaultTooLarge, fmt.Sprintf("the message is larger than %d bytes", x.request.MaxBody)
	case err != nil:
		f := x.fault(ctx, err)
		o.Fault, o.Text = f.Fault, f.Text
	}
	return o
}
