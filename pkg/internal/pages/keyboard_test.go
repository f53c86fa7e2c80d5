package pages_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// keyboard is a page in a browser that is used by its keys alone, through the DevTools protocol on a
// pipe: the keys go the way of a real keyboard, past every script of the page.
type keyboard struct {
	t       testing.TB
	in      io.Writer
	out     *bufio.Reader
	session string
	last    int
}

// keys opens the page until the test ends.
func (b browser) keys(t testing.TB, url string) *keyboard {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	folder, err := os.MkdirTemp("", "browser") //nolint:usetesting // processes of the browser outlive it a little and still write here, which fails a test's own folder
	if err != nil {
		t.Fatal(err)
	}
	toBrowser, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, b.path, append(arguments(folder), "--window-size=1200,900", "--remote-debugging-pipe")...)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // 3 and 4, as the browser expects them
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = toBrowser.Close(), fromBrowser.Close()
	t.Cleanup(func() {
		_, _ = in.Write([]byte(`{"id":0,"method":"Browser.close"}` + "\x00"))
		_ = cmd.Wait()
		cancel()
		_, _ = in.Close(), out.Close()
		for deadline := time.Now().Add(5 * time.Second); os.RemoveAll(folder) != nil && time.Now().Before(deadline); {
			<-time.After(50 * time.Millisecond)
		}
	})
	k := &keyboard{t: t, in: in, out: bufio.NewReader(out)}
	var target struct{ TargetID string }
	k.call("Target.createTarget", map[string]any{"url": url}, &target)
	var attached struct{ SessionID string }
	k.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	k.session = attached.SessionID
	for deadline := time.Now().Add(patience); ; {
		var ready bool
		k.ask(fmt.Sprintf("document.readyState === 'complete' && location.href.startsWith(%q)", url), &ready)
		if ready {
			return k
		}
		if time.Now().After(deadline) {
			t.Fatal("the page was not loaded")
		}
	}
}

// press presses and releases a key: "Tab", "Enter".
func (k *keyboard) press(key string) {
	k.t.Helper()
	event := map[string]any{"type": "rawKeyDown", "key": key, "code": key, "windowsVirtualKeyCode": 9}
	if key == "Enter" {
		event["type"], event["text"], event["windowsVirtualKeyCode"] = "keyDown", "\r", 13
	}
	k.call("Input.dispatchKeyEvent", event, nil)
	k.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": event["windowsVirtualKeyCode"]}, nil)
}

// ask puts the value of a JavaScript expression into out.
func (k *keyboard) ask(expression string, out any) {
	k.t.Helper()
	var answer struct {
		Result struct{ Value json.RawMessage }
	}
	k.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &answer)
	if err := json.Unmarshal(answer.Result.Value, out); err != nil {
		k.t.Fatalf("%s: %v: %s", expression, err, answer.Result.Value)
	}
}

// call waits for the answer to one command; events in between are passed over.
func (k *keyboard) call(method string, params, out any) {
	k.t.Helper()
	k.last++
	command := map[string]any{"id": k.last, "method": method, "params": params}
	if k.session != "" {
		command["sessionId"] = k.session
	}
	text, err := json.Marshal(command)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.in.Write(append(text, 0)); err != nil {
		k.t.Fatalf("%s: %v", method, err)
	}
	for {
		text, err := k.out.ReadBytes(0)
		if err != nil {
			k.t.Fatalf("%s: the browser is gone: %v", method, err)
		}
		var answer struct {
			ID     int
			Error  *struct{ Message string }
			Result json.RawMessage
		}
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			k.t.Fatal(err)
		}
		switch {
		case answer.ID != k.last:
		case answer.Error != nil:
			k.t.Fatalf("%s: %s", method, answer.Error.Message)
		case out == nil:
			return
		default:
			if err := json.Unmarshal(answer.Result, out); err != nil {
				k.t.Fatal(err)
			}
			return
		}
	}
}

// byKeyboard uses the page by its keys alone and says what is wrong: Tab has to reach every link, fold
// and scrolling part in the page's order, each time with a focus that can be seen and within the window;
// Enter has to follow every link to its place and open every fold.
func (k *keyboard) byKeyboard() []string {
	k.t.Helper()
	const reachable = "[...document.querySelectorAll('a[href],summary,[tabindex=\"0\"]')].filter(e => e.checkVisibility())"
	var want int
	k.ask(reachable+".length", &want)
	if want == 0 {
		return []string{"the keyboard reaches nothing"}
	}
	var wrong []string
	for n := range want {
		k.press("Tab")
		var stop struct {
			Index              int
			Name, Tag          string
			Outlined, InWindow bool
		}
		k.ask("(() => { const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e); return {"+
			"Index: "+reachable+".indexOf(e), Name: e.outerHTML.slice(0, 80), Tag: e.tagName,"+
			"Outlined: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0,"+
			"InWindow: r.bottom > 0 && r.top < innerHeight} })()", &stop)
		switch {
		case stop.Index != n:
			return append(wrong, fmt.Sprintf("Tab %d of %d reaches number %d: %s", n+1, want, stop.Index+1, stop.Name))
		case !stop.Outlined:
			wrong = append(wrong, "the focus cannot be seen: "+stop.Name)
		case !stop.InWindow:
			wrong = append(wrong, "the focus is outside the window: "+stop.Name)
		}
		if fault := k.enter(stop.Tag); fault != "" {
			wrong = append(wrong, fault+": "+stop.Name)
		}
	}
	return wrong
}

// enter presses Enter on what has the focus, says what did not happen, and puts the focus back.
func (k *keyboard) enter(tag string) string {
	k.t.Helper()
	var ok bool
	switch tag {
	case "A":
		k.ask("(window.was = document.activeElement, location.hash = '', true)", &ok)
		k.ask("(window.was.focus(), true)", &ok)
		k.press("Enter")
		k.ask("location.hash === window.was.getAttribute('href') && !!document.querySelector(location.hash)", &ok)
		if !ok {
			return "Enter does not follow the link to a place of the page"
		}
		k.ask("(window.was.focus(), true)", &ok)
	case "SUMMARY":
		k.ask("(window.open_ = document.activeElement.parentElement.open, true)", &ok)
		k.press("Enter")
		k.ask("document.activeElement.parentElement.open !== window.open_", &ok)
		k.press("Enter") // as it was, so that Tab meets what it would have met
		if !ok {
			return "Enter does not open or close the fold"
		}
	}
	return ""
}
