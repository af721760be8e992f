package signature_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/signature"
)

// What the tests of explanations sign: a body with all that libraries write in
// different ways, the environment's two keys, and a timestamp of a minute ago.
const (
	sentBody = `{"notification_type":"upload","public_id":"café/<lamp>","width":1600,"tags":["a","b"],"none":[],` +
		`"emoji":"😀","notification_context":{"triggered_by":{"source":"api","id":"614335564976464"}},"signature_key":"614335564976464"}`
	signing, signingSecret = "614335564976464", "first-secret_0123456789"
	other, otherSecret     = "998877665544332", "other-secret_0123456789"
	sentAt                 = 1719310887
)

var (
	now      = time.Unix(sentAt+60, 0)
	sentTime = strconv.Itoa(sentAt)
)

func keys(algorithm string) signature.Keys {
	return signature.Keys{Algorithm: algorithm, Signs: signing, All: []notification.SigningKey{
		{APIKey: signing, Secret: signingSecret, Algorithm: algorithm},
		{APIKey: other, Secret: otherSecret, Algorithm: algorithm},
	}}
}

// sha1Of and sha256Of compute without the package under test.
func sha1Of(parts ...string) string {
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

func sha256Of(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

func hmacOf(secret string, parts ...string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(mac.Sum(nil))
}

func codes(e signature.Explanation) []string {
	var all []string
	for _, f := range e.Findings {
		all = append(all, string(f.Code))
	}
	return all
}

// explains holds an explanation against the codes that are expected, and every
// explanation against what holds for all.
func explains(t *testing.T, e signature.Explanation, accepted bool, want ...signature.Code) {
	t.Helper()
	if got := codes(e); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("findings %v, want %v", got, want)
	}
	if e.Accepted != accepted {
		t.Errorf("accepted %t, want %t", e.Accepted, accepted)
	}
	for _, f := range e.Findings {
		if !strings.HasSuffix(f.Text, ".") || f.Next != "" && !strings.HasSuffix(f.Next, ".") {
			t.Errorf("%s: %q %q are not sentences", f.Code, f.Text, f.Next)
		}
	}
	if all := fmt.Sprintf("%+v", e); strings.Contains(all, signingSecret) || strings.Contains(all, otherSecret) {
		t.Errorf("a secret in %s", all)
	}
}

const base = `{"a":1}` // the body of cases that are not about bodies

func TestExplain(t *testing.T) {
	right := sha1Of(base, sentTime, signingSecret)
	digest, err := hex.DecodeString(right)
	if err != nil {
		t.Fatal(err)
	}
	old := strconv.Itoa(sentAt - 3*3600)
	for _, test := range []struct {
		name     string
		pasted   signature.Pasted
		accepted bool
		want     []signature.Code
		text     string // of the first finding
	}{
		{
			"as sent", signature.Pasted{base, sentTime, right}, true,
			[]signature.Code{signature.Matches},
			"The signature matches this body and timestamp, signed with key …6464 by SHA-1.",
		}, {
			"headers copied with their names", signature.Pasted{base, " X-Cld-Timestamp: " + sentTime + "\r\n", "x-cld-signature: " + right}, true,
			[]signature.Code{signature.Matches}, "",
		}, {
			"another key of the environment", signature.Pasted{base, sentTime, sha1Of(base, sentTime, otherSecret)}, true,
			[]signature.Code{signature.Matches, signature.MatchesOtherKey},
			"The signature matches this body and timestamp, signed with key …4332 by SHA-1.",
		}, {
			"SHA-256 where the environment says SHA-1", signature.Pasted{base, sentTime, sha256Of(base, sentTime, signingSecret)}, true,
			[]signature.Code{signature.Matches, signature.OtherAlgorithm}, "",
		}, {
			"HMAC", signature.Pasted{base, sentTime, hmacOf(signingSecret, base, sentTime)}, false,
			[]signature.Code{signature.ComputedAsHMAC},
			"The signature is an HMAC-SHA-1 of body and timestamp, with key …6464.",
		}, {
			"HMAC of the body", signature.Pasted{base, sentTime, hmacOf(signingSecret, base)}, false,
			[]signature.Code{signature.ComputedAsHMAC}, "The signature is an HMAC-SHA-1 of the body, with key …6464.",
		}, {
			"HMAC as others have it, with the other key", signature.Pasted{base, sentTime, hmacOf(otherSecret, sentTime, ".", base)}, false,
			[]signature.Code{signature.ComputedAsHMAC, signature.MatchesOtherKey}, "",
		}, {
			"HMAC of a body with a line break", signature.Pasted{base + "\n", sentTime, hmacOf(signingSecret, base, sentTime)}, false,
			[]signature.Code{signature.ComputedAsHMAC, signature.BodyRewritten}, "",
		}, {
			"no timestamp in it", signature.Pasted{base, sentTime, sha1Of(base, signingSecret)}, false,
			[]signature.Code{signature.WithoutTimestamp}, "",
		}, {
			"no secret in it", signature.Pasted{base, sentTime, sha1Of(base, sentTime)}, false,
			[]signature.Code{signature.WithoutSecret}, "The signature is the SHA-1 of body and timestamp, without a secret.",
		}, {
			"the body alone, by SHA-256", signature.Pasted{base, sentTime, sha256Of(base)}, false,
			[]signature.Code{signature.WithoutSecret, signature.OtherAlgorithm}, "",
		}, {
			"a line break after the secret", signature.Pasted{base, sentTime, sha1Of(base, sentTime, signingSecret, "\n")}, false,
			[]signature.Code{signature.PaddedSecret}, "",
		}, {
			"the API key in place of the secret", signature.Pasted{base, sentTime, sha1Of(base, sentTime, signing)}, false,
			[]signature.Code{signature.APIKeyAsSecret}, "The signature is the SHA-1 of body, timestamp and the API key.",
		}, {
			"another order", signature.Pasted{base, sentTime, sha1Of(signingSecret, base, sentTime)}, false,
			[]signature.Code{signature.OtherOrder}, "",
		}, {
			"milliseconds, of a signature in seconds", signature.Pasted{base, sentTime + "000", right}, false,
			[]signature.Code{signature.Matches, signature.TimestampInMilliseconds}, "",
		}, {
			"milliseconds in the signature too", signature.Pasted{base, sentTime + "123", sha1Of(base, sentTime, "123", signingSecret)}, false,
			[]signature.Code{signature.Matches, signature.TimestampInMilliseconds}, "",
		}, {
			"older than two hours", signature.Pasted{base, old, sha1Of(base, old, signingSecret)}, false,
			[]signature.Code{signature.Matches, signature.TimestampTooOld}, "",
		}, {
			"too old, with another key, by HMAC-SHA-256", signature.Pasted{base, old, func() string {
				mac := hmac.New(sha256.New, []byte(otherSecret))
				mac.Write([]byte(base + old))
				return hex.EncodeToString(mac.Sum(nil))
			}()}, false,
			[]signature.Code{signature.ComputedAsHMAC, signature.MatchesOtherKey, signature.OtherAlgorithm, signature.TimestampTooOld}, "",
		}, {
			"ahead of the clock", signature.Pasted{base, strconv.Itoa(sentAt + 3600), sha1Of(base, strconv.Itoa(sentAt+3600), signingSecret)}, true,
			[]signature.Code{signature.Matches, signature.TimestampAhead}, "",
		}, {
			"with a prefix", signature.Pasted{base, sentTime, "sha1=" + right}, false,
			[]signature.Code{signature.Matches, signature.SignatureHasPrefix}, "",
		}, {
			"in capitals", signature.Pasted{base, sentTime, strings.ToUpper(right)}, false,
			[]signature.Code{signature.Matches, signature.SignatureUpperCase}, "",
		}, {
			"in base64", signature.Pasted{base, sentTime, base64.StdEncoding.EncodeToString(digest)}, false,
			[]signature.Code{signature.Matches, signature.SignatureInBase64}, "",
		}, {
			"in base64 for URLs, with a prefix", signature.Pasted{base, sentTime, "sha1=" + base64.RawURLEncoding.EncodeToString(digest)}, false,
			[]signature.Code{signature.Matches, signature.SignatureHasPrefix, signature.SignatureInBase64}, "",
		}, {
			"cut off", signature.Pasted{base, sentTime, right[:39]}, false,
			[]signature.Code{signature.SignatureWrongLength}, "The signature has 39 hex digits. SHA-1 makes 40, SHA-256 makes 64.",
		}, {
			"MD5", signature.Pasted{base, sentTime, right[:32]}, false,
			[]signature.Code{signature.SignatureWrongLength}, "",
		}, {
			"no hex", signature.Pasted{base, sentTime, "undefined"}, false,
			[]signature.Code{signature.SignatureNotHex}, "",
		}, {
			"nothing", signature.Pasted{}, false,
			[]signature.Code{signature.BodyMissing, signature.TimestampMissing, signature.SignatureMissing}, "The body is missing.",
		}, {
			"a body of space", signature.Pasted{" \n", sentTime, right}, false,
			[]signature.Code{signature.BodyMissing}, "",
		}, {
			"a body beyond all bounds", signature.Pasted{strings.Repeat(" ", 2<<20) + base, sentTime, right}, false,
			[]signature.Code{signature.BodyTooLong}, "",
		}, {
			"a date for a timestamp", signature.Pasted{base, "Tue, 25 Jun 2024 10:21:27 GMT", right}, false,
			[]signature.Code{signature.TimestampNotSeconds}, "",
		}, {
			"nothing matches", signature.Pasted{base, sentTime, sha1Of("x")}, false,
			[]signature.Code{signature.NothingMatches}, "",
		}, {
			"signed by a key of nobody's", signature.Pasted{`{"signature_key":"123412341234"}`, sentTime, sha1Of("x")}, false,
			[]signature.Code{signature.SignatureKeyOther, signature.NothingMatches},
			"The body says that key …1234 signed it, and this environment has no such key.",
		}, {
			"a body that was cut short", signature.Pasted{`{"a":`, sentTime, right}, false,
			[]signature.Code{signature.BodyCutShort, signature.NothingMatches}, "",
		}, {
			"an object turned into text", signature.Pasted{"[object Object]", sentTime, right}, false,
			[]signature.Code{signature.BodyNotJSON, signature.NothingMatches},
			"The body is a JavaScript object that was turned into text, not what was sent.",
		}, {
			"a body as Python prints it", signature.Pasted{`{'a': True}`, sentTime, right}, false,
			[]signature.Code{signature.BodyNotJSON, signature.NothingMatches}, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := signature.Explain(test.pasted, keys(signature.SHA1), now)
			explains(t, e, test.accepted, test.want...)
			if test.text != "" && e.Findings[0].Text != test.text {
				t.Errorf("says %q, want %q", e.Findings[0].Text, test.text)
			}
		})
	}
}

