package signature_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/signature"
)

// eagerBody is the body that the tests of several of Cloudinary's SDKs sign.
const eagerBody = `{"notification_type":"eager","eager":[{"transformation":"sp_full_hd/mp4","bytes":1055,` +
	`"url":"http://res.cloudinary.com/demo/video/upload/sp_full_hd/v1533125278/dog.mp4",` +
	`"secure_url":"https://res.cloudinary.com/demo/video/upload/sp_full_hd/v1533125278/dog.mp4"}],` +
	`"public_id":"dog","batch_id":"9b11fa058c61fa577f4ec516bf6ee756ac2aefef095af99aef1302142cc1694a"}`

// vectors are signatures that others computed: Cloudinary's page on verifying
// signatures and the tests of its SDKs. Those named "own" were computed with
// another implementation of the digests.
var vectors = []struct {
	name      string
	algorithm string
	body      string
	timestamp int64
	secret    string
	want      string
}{
	{
		"documented example", signature.SHA1, `{public_id: 'sample'}`, 1315060510, "abcd",
		"25f7e91709c858b97d688ce8da799dedb290d9ef",
	},
	{
		"eager body of the SDKs", signature.SHA1, eagerBody, 1549533514, "X7qLTrsES31MzxxkxPPA-pAGGfU",
		"dfe82de1d9083fe0b7ea68070649f9a15b8874da",
	},
	{
		"empty object with SHA-1", signature.SHA1, `{}`, 0, "someApiSecret",
		"f9aa4471d2a88ff244424cca2444edf7d7ac3596",
	},
	{
		"empty object with SHA-256", signature.SHA256, `{}`, 0, "someApiSecret",
		"d5497e1a206ad0ba29ad09a7c0c5f22e939682d15009c15ab3199f62fefbd14b",
	},
	{
		"Node SDK with SHA-256", signature.SHA256,
		`{"public_id":"b8sjhoslj8cq8ovoa0ma","version":"1555337587","width":1000,"height":800}`,
		7952342400000, "hardcoded",
		"6c5a29fd8815772fbac2f10ae741e093d0859313947ef8fadeb29126ded6649c",
	},
	{
		"own: eager body with SHA-256", signature.SHA256, eagerBody, 1549533514, "X7qLTrsES31MzxxkxPPA-pAGGfU",
		"8fc83f7edf453ef6ad882a72a38e2c697b355a09f78478bed51f96f1f5a0a9c7",
	},
	{
		"own: documented example with SHA-256", signature.SHA256, `{public_id: 'sample'}`, 1315060510, "abcd",
		"35c9b4ce5ea893c20d371673d0ed96fcc57c1d2702169add0165c589a9042e59",
	},
}

