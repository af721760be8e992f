package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/payload"
)

func TestOverviewsVerdict(t *testing.T) {
	delivered := told{url: shop, publicID: "lamp", status: notification.Delivered, ago: time.Minute, attempts: []notification.Attempt{ok}}
	retrying := told{url: shop, publicID: "lamp", status: notification.Retrying, ago: time.Minute, attempts: []notification.Attempt{refused}}
	exhausted := told{url: shop, publicID: "lamp", status: notification.Exhausted, ago: time.Hour, attempts: []notification.Attempt{timedOut}}
	old := exhausted
	old.ago = 48 * time.Hour
	for _, test := range []struct {
		name string
		told []told
		edit func(*world)
		want string
	}{
		{"nothing yet", nil, nil, "Nobody is told of anything yet"},
		{"a URL, and nothing happened", nil, func(w *world) { w.trigger(cloudName, shop, "upload") }, "Nothing needs you. Nothing has happened"},
		{"all well", []told{delivered}, func(w *world) { w.trigger(cloudName, shop, "upload") }, "Nothing needs you. The latest notification was accepted 1 min ago"},
		{"a retry", []told{delivered, retrying}, func(w *world) { w.trigger(cloudName, shop, "upload") }, "Nothing to do yet: 1 delivery is being tried again, next in 2 min"},
		{"given up", []told{delivered, retrying, exhausted, exhausted}, nil, "Look into it: in the last 24 hours 2 deliveries were given up"},
		{"given up long ago", []told{delivered, old}, func(w *world) { w.trigger(cloudName, shop, "upload") }, "Nothing needs you"},
		{"no signing key", []told{exhausted}, func(w *world) {
			env, _, err := w.store.Environment(w.t.Context(), cloudName)
			w.must(err)
			after := env
			after.Version++
			after.Keys[2].Webhooks = true
			w.must(w.store.ReplaceEnvironment(w.t.Context(), env, after))
		}, "Act now: nothing can be signed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			for _, what := range test.told {
				w.tell(what)
			}
			if test.edit != nil {
				test.edit(w)
			}
			if body := w.signedIn().page("/console", http.StatusOK); !strings.Contains(body, test.want) {
				t.Errorf("does not say %q:\n%s", test.want, body)
			}
		})
	}
}

// A count that ended says so.
func TestHonestCounts(t *testing.T) {
	w := newWorld(t)
	for range 120 {
		w.tell(told{url: shop, publicID: "lamp", status: notification.Exhausted, ago: time.Minute, attempts: []notification.Attempt{timedOut}})
	}
	body := w.signedIn().page("/console", http.StatusOK)
	if !strings.Contains(body, `<span class="figure">over 100</span>`) || !strings.Contains(body, "over 100 deliveries were given up") {
		t.Errorf("counts:\n%s", body)
	}
}