func TestExplainSHA256(t *testing.T) {
	e := signature.Explain(signature.Pasted{base, sentTime, sha256Of(base, sentTime, signingSecret)}, keys(signature.SHA256), now)
	explains(t, e, true, signature.Matches)
	e = signature.Explain(signature.Pasted{base, sentTime, sha1Of(base, sentTime, signingSecret)}, keys(signature.SHA256), now)
	explains(t, e, true, signature.Matches, signature.OtherAlgorithm)
	if want := "It is a SHA-1 signature, and the environment's setting is SHA-256."; e.Findings[1].Text != want {
		t.Errorf("says %q, want %q", e.Findings[1].Text, want)
	}
}

func TestExplainWithoutKeys(t *testing.T) {
	e := signature.Explain(signature.Pasted{base, sentTime, sha1Of(base, sentTime, signingSecret)}, signature.Keys{Algorithm: signature.SHA1}, now)
	explains(t, e, false, signature.NothingMatches)
}

// A secret that somebody has typed in, and that no key here has.
func TestExplainStrangeSecret(t *testing.T) {
	strange := signature.Keys{Algorithm: signature.SHA1, Signs: signing, All: []notification.SigningKey{{Secret: otherSecret}}}
	e := signature.Explain(signature.Pasted{base, sentTime, hmacOf(otherSecret, base, sentTime)}, strange, now)
	explains(t, e, false, signature.ComputedAsHMAC, signature.MatchesOtherKey)
	for i, want := range []string{
		"The signature is an HMAC-SHA-1 of body and timestamp, with that secret.",
		"It was made with that secret, which no key of this environment has, and key …6464 signs now.",
	} {
		if e.Findings[i].Text != want {
			t.Errorf("says %q, want %q", e.Findings[i].Text, want)
		}
	}
	e = signature.Explain(signature.Pasted{base, sentTime, sha1Of(base, sentTime)}, strange, now)
	explains(t, e, false, signature.WithoutSecret)
}