func TestSign(t *testing.T) {
	for _, test := range vectors {
		t.Run(test.name, func(t *testing.T) {
			got, err := signature.Sign(test.algorithm, []byte(test.body), test.timestamp, test.secret)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("Sign() = %s, want %s", got, test.want)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	for _, test := range []struct {
		name, algorithm, secret, want string
	}{
		{"no algorithm", "", "abcd", `sign notification: algorithm "" is neither sha1 nor sha256`},
		{"unknown algorithm", "md5", "abcd", `sign notification: algorithm "md5" is neither sha1 nor sha256`},
		{"algorithm in capitals", "SHA1", "abcd", `sign notification: algorithm "SHA1" is neither sha1 nor sha256`},
		{"no secret", signature.SHA1, "", "sign notification: secret is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := signature.Sign(test.algorithm, []byte(`{}`), 1, test.secret)
			if err == nil || err.Error() != test.want {
				t.Errorf("Sign() error = %v, want %s", err, test.want)
			}
			if got != "" {
				t.Errorf("Sign() = %s beside an error", got)
			}
			if signature.Verify(test.algorithm, []byte(`{}`), 1, got, test.secret) {
				t.Error("Verify() accepts what Sign refuses to make")
			}
		})
	}
}

func TestSignLongSecret(t *testing.T) {
	secret := strings.Repeat("s", 1000)
	got, err := signature.Sign(signature.SHA1, []byte("{}"), -1, secret)
	if err != nil {
		t.Fatal(err)
	}
	// The parts are written one after the other, so where one ends is not signed.
	want, err := signature.Sign(signature.SHA1, []byte("{}-"), 1, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("Sign() = %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	for _, test := range vectors {
		t.Run(test.name, func(t *testing.T) {
			body := []byte(test.body)
			if !signature.Verify(test.algorithm, body, test.timestamp, test.want, test.secret) {
				t.Error("Verify() refuses the signature")
			}
			other := signature.SHA1
			if test.algorithm == signature.SHA1 {
				other = signature.SHA256
			}
			for name, accepted := range map[string]bool{
				"another body":       signature.Verify(test.algorithm, append(body, ' '), test.timestamp, test.want, test.secret),
				"another timestamp":  signature.Verify(test.algorithm, body, test.timestamp+1, test.want, test.secret),
				"another secret":     signature.Verify(test.algorithm, body, test.timestamp, test.want, test.secret+"x"),
				"another algorithm":  signature.Verify(other, body, test.timestamp, test.want, test.secret),
				"capitals":           signature.Verify(test.algorithm, body, test.timestamp, strings.ToUpper(test.want), test.secret),
				"a part":             signature.Verify(test.algorithm, body, test.timestamp, test.want[:39], test.secret),
				"an empty signature": signature.Verify(test.algorithm, body, test.timestamp, "", test.secret),
			} {
				if accepted {
					t.Errorf("Verify() accepts %s", name)
				}
			}
		})
	}
}

func TestTimestamp(t *testing.T) {
	accepted := time.Date(2024, 6, 25, 10, 21, 27, 900_000_000, time.UTC)
	const second = 1719310887
	for _, test := range []struct {
		name  string
		after time.Duration
		want  int64
	}{
		{"at once", 0, second},
		{"within the same second", 50 * time.Millisecond, second},
		{"first retry", 3 * time.Minute, second},
		{"last retry", 18 * time.Minute, second},
		{"just before the hour", time.Hour - time.Second, second},
		{"fraction counts as receivers count", time.Hour - 100*time.Millisecond, second + 3600},
		{"the hour", time.Hour, second + 3600},
		{"within the second hour", 2*time.Hour - time.Second, second + 3600},
		{"the next day", 24*time.Hour + 59*time.Minute, second + 24*3600},
		{"a month later", 30 * 24 * time.Hour, second + 30*24*3600},
		{"a clock that is behind", -time.Minute, second},
		{"a clock that is hours behind", -5 * time.Hour, second},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := signature.Timestamp(accepted, accepted.Add(test.after)); got != test.want {
				t.Errorf("Timestamp() = %d, want %d", got, test.want)
			}
		})
	}
}

// Every attempt of a day, at odd intervals: never an hour old, never in the
// future, and one timestamp an hour.
func TestTimestampAge(t *testing.T) {
	accepted := time.Date(2024, 6, 25, 10, 21, 27, 999_999_999, time.FixedZone("", 5*3600))
	seen := map[int64]bool{}
	for at := accepted; at.Before(accepted.Add(24*time.Hour - time.Second)); at = at.Add(1733 * time.Millisecond) {
		stamp := signature.Timestamp(accepted, at)
		seen[stamp] = true
		if age := at.Sub(time.Unix(stamp, 0)); age < 0 || age >= time.Hour {
			t.Fatalf("Timestamp(%s) is %s old", at, age)
		}
	}
	if len(seen) != 24 {
		t.Errorf("%d timestamps in a day, want 24", len(seen))
	}
}

func Example() {
	body := []byte(`{"notification_type":"upload","public_id":"jeans","signature_key":"614335564976464"}`)
	accepted := time.Date(2024, 6, 25, 10, 21, 27, 0, time.UTC)
	const secret = "my-api-secret"

	// The sender:
	timestamp := signature.Timestamp(accepted, accepted.Add(3*time.Minute))
	signed, err := signature.Sign(signature.SHA1, body, timestamp, secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("X-Cld-Timestamp:", timestamp)
	fmt.Println("X-Cld-Signature:", signed)

	// The receiver, with the body as it came:
	fmt.Println(signature.Verify(signature.SHA1, body, timestamp, signed, secret))
	// Output:
	// X-Cld-Timestamp: 1719310887
	// X-Cld-Signature: 7e43e7c149420988bf4b88933d32539adb1590d0
	// true
}

func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.algorithm, []byte(v.body), v.timestamp, v.secret, v.want)
	}
	f.Add("", []byte(nil), int64(-1), "", "")
	f.Fuzz(func(t *testing.T, algorithm string, body []byte, timestamp int64, secret, offered string) {
		signed, err := signature.Sign(algorithm, body, timestamp, secret)
		known := algorithm == signature.SHA1 || algorithm == signature.SHA256
		if (err == nil) != (known && secret != "") {
			t.Fatalf("Sign(%q): %v", algorithm, err)
		}
		if err != nil {
			if signature.Verify(algorithm, body, timestamp, offered, secret) {
				t.Fatal("Verify() accepts what Sign refuses to make")
			}
			return
		}
		if !signature.Verify(algorithm, body, timestamp, signed, secret) {
			t.Error("Verify() refuses what Sign made")
		}
		if signature.Verify(algorithm, body, timestamp, offered, secret) != (offered == signed) {
			t.Error("Verify() accepts another signature")
		}
		if signature.Verify(algorithm, body, timestamp+1, signed, secret) {
			t.Error("Verify() accepts another timestamp")
		}
	})
}

func BenchmarkSign(b *testing.B) {
	const secret = "X7qLTrsES31MzxxkxPPA-pAGGfU"
	for _, algorithm := range []string{signature.SHA1, signature.SHA256} {
		for _, kilobytes := range []int{1, 16, 256} {
			b.Run(algorithm+"/"+strconv.Itoa(kilobytes)+"KB", func(b *testing.B) {
				body := []byte(strings.Repeat("x", kilobytes<<10))
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := signature.Sign(algorithm, body, 1719310887, secret); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