// The chart's numbers are those of its table.
func TestChart(t *testing.T) {
	w := newWorld(t)
	w.busy(90)
	body := w.signedIn().page("/console", http.StatusOK)
	bars := len(regexp.MustCompile(`<rect class="bar `).FindAllString(body, -1))
	cells := regexp.MustCompile(`data-label="(Delivered|Retrying|Exhausted)">(\d+)<`).FindAllStringSubmatch(body, -1)
	count, drawn := 0, 0
	for _, cell := range cells {
		n, err := strconv.Atoi(cell[2])
		w.must(err)
		count += n
		if n > 0 {
			drawn++
		}
	}
	if count != 90 || bars != drawn || bars == 0 {
		t.Errorf("the table has %d deliveries in %d parts, the chart %d bars", count, drawn, bars)
	}
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		w.tell(told{url: shop, publicID: fmt.Sprintf("lamp-%03d", i), status: notification.Delivered, ago: time.Duration(120-i) * time.Minute, attempts: []notification.Attempt{ok}})
	}
	b := w.signedIn()
	link := func(page, name string) string {
		found := regexp.MustCompile(`href="([^"]*)">` + name + `</a>`).FindStringSubmatch(page)
		if found == nil {
			return ""
		}
		return strings.ReplaceAll(found[1], "&amp;", "&")
	}
	first := b.page("/console/deliveries?notification_type=upload", http.StatusOK)
	if !strings.Contains(first, "50 deliveries, accepted 2026-11-24 11:59:00 to 11:10:00 UTC") || link(first, "Newer") != "" {
		t.Errorf("the first page:\n%s", first)
	}
	second := b.page(link(first, "Older"), http.StatusOK)
	third := b.page(link(second, "Older"), http.StatusOK)
	if !strings.Contains(third, "20 deliveries") || link(third, "Older") != "" || !strings.Contains(third, "lamp-000") {
		t.Errorf("the third page:\n%s", third)
	}
	if again := b.page(link(third, "Newer"), http.StatusOK); again != second {
		t.Error("the page before the third is not the second")
	}
	if again := b.page(link(second, "Newer"), http.StatusOK); again != first {
		t.Errorf("the page before the second is not the first")
	}
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{url: shop, publicID: "lamp", status: notification.Exhausted, ago: time.Hour, attempts: []notification.Attempt{timedOut}})
	b := w.signedIn()
	finds := func(query string) bool {
		return strings.Contains(b.page("/console/deliveries?"+query, http.StatusOK), "/console/deliveries/"+d.DeliveryID)
	}
	for query, want := range map[string]bool{
		"": true, "status=exhausted": true, "status=delivered": false, "notification_type=upload": true, "notification_type=delete": false,
		"reason=timeout": true, "reason=dns": false, "uri=" + url.QueryEscape(shop): true, "uri=x": false, "public_id=lamp": true, "public_id=lam": false,
		"event_id=" + url.QueryEscape(d.EventID): true, "event_id=none": false, "from=2026-11-24": true, "to=2026-11-23": false,
		"status=&notification_type=&from=+&to=": true,
	} {
		if got := finds(query); got != want {
			t.Errorf("%s: found %v, want %v", query, got, want)
		}
	}
	empty := b.page("/console/deliveries?status=exhausted&public_id=lamp&reason=dns", http.StatusOK)
	if !strings.Contains(empty, `Without <strong>Reason <bdi>dns</bdi></strong> there are some`) || strings.Count(empty, "there are some") != 1 {
		t.Errorf("which filter removes everything is not said:\n%s", empty)
	}
	for query, field := range map[string]string{"from=yesterday": "f-from-error", "status=lost": "f-status-error", "reason=bad": "f-reason-error", "notification_type=all": "f-notification_type-error"} {
		if page := b.page("/console/deliveries?"+query, http.StatusBadRequest); !strings.Contains(page, `id="`+field+`"`) || !strings.Contains(page, `aria-describedby="`+field+`"`) {
			t.Errorf("%s: the fault is not at its field\n%s", query, page)
		}
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	id := w.trigger(cloudName, shop, "upload")
	d := w.tell(told{url: shop, publicID: "lamp", status: notification.Delivered, attempts: []notification.Attempt{ok}})
	b := w.signedIn()
	for wanted, want := range map[string]string{
		d.DeliveryID:     "/console/deliveries/" + d.DeliveryID,
		" " + d.EventID:  "/console/event?event_id=" + url.QueryEscape(d.EventID),
		shop:             "/console/deliveries?uri=" + url.QueryEscape(shop),
		"shop.example":   "/console/urls/" + id,
		"lamp":           "/console/deliveries?public_id=lamp",
		"//evil.example": "/console/deliveries?public_id=%2F%2Fevil.example",
		"":               "/console/deliveries",
	} {
		if got := b.get("/console/search?" + url.Values{"q": {wanted}}.Encode()).Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", wanted, got, want)
		}
	}
}