// ours is the signature that was sent.
var ours = sha1Of(sentBody, sentTime, signingSecret)

// The receiver's framework has changed the body that the person pasted; the
// signature is the one that came with it.
func TestExplainBodyRewritten(t *testing.T) {
	var indented strings.Builder
	encoder := json.NewEncoder(&indented)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(json.RawMessage(sentBody)); err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(sentBody)
	if err != nil {
		t.Fatal(err)
	}
	var latin1 strings.Builder
	for _, b := range []byte(sentBody) {
		latin1.WriteRune(rune(b))
	}
	for _, test := range []struct{ name, body, says string }{
		{"pretty-printed", strings.TrimSpace(indented.String()), "there is space between its values."},
		{"pretty-printed, and a form's line breaks", strings.ReplaceAll(indented.String(), "\n", "\r\n"), "there is space around it."},
		{"a line break at the end", sentBody + "\n", "has space or a line break around it"},
		{"letters escaped", strings.NewReplacer("é", `\u00e9`, "😀", `\ud83d\ude00`).Replace(sentBody), `letters beyond ASCII are escaped, as \u00e9.`},
		{"slashes escaped", strings.ReplaceAll(sentBody, "/", `\/`), `slashes are escaped, as \/.`},
		{"brackets escaped", strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(sentBody), `characters are escaped that need not be`},
		{"a number written another way", strings.Replace(sentBody, "1600", "1.6e3", 1), "numbers are written another way"},
		{"a byte order mark", "\ufeff" + sentBody, "byte order mark"},
		{"serialised twice", string(quoted), "serialised twice"},
		{"bytes as Python prints them", "b'" + sentBody + "'", "how Python prints bytes"},
		{"read as Latin-1", latin1.String(), "read as Latin-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := signature.Explain(signature.Pasted{test.body, sentTime, ours}, keys(signature.SHA1), now)
			explains(t, e, false, signature.BodyRewritten)
			if !strings.Contains(e.Findings[0].Text, test.says) {
				t.Errorf("says %q, not %q", e.Findings[0].Text, test.says)
			}
			if e.APIKey != signing {
				t.Errorf("signed by %q, want %q", e.APIKey, signing)
			}
			// The same without secrets, by what is on record.
			e = signature.ExplainBySent(signature.Pasted{test.body, sentTime, ours}, onRecord, signing, now)
			explains(t, e, false, signature.BodyRewritten)
		})
	}
}

