package payload_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/payload"
)

// uploadOf returns the response to an upload, of about so many bytes: the
// documented fields and then faces, tags, context and eager results.
func uploadOf(size int) []byte {
	var b strings.Builder
	b.WriteString(`{"timestamp":"2024-06-25T10:21:27+00:00","request_id":"0cc3e0d9a2ce2703563b0c93c51c35ee",` +
		`"asset_id":"be52027d24d3349b0e105c38f00ec597","public_id":"jeans","version":1719310887,` +
		`"version_id":"40c79d9223f1ca2797a55787b9c8f503","width":520,"height":693,"format":"png",` +
		`"resource_type":"image","created_at":"2024-06-25T10:21:27Z","tags":["denim","blue"],"bytes":147954,` +
		`"type":"upload","etag":"ac03de878dde557f29c59e83edcbd74b","placeholder":false,` +
		`"url":"http://res.cloudinary.com/cld-docs/image/upload/v1719310887/jeans.png",` +
		`"secure_url":"https://res.cloudinary.com/cld-docs/image/upload/v1719310887/jeans.png",` +
		`"asset_folder":"","display_name":"jeans","original_filename":"jeans-1421398-1279x852",` +
		`"api_key":"614335564976464","faces":[[10,20,30,40]],"eager":[`)
	for i := 0; ; i++ {
		entry := fmt.Sprintf(`{"transformation":"c_limit,w_%d","width":%d,"height":720,"bytes":%d,"format":"mp4",`+
			`"confidence":0.%d,"url":"http://res.cloudinary.com/demo/video/upload/c_limit,w_%d/v1533125278/dog.mp4"}`,
			100+i, 100+i, 305371+i, 9731+i*7, 100+i)
		if b.Len()+len(entry) > size {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(entry)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

var benchmarked = []struct {
	name string
	data []byte
}{
	{"1KB", uploadOf(1 << 10)},
	{"16KB", uploadOf(16 << 10)},
	{"256KB", uploadOf(256 << 10)},
}

func BenchmarkCompose(b *testing.B) {
	for _, test := range benchmarked {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.Compose("upload", test.data, byAPI, payload.Form{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodingJSON is what Compose is compared with: decode and encode, which
// sorts the keys besides.
func BenchmarkEncodingJSON(b *testing.B) {
	for _, test := range benchmarked {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.data)))
			b.ReportAllocs()
			for b.Loop() {
				var fields map[string]any
				if err := json.Unmarshal(test.data, &fields); err != nil {
					b.Fatal(err)
				}
				fields["notification_type"] = "upload"
				if _, err := json.Marshal(fields); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFields(b *testing.B) {
	for _, test := range benchmarked {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.Fields(test.data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWithSignatureKey(b *testing.B) {
	body, err := payload.Compose("upload", benchmarked[0].data, byAPI, payload.Form{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		payload.WithSignatureKey(body, apiKey)
	}
}

func BenchmarkPack(b *testing.B) {
	for _, test := range benchmarked {
		b.Run(test.name, func(b *testing.B) {
			body := composed(b, test.data)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			packed := 0
			for b.Loop() {
				packed = len(payload.Pack(body))
			}
			b.ReportMetric(float64(packed)/float64(len(body)), "of-size")
		})
	}
}

func BenchmarkUnpack(b *testing.B) {
	for _, test := range benchmarked {
		b.Run(test.name, func(b *testing.B) {
			body := composed(b, test.data)
			packed := payload.Pack(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.Unpack(packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func composed(b *testing.B, data []byte) []byte {
	b.Helper()
	body, err := payload.Compose("upload", data, byAPI, payload.Form{})
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// BenchmarkComposeHostile is the slowest that 256 KB can be made.
func BenchmarkComposeHostile(b *testing.B) {
	const size = 256 << 10
	keys := func(format string) []byte {
		var names []string
		for i := range 30_000 {
			names = append(names, fmt.Sprintf(format, 29_999-i))
		}
		return []byte(`{` + strings.Join(names, ",") + `}`)
	}
	nested := strings.Repeat(`{"a":0,"1":`, 98) + `{"a":"` + strings.Repeat("x", size-1300) + `"}` + strings.Repeat("}", 98)
	for _, test := range []struct {
		name string
		data []byte
	}{
		{"keys", keys(`"%d_":0`)},
		{"indexes", keys(`"%d":0`)},
		{"moved at every level", []byte(nested)},
		{"one integer", []byte(`{"a":[` + strings.TrimSuffix(strings.Repeat(strings.Repeat("9", 308)+`,`, size/309), ",") + `]}`)},
		{"short exponents", []byte(`{"a":[` + strings.TrimSuffix(strings.Repeat("1e-7,", size/5), ",") + `]}`)},
		{"escapes", []byte(`{"a":"` + strings.Repeat(`\u00e9`, size/6) + `"}`)},
	} {
		b.Run(strings.ReplaceAll(test.name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(test.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.Compose("upload", test.data, byAPI, payload.Form{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