// The page of a delivery has the very bytes, and a command that sends them again
// whatever is in them.
func TestDeliverysBytes(t *testing.T) {
	w := newWorld(t)
	const evil = `it's "quoted" $(touch /tmp/pwned) \ ` + "`id`"
	d := w.tell(told{url: "https://shop.example/hook?a='b'", publicID: evil, status: notification.Exhausted, attempts: []notification.Attempt{refused, timedOut}})
	b := w.signedIn()
	answer := b.get("/console/deliveries/" + d.DeliveryID + "/1")
	body := text(t, answer)
	if answer.Header.Get("Content-Disposition") != `attachment; filename="`+d.DeliveryID+`-1.json"` || answer.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("headers %v", answer.Header)
	}
	event, _, err := w.store.Event(t.Context(), cloudName, d.EventID)
	w.must(err)
	stored, err := payload.Unpack(event.Body)
	w.must(err)
	if want := string(payload.WithSignatureKey(stored, apiKey)); body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	for _, path := range []string{"/3", "/0", "/x", "/1x"} {
		if answer := b.get("/console/deliveries/" + d.DeliveryID + path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}

	page := b.page("/console/deliveries/"+d.DeliveryID, http.StatusOK)
	found := regexp.MustCompile(`(?s)id="curl-1"[^>]*><code><bdi>(.*?)</bdi>`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no command:\n%s", page)
	}
	command := strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(found[1])
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", `curl() { for a; do printf '%s\n' "$a"; done; }; `+command)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(string(out), "\n"+body+"\n") || !strings.Contains(string(out), "\nhttps://shop.example/hook?a='b'\n") {
		t.Errorf("a shell makes of the command:\n%s", out)
	}
	for _, want := range []string{"Given up after 2 attempts", "timed out", "The whole exchange has 20 seconds", "203.0.113.7:443", "X-Cld-Signature", "Where the time went"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// An event says in words who was told and who was not.
func TestEvent(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{url: shop, publicID: "lamp", status: notification.Delivered, attempts: []notification.Attempt{ok}})
	w.trigger(cloudName, "https://deletes.example/", "delete")
	page := w.signedIn().page("/console/event?event_id="+url.QueryEscape(d.EventID), http.StatusOK)
	for _, want := range []string{"Told because trigger 0123456789abcdef0123456789abcdef names it.", "deletes.example/", "is not linked to", "&#34;public_id&#34;: &#34;lamp&#34;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// A page costs little, with 200 deliveries behind its chart: see docs/console.md.
func BenchmarkPages(b *testing.B) {
	w := newWorld(b)
	_, retrying, exhausted := w.busy(500)
	signedIn := w.signedIn()
	for _, path := range []string{"/console", "/console/urls", "/console/deliveries", "/console/deliveries/" + exhausted.DeliveryID, "/console/deliveries/" + retrying.DeliveryID} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				signedIn.page(path, http.StatusOK)
			}
		})
	}
}

// Where an environment leaves payloads out of the record, the pages say so.
func TestLeftOut(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{url: shop, publicID: "lamp", status: notification.Exhausted, ago: time.Hour, leftOut: true, attempts: []notification.Attempt{timedOut}})
	b := w.signedIn()
	page := b.page("/console/deliveries/"+d.DeliveryID, http.StatusOK)
	for _, want := range []string{"was left out of the record", "leaves payloads out of the record", "X-Cld-Signature"} {
		if !strings.Contains(page, want) {
			t.Errorf("the delivery does not say %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "/resend") || strings.Contains(page, "curl -i") {
		t.Error("it offers what it cannot do")
	}
	if answer := b.get("/console/deliveries/" + d.DeliveryID + "/1"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("the body: %d", answer.StatusCode)
	}
	if page := b.page("/console/event?event_id="+url.QueryEscape(d.EventID), http.StatusOK); !strings.Contains(page, "It is left out of the record") {
		t.Errorf("the event:\n%s", page)
	}
	answer := b.post("/console/signature", url.Values{"body": {"{}"}, "timestamp": {fmt.Sprint(d.Attempts[0].Timestamp)}, "signature": {d.Attempts[0].Signature}})
	if page := text(t, answer); !strings.Contains(page, "is left out of the record") {
		t.Errorf("the check:\n%s", page)
	}
	if page := b.page("/console/recoveries/new?status=exhausted", http.StatusOK); !strings.Contains(page, "1 skipped: what was to be told was left out") {
		t.Errorf("the recovery:\n%s", page)
	}
}