// The receiver computed its signature of a body that it wrote anew; what the
// person pasted is what came.
func TestExplainSignedRewritten(t *testing.T) {
	for _, test := range []struct{ library, body string }{
		{
			"Python's json.dumps writes", `{"notification_type": "upload", "public_id": "caf\u00e9/<lamp>", "width": 1600, "tags": ["a", "b"], "none": [], ` +
				`"emoji": "\ud83d\ude00", "notification_context": {"triggered_by": {"source": "api", "id": "614335564976464"}}, "signature_key": "614335564976464"}`,
		}, {
			"PHP's json_encode writes", `{"notification_type":"upload","public_id":"caf\u00e9\/<lamp>","width":1600,"tags":["a","b"],"none":[],` +
				`"emoji":"\ud83d\ude00","notification_context":{"triggered_by":{"source":"api","id":"614335564976464"}},"signature_key":"614335564976464"}`,
		}, {
			"Go's json.Marshal, from a map,", marshalled(t),
		}, {
			"C#'s System.Text.Json writes", `{"notification_type":"upload","public_id":"caf\u00E9/\u003Clamp\u003E","width":1600,"tags":["a","b"],"none":[],` +
				`"emoji":"\uD83D\uDE00","notification_context":{"triggered_by":{"source":"api","id":"614335564976464"}},"signature_key":"614335564976464"}`,
		}, {
			"JSON.stringify(body, null, 2) writes", "{\n  \"notification_type\": \"upload\",\n  \"public_id\": \"café/<lamp>\",\n  \"width\": 1600,\n" +
				"  \"tags\": [\n    \"a\",\n    \"b\"\n  ],\n  \"none\": [],\n  \"emoji\": \"😀\",\n  \"notification_context\": {\n    \"triggered_by\": {\n" +
				"      \"source\": \"api\",\n      \"id\": \"614335564976464\"\n    }\n  },\n  \"signature_key\": \"614335564976464\"\n}",
		},
	} {
		t.Run(test.library, func(t *testing.T) {
			computed := sha1Of(test.body, sentTime, signingSecret)
			e := signature.Explain(signature.Pasted{sentBody, sentTime, computed}, keys(signature.SHA1), now)
			explains(t, e, false, signature.SignedRewritten)
			if !strings.Contains(e.Findings[0].Text, test.library) {
				t.Errorf("says %q, not %q", e.Findings[0].Text, test.library)
			}
			// The person pasted the body that was written anew, with its signature:
			// that matches as it stands, which is not what was sent.
			e = signature.Explain(signature.Pasted{test.body, sentTime, computed}, keys(signature.SHA1), now)
			explains(t, e, true, signature.Matches)
			e = signature.ExplainBySent(signature.Pasted{test.body, sentTime, computed}, onRecord, signing, now)
			explains(t, e, false, signature.SignatureDiffers, signature.BodyRewritten)
		})
	}
}

