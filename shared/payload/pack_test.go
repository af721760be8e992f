package payload_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// noise is a body that cannot be compressed.
func noise(n int) []byte {
	random := rand.New(rand.NewPCG(seedOfDocuments, 5))
	body := []byte{'{'}
	for len(body) < n {
		body = append(body, byte(random.Uint32()))
	}
	return body
}

func TestPack(t *testing.T) {
	for _, test := range []struct {
		name   string
		body   []byte
		packed bool
	}{
		{"short", []byte(`{"a":1`), false},
		{"1 KB", []byte(`{"a":"` + strings.Repeat("x", 1024-6)), false},
		{"over 1 KB", []byte(`{"a":"` + strings.Repeat("x", 1025-6)), true},
		{"256 KB", []byte(`{"a":"` + strings.Repeat("0123456789", 26_214)), true},
		{"as long as a body may be", []byte(`{"a":"` + strings.Repeat("x", payload.MaxBody-6)), true},
		{"that compressing does not help", noise(4096), false},
		{"no body, short", []byte(`[1]`), true},
		{"empty", nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := bytes.Clone(test.body)
			packed := payload.Pack(test.body)
			if bytes.Equal(packed, test.body) == test.packed {
				t.Errorf("packed to %d bytes of %d, want packed: %t", len(packed), len(test.body), test.packed)
			}
			if test.packed == (packed[0] == '{') {
				t.Errorf("packed begins with %q", packed[0])
			}
			got, err := payload.Unpack(packed)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, before) || !bytes.Equal(test.body, before) {
				t.Errorf("%d bytes came back as %d others", len(before), len(got))
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	packed := payload.Pack([]byte(`{"a":"` + strings.Repeat("0123456789", 1000)))
	long := payload.Pack(bytes.Repeat([]byte("{"), payload.MaxBody+1))
	changed := bytes.Clone(packed)
	changed[len(changed)-1] ^= 1
	for _, test := range []struct {
		name   string
		packed []byte
		want   string
	}{
		{"nothing", nil, "unpack body: it is empty"},
		{"text", []byte("hello"), "unpack body: "},
		{"half a frame", packed[:len(packed)/2], "unpack body: "},
		{"a changed frame", changed, "unpack body: "},
		{"a frame and more", append(bytes.Clone(packed), 'x'), "unpack body: "},
		{"one byte too long", long, "unpack body: "},
		{"far too long", payload.Pack(make([]byte, 64<<20)), "unpack body: "},
		{"frame after frame", bytes.Repeat(payload.Pack(make([]byte, payload.MaxBody)), 2), "unpack body: "},
		{"plain and too long", bytes.Repeat([]byte("{"), payload.MaxBody+1), "unpack body: body longer than 1048576 bytes"},
		{"a stream that does not tell its length", stream(t, 64<<20), "unpack body: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := payload.Unpack(test.packed)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("Unpack() = %d bytes, %v, want %s", len(got), err, test.want)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 8*payload.MaxBody {
				t.Errorf("allocated %d bytes", grown)
			}
		})
	}
}

// stream packs zeros as somebody else could.
func stream(t *testing.T, length int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(128<<10))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range length >> 20 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPackInParallel(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			body := []byte(`{"a":"` + strings.Repeat(string(rune('a'+i)), 5000+i))
			for range 50 {
				got, err := payload.Unpack(payload.Pack(body))
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("body %d came back as %d bytes, %v", i, len(got), err)
					return
				}
			}
		})
	}
	all.Wait()
}
