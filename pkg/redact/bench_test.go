package redact_test

import (
	"strings"
	"testing"

	"github.com/greenlight-ecs/greenlight/pkg/redact"
)

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		redact.New("p/ss \"w+rd\" and some more of it")
	}
}

func BenchmarkText(b *testing.B) {
	r := redact.New("p/ss \"w+rd\" and some more of it", strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQ\n", 20))
	text := strings.Repeat(`{"id":"t-1","title":"Lisbon","path":"/p/s\\s","days":4},`, 300)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Cut(text)
	}
}