func marshalled(t *testing.T) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(sentBody), &fields); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var onRecord = []signature.Sent{
	{DeliveryID: "D1", Attempt: 1, Body: []byte(base), Timestamp: sentAt, Signature: sha1Of(base, sentTime, signingSecret), APIKey: signing},
	{DeliveryID: "D2", Attempt: 2, Body: []byte(sentBody), Timestamp: sentAt, Signature: ours, APIKey: signing},
	{DeliveryID: "D3", Attempt: 1, Body: []byte(`{"b":1}`), Timestamp: sentAt + 7, Signature: sha256Of(`{"b":1}`), APIKey: other},
}

func TestExplainBySent(t *testing.T) {
	for _, test := range []struct {
		name     string
		pasted   signature.Pasted
		accepted bool
		delivery string
		want     []signature.Code
	}{
		{
			"as sent", signature.Pasted{sentBody, sentTime, ours}, true, "D2",
			[]signature.Code{signature.Matches},
		}, {
			"as sent, in capitals", signature.Pasted{sentBody, sentTime, strings.ToUpper(ours)}, false, "D2",
			[]signature.Code{signature.Matches, signature.SignatureUpperCase},
		}, {
			"as sent, in milliseconds", signature.Pasted{sentBody, sentTime + "000", ours}, false, "D2",
			[]signature.Code{signature.Matches, signature.TimestampInMilliseconds},
		}, {
			"fields in another order", signature.Pasted{marshalled(t), sentTime, ours}, false, "D2",
			[]signature.Code{signature.BodyRewritten},
		}, {
			"a field left out", signature.Pasted{strings.Replace(sentBody, `"width":1600,`, "", 1), sentTime, ours}, false, "D2",
			[]signature.Code{signature.BodyDiffers},
		}, {
			"a field left out, and the signature is the receiver's", signature.Pasted{strings.Replace(sentBody, `"width":1600,`, "", 1), sentTime, sha1Of("x")}, false, "D2",
			[]signature.Code{signature.SignatureDiffers, signature.BodyDiffers},
		}, {
			"cut short", signature.Pasted{sentBody[:80], sentTime, ours}, false, "D2",
			[]signature.Code{signature.BodyCutShort, signature.BodyDiffers},
		}, {
			"another request's timestamp", signature.Pasted{sentBody, strconv.Itoa(sentAt + 9), ours}, false, "D2",
			[]signature.Code{signature.TimestampDiffers},
		}, {
			"the receiver's own signature", signature.Pasted{sentBody, sentTime, hmacOf(signingSecret, sentBody, sentTime)}, false, "D2",
			[]signature.Code{signature.SignatureDiffers},
		}, {
			"by SHA-256", signature.Pasted{sentBody, sentTime, sha256Of(sentBody, sentTime, signingSecret)}, false, "D2",
			[]signature.Code{signature.OtherAlgorithm},
		}, {
			"the API key in place of the secret", signature.Pasted{sentBody + "\n", sentTime, sha1Of(sentBody, sentTime, signing)}, false, "D2",
			[]signature.Code{signature.APIKeyAsSecret, signature.BodyRewritten},
		}, {
			"no secret", signature.Pasted{base, sentTime, sha1Of(base, sentTime)}, false, "D1",
			[]signature.Code{signature.WithoutSecret},
		}, {
			"signed with a key that does not sign now", signature.Pasted{`{"b":1}`, strconv.Itoa(sentAt + 7), sha256Of(`{"b":1}`)}, true, "D3",
			[]signature.Code{signature.Matches, signature.MatchesOtherKey},
		}, {
			"not on record", signature.Pasted{`{"c":1}`, strconv.Itoa(sentAt + 1), ours[:39] + "0"}, false, "",
			[]signature.Code{signature.NotOnRecord},
		}, {
			"not on record, and too old", signature.Pasted{`[object Object]`, "1", "sha1=" + sha1Of("x")}, false, "",
			[]signature.Code{signature.BodyNotJSON, signature.NotOnRecord, signature.TimestampTooOld, signature.SignatureHasPrefix},
		}, {
			"no timestamp", signature.Pasted{sentBody, "", ours}, false, "",
			[]signature.Code{signature.TimestampMissing},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := signature.ExplainBySent(test.pasted, onRecord, signing, now)
			explains(t, e, test.accepted, test.want...)
			if got := deliveryOf(e); got != test.delivery {
				t.Errorf("compared with %q, want %q", got, test.delivery)
			}
			if (e.Difference != nil) != slices.Contains(test.want, signature.BodyDiffers) {
				t.Errorf("difference %+v", e.Difference)
			}
		})
	}
}

func deliveryOf(e signature.Explanation) string {
	if e.Sent == nil {
		return ""
	}
	return e.Sent.DeliveryID
}

func TestExplainDifference(t *testing.T) {
	pasted := strings.Replace(sentBody, "1600", " 1601", 1)
	e := signature.ExplainBySent(signature.Pasted{pasted, sentTime, ours}, onRecord, signing, now)
	explains(t, e, false, signature.BodyDiffers)
	at := strings.Index(sentBody, "1600") + 3
	want := signature.Difference{
		Offset: at,
		Sent:   strings.ToValidUTF8(sentBody[at-24:at+40], ""), // the emoji is cut
		Pasted: strings.ToValidUTF8(strings.Replace(sentBody[at-24:at+40], "1600", "1601", 1), ""),
	}
	if *e.Difference != want {
		t.Errorf("differs at %+v, want %+v", *e.Difference, want)
	}
}

// Whatever is pasted, there is an answer, and a signature that Sign made of it is
// accepted.
func FuzzExplain(f *testing.F) {
	f.Add(sentBody, sentTime, ours)
	f.Add("\ufeff{}", "1719310887000", "sha1=X+")
	f.Add(`"\"`, "-1", "b''")
	f.Fuzz(func(t *testing.T, body, timestamp, claimed string) {
		for _, e := range []signature.Explanation{
			signature.Explain(signature.Pasted{body, timestamp, claimed}, keys(signature.SHA1), now),
			signature.ExplainBySent(signature.Pasted{body, timestamp, claimed}, onRecord, signing, now),
		} {
			if len(e.Findings) == 0 {
				t.Error("no finding")
			}
		}
		if strings.Contains(body, "\r\n") || strings.TrimSpace(body) == "" || len(body) > 1<<20 {
			return
		}
		e := signature.Explain(signature.Pasted{body, sentTime, sha1Of(body, sentTime, signingSecret)}, keys(signature.SHA1), now)
		if !e.Accepted {
			t.Errorf("refuses what was signed: %v", codes(e))
		}
	})
}

func BenchmarkExplainNothing(b *testing.B) {
	body := `{"a":"` + strings.Repeat("é/", 40_000) + `"}`
	for b.Loop() {
		signature.Explain(signature.Pasted{body, sentTime + "000", sha1Of("x")}, keys(signature.SHA1), now)
	}
}
