package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mediahooks/mediahooks/shared/notification"
	"github.com/mediahooks/mediahooks/shared/notificationtest"
	"github.com/mediahooks/mediahooks/shared/registry"
)

// follow makes a change, which must be answered by a redirect, and reads the page
// that it leads to.
func (b *browser) follow(path string, form url.Values) string {
	b.t.Helper()
	answer := b.post(path, form)
	if answer.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("POST %s: %d\n%s", path, answer.StatusCode, text(b.t, answer))
	}
	b.clock.Advance(registry.CacheTime) // what a change waits for
	return b.page(answer.Header.Get("Location"), http.StatusOK)
}

func (w *world) hooks() []notification.Trigger {
	w.t.Helper()
	env, _, err := w.store.Environment(w.t.Context(), cloudName)
	w.must(err)
	return env.Hooks.Triggers
}

// linked lists the types of each URL.
func (w *world) linked() map[string][]string {
	w.t.Helper()
	types := make(map[string][]string)
	for _, t := range w.hooks() {
		types[t.URI] = append(types[t.URI], t.EventType)
	}
	return types
}

var hidden = regexp.MustCompile(`name="(revision|seen)" value="([^"]*)"`)

// revision is what a form was shown with.
func revision(t *testing.T, page string) string {
	t.Helper()
	found := hidden.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no revision in\n%s", page)
	}
	return found[2]
}

const shop = "https://shop.example/hooks/media"

func TestAddEditAndRemoveAURL(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	page := b.follow("/console/urls", url.Values{"uri": {shop}, "event_type": {"upload", "rename"}})
	if !strings.Contains(page, "Added.") || !strings.Contains(page, shop) {
		t.Errorf("after adding:\n%s", page)
	}
	if got := w.linked()[shop]; !slices.Equal(got, []string{"upload", "rename"}) {
		t.Fatalf("linked to %v", got)
	}
	kept := w.hooks()[1].ID
	edit := "/console/urls/" + w.urlID(shop) + "/edit"
	page = b.page(edit, http.StatusOK)
	if strings.Count(page, " checked") != 2 {
		t.Errorf("the form does not show what is chosen:\n%s", page)
	}
	const moved = "https://shop.example/hooks/moved"
	page = b.follow(edit, url.Values{"uri": {moved}, "event_type": {"rename", "delete"}, "revision": {revision(t, page)}})
	if !strings.Contains(page, "Saved.") {
		t.Errorf("after saving:\n%s", page)
	}
	if got := w.linked(); len(got) != 1 || !slices.Equal(got[moved], []string{"rename", "delete"}) || w.hooks()[0].ID != kept {
		t.Errorf("linked %v, the trigger of rename has id %s, want %s", got, w.hooks()[0].ID, kept)
	}
	remove := "/console/urls/" + w.urlID(moved) + "/remove"
	page = b.page(remove, http.StatusOK)
	if !strings.Contains(page, "Remove this notification URL?") || len(w.hooks()) != 2 {
		t.Errorf("asking removes, or does not ask:\n%s", page)
	}
	page = b.follow(remove, url.Values{"revision": {revision(t, page)}})
	if !strings.Contains(page, "Removed.") || len(w.hooks()) != 0 {
		t.Errorf("after removing there are %v\n%s", w.hooks(), page)
	}
}

// A trigger of the API shows as a URL, or as one more type of one; "all" swallows
// what is ticked beside it.
func TestAllNotifications(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	b.follow("/console/urls", url.Values{"uri": {shop}, "event_type": {"all", "upload"}})
	if got := w.linked()[shop]; !slices.Equal(got, []string{"all"}) {
		t.Errorf("linked to %v", got)
	}
	_, err := w.console.Triggers.Create(t.Context(), cloudName, shop, "delete")
	w.must(err)
	w.clock.Advance(registry.CacheTime)
	page := b.page("/console/urls", http.StatusOK)
	if !strings.Contains(page, `<span class="tag all">all notifications</span><span class="tag"><bdi>delete</bdi></span>`) || !strings.Contains(page, "1 of 10 URLs") {
		t.Errorf("the API's trigger is not shown:\n%s", page)
	}
	edit := "/console/urls/" + w.urlID(shop) + "/edit"
	b.follow(edit, url.Values{"uri": {shop + "/moved"}, "event_type": {"all", "delete", "rename"}, "revision": {revision(t, b.page(edit, http.StatusOK))}})
	if got := w.linked()[shop+"/moved"]; !slices.Equal(got, []string{"all", "delete"}) {
		t.Errorf("the API's trigger is lost: linked to %v", got)
	}
}

func TestFaultsOfAURL(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	w.trigger(cloudName, shop, "upload")
	w.clock.Advance(registry.CacheTime)
	for _, test := range []struct {
		name   string
		form   url.Values
		status int
		want   string
	}{
		{"no URL", url.Values{"event_type": {"all"}}, 400, `id="uri-error"><bdi>Is required.`},
		{"no type", url.Values{"uri": {"https://a.example"}}, 400, "<bdi>Choose at least one"},
		{"no such type", url.Values{"uri": {"https://a.example"}, "event_type": {"uploads"}}, 400, "Invalid value uploads"},
		{"a private address", url.Values{"uri": {"http://169.254.169.254/latest"}, "event_type": {"all"}}, 400, `id="uri-error"`},
		{"no URL at all", url.Values{"uri": {"javascript:alert(1)"}, "event_type": {"all"}}, 400, `id="uri-error"`},
		{"there already", url.Values{"uri": {shop}, "event_type": {"delete"}}, 409, "This URL is there already"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := b.post("/console/urls", test.form)
			body := text(t, answer)
			if answer.StatusCode != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%d, want %d with %s\n%s", answer.StatusCode, test.status, test.want, body)
			}
			if !strings.Contains(body, `value="`+strings.ReplaceAll(test.form.Get("uri"), "&", "&amp;")+`"`) {
				t.Error("what was entered is lost")
			}
		})
	}
	for i := range 9 {
		w.trigger(cloudName, shop+strings.Repeat("x", i+1), "upload")
	}
	if body := text(t, b.post("/console/urls", url.Values{"uri": {"https://eleventh.example"}, "event_type": {"all"}})); !strings.Contains(body, "The limit of notification URLs is reached") {
		t.Errorf("the eleventh:\n%s", body)
	}
	if len(w.linked()) != 10 {
		t.Errorf("%d URLs", len(w.linked()))
	}
}

// Whoever edits what another has changed meanwhile loses nothing of the other's,
// and is told; a change of another URL is no matter.
func TestLostRaces(t *testing.T) {
	w := newWorld(t)
	w.trigger(cloudName, shop, "upload")
	b := w.signedIn()
	edit := "/console/urls/" + w.urlID(shop) + "/edit"
	seen := revision(t, b.page(edit, http.StatusOK))

	w.trigger(cloudName, "https://other.example/", "upload")
	b.follow(edit, url.Values{"uri": {shop}, "event_type": {"upload", "delete"}, "revision": {seen}})

	seen = revision(t, b.page(edit, http.StatusOK))
	_, err := w.console.Triggers.Create(t.Context(), cloudName, shop, "rename")
	w.must(err)
	for path, form := range map[string]url.Values{
		edit: {"uri": {shop}, "event_type": {"upload"}, "revision": {seen}},
		"/console/urls/" + w.urlID(shop) + "/remove": {"revision": {seen}},
	} {
		answer := b.post(path, form)
		if body := text(t, answer); answer.StatusCode != http.StatusConflict || !strings.Contains(body, "Somebody has changed this notification URL") {
			t.Errorf("POST %s: %d\n%s", path, answer.StatusCode, body)
		}
	}
	if got := w.linked()[shop]; !slices.Equal(got, []string{"upload", "delete", "rename"}) {
		t.Errorf("linked to %v", got)
	}
	page := text(t, b.post(edit, url.Values{"uri": {shop}, "event_type": {"upload"}, "revision": {seen}}))
	if strings.Count(page, " checked") != 3 {
		t.Errorf("the form does not show how it is now:\n%s", page)
	}
	b.follow(edit, url.Values{"uri": {shop}, "event_type": {"upload"}, "revision": {revision(t, page)}}) // having seen it

	// Removed by somebody: there is nothing left to edit.
	seen = revision(t, b.page(edit, http.StatusOK))
	w.must(w.console.Triggers.RemoveURL(t.Context(), cloudName, w.urlID(shop), seen))
	if answer := b.post(edit, url.Values{"uri": {shop}, "event_type": {"all"}, "revision": {seen}}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("after it was removed: %d", answer.StatusCode)
	}
}

// Of many edits of one form at once, one is made.
func TestOneOfManyEdits(t *testing.T) {
	w := newWorld(t)
	w.trigger(cloudName, shop, "upload")
	b := w.signedIn()
	edit := "/console/urls/" + w.urlID(shop) + "/edit"
	seen := revision(t, b.page(edit, http.StatusOK))
	statuses := make(chan int)
	for _, eventType := range []string{"rename", "delete", "move", "eager", "publish"} {
		go func() {
			mine := *b
			statuses <- mine.post(edit, url.Values{"uri": {shop}, "event_type": {eventType}, "revision": {seen}}).StatusCode
		}()
	}
	count := make(map[int]int)
	for range 5 {
		count[<-statuses]++
	}
	if count[http.StatusSeeOther] != 1 || count[http.StatusConflict] != 4 || len(w.hooks()) != 1 {
		t.Errorf("answers %v, triggers %v", count, w.hooks())
	}
}

func TestChooseTheSigningKey(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	if page := b.page("/console/urls", http.StatusOK); !strings.Contains(page, apiKey+"</code>, the oldest one that is enabled") {
		t.Errorf("which key signs is not said:\n%s", page)
	}
	page := b.follow("/console/signing-key", url.Values{"api_key": {otherKey}, "seen": {""}})
	if !strings.Contains(page, otherKey+"</code>, which is dedicated to them") {
		t.Errorf("after choosing:\n%s", page)
	}
	for form, want := range map[string]string{
		"api_key=" + apiKey + "&seen=":                         "somebody has chosen another signing key",
		"api_key=333333333333333&seen=" + otherKey:             "is disabled",
		"api_key=444444444444444&seen=" + otherKey:             "Not found",
		"api_key=999999999999999&seen=" + otherKey + "&x=y":    "Not found",
		"api_key=" + apiKey + "&seen=" + apiKey + "&again=yes": "somebody has chosen another signing key",
	} {
		values, err := url.ParseQuery(form)
		w.must(err)
		answer := b.post("/console/signing-key", values)
		if body := text(t, answer); answer.StatusCode < 400 || !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("%s: %d, want %q\n%s", form, answer.StatusCode, want, body)
		}
	}
	env, _, err := w.store.Environment(t.Context(), cloudName)
	w.must(err)
	if key, err := env.KeyForSigning(); err != nil || key.APIKey != otherKey {
		t.Errorf("%s signs, %v", key.APIKey, err)
	}
	b.follow("/console/signing-key", url.Values{"api_key": {""}, "seen": {otherKey}})
	env, _, err = w.store.Environment(t.Context(), cloudName)
	w.must(err)
	if key, err := env.KeyForSigning(); err != nil || key.APIKey != apiKey {
		t.Errorf("%s signs, %v", key.APIKey, err)
	}
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	page := b.follow("/console/settings", url.Values{
		"signature_algorithm": {"sha256"}, "folder_mode": {"fixed"}, "success": {"2xx"}, "retry_schedule": {"1s, 2m"}, "include_client_ip": {"1"}, "keep_payloads": {"1"},
	})
	if !strings.Contains(page, "Saved.") || !strings.Contains(page, `value="1s,2m"`) {
		t.Errorf("after saving:\n%s", page)
	}
	env, _, err := w.store.Environment(t.Context(), cloudName)
	w.must(err)
	if s := env.Settings; s.SignatureAlgorithm != "sha256" || s.FolderMode != notification.FixedFolders || s.Success != notification.Any2xx || len(s.RetrySchedule) != 2 || !s.IncludeClientIP || s.LeaveOutPayloads {
		t.Errorf("settings %+v", s)
	}
	b.follow("/console/settings", url.Values{"signature_algorithm": {"sha1"}, "folder_mode": {"dynamic"}, "success": {""}, "retry_schedule": {"none"}})
	env, _, err = w.store.Environment(t.Context(), cloudName)
	w.must(err)
	if s := env.Settings; s.RetrySchedule == nil || len(s.RetrySchedule) != 0 || s.Success != notification.StackSuccess || s.IncludeClientIP || !s.LeaveOutPayloads {
		t.Errorf("settings %+v", s)
	}
	if page := b.page("/console/settings", http.StatusOK); !strings.Contains(page, `value="none"`) {
		t.Error("no retries are not shown")
	}
	answer := b.post("/console/settings", url.Values{"signature_algorithm": {"sha1"}, "retry_schedule": {"soon"}})
	if body := text(t, answer); answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, `id="schedule-error"><bdi>Must be waits such as`) || !strings.Contains(body, `value="soon"`) {
		t.Errorf("%d\n%s", answer.StatusCode, body)
	}
	if answer := b.post("/console/settings", url.Values{"signature_algorithm": {"md5"}}); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("md5: %d", answer.StatusCode)
	}
}

func TestSendAnExample(t *testing.T) {
	w := newWorld(t)
	id := w.trigger(cloudName, shop, "upload", "rename")
	b := w.signedIn()
	page := b.follow("/console/urls/"+id+"/example", url.Values{"event_type": {"rename"}})
	if !strings.Contains(page, "The example is queued") || !strings.Contains(page, "pending") {
		t.Errorf("after sending:\n%s", page)
	}
	waiting := w.queue.Waiting()
	if len(waiting) != 1 || waiting[0].URL != shop || waiting[0].NotificationType != "rename" || !strings.HasPrefix(waiting[0].EventID, "example-") {
		t.Errorf("queued %+v", waiting)
	}
	if answer := b.post("/console/urls/"+id+"/example", url.Values{"event_type": {"delete"}}); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a type that it is not told of: %d", answer.StatusCode)
	}
}

func TestResend(t *testing.T) {
	w := newWorld(t)
	d := w.tell(told{url: shop, publicID: "lamp", status: notification.Exhausted, attempts: []notification.Attempt{timedOut}})
	b := w.signedIn()
	page := b.follow("/console/deliveries/"+d.DeliveryID+"/resend", nil)
	if !strings.Contains(page, "Queued for one more attempt") || !strings.Contains(page, "Attempt 2 is under way or about to begin") {
		t.Errorf("after resending:\n%s", page)
	}
	if waiting := w.queue.Waiting(); len(waiting) != 1 || waiting[0].Attempt != 2 {
		t.Errorf("queued %+v", waiting)
	}
	if !strings.Contains(w.log.String(), `"msg":"delivery resent"`) || strings.Contains(w.log.String(), "hooks/media") {
		t.Errorf("log %s", w.log.String())
	}
}

func TestRecover(t *testing.T) {
	w := newWorld(t)
	w.trigger(cloudName, shop, "upload")
	for range 3 {
		w.tell(told{url: shop, publicID: "lamp", status: notification.Exhausted, attempts: []notification.Attempt{timedOut}})
	}
	w.tell(told{url: shop, publicID: "lamp", status: notification.Delivered, attempts: []notification.Attempt{ok}})
	b := w.signedIn()
	page := b.page("/console/deliveries?status=exhausted&public_id=lamp", http.StatusOK)
	link := regexp.MustCompile(`href="(/console/recoveries/new[^"]*)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("no link to recover:\n%s", page)
	}
	page = b.page(strings.ReplaceAll(link[1], "&amp;", "&"), http.StatusOK)
	if !strings.Contains(page, "This will resend <strong>3</strong> deliveries to 1 URL, at most 20 a second") {
		t.Errorf("the count:\n%s", page)
	}
	if len(w.workflow.started) > 0 {
		t.Fatal("counting has begun a recovery")
	}
	form := url.Values{}
	for _, found := range regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form.Set(found[1], found[2])
	}
	answer := b.post("/console/recoveries", form)
	to, _, _ := strings.Cut(answer.Header.Get("Location"), "?")
	if answer.StatusCode != http.StatusSeeOther || len(w.workflow.started) != 1 {
		t.Fatalf("%d, started %v", answer.StatusCode, w.workflow.started)
	}
	page = b.page(to, http.StatusOK)
	if !strings.Contains(page, "Running: 0 queued so far") || !strings.Contains(page, "data-poll") || !strings.Contains(page, "about lamp") {
		t.Errorf("progress:\n%s", page)
	}
	if page := b.page("/console", http.StatusOK); !strings.Contains(page, "Recoveries under way") {
		t.Error("the overview does not show it")
	}
	if page = b.follow(to+"/stop", nil); !strings.Contains(page, "Stopped: 0 were queued by then") || strings.Contains(page, "data-poll") {
		t.Errorf("stopped:\n%s", page)
	}
	if page = b.follow(to+"/resume", nil); !strings.Contains(page, "Running") || len(w.workflow.started) != 2 {
		t.Errorf("resumed, started %v:\n%s", w.workflow.started, page)
	}
	if page = b.page("/console/recoveries", http.StatusOK); !strings.Contains(page, to) || !strings.Contains(page, "…1111") {
		t.Errorf("the list:\n%s", page)
	}
	for query, want := range map[string]string{
		"status=pending":                      "Must be exhausted, retrying or delivered",
		"status=exhausted&max_per_second=501": `id="rate-error"><bdi>Must be a number from 1 to 500`,
		"from=soon":                           `id="f-from-error"`,
	} {
		if page := b.page("/console/recoveries/new?"+query, http.StatusBadRequest); !strings.Contains(page, want) {
			t.Errorf("%s does not say %q\n%s", query, want, page)
		}
	}
}

// What is stored in the middle of a fault is not lost from sight: the page says
// what to do.
func TestFaultsOfChanges(t *testing.T) {
	w := newWorld(t)
	id := w.trigger(cloudName, shop, "upload")
	b := w.signedIn()
	b.page("/console", http.StatusOK)
	w.store.OnCall(func(call notificationtest.Call) error {
		if strings.HasPrefix(call.Op, "Replace") || call.Op == "InsertEvents" {
			return http.ErrServerClosed
		}
		return nil
	})
	for path, form := range map[string]url.Values{
		"/console/urls":                    {"uri": {"https://a.example/"}, "event_type": {"all"}},
		"/console/urls/" + id + "/example": {"event_type": {"upload"}},
		"/console/settings":                {"signature_algorithm": {"sha256"}},
		"/console/signing-key":             {"api_key": {otherKey}, "seen": {""}},
	} {
		answer := b.post(path, form)
		if body := text(t, answer); answer.StatusCode < 500 || strings.Contains(body, "Server closed") {
			t.Errorf("POST %s: %d\n%s", path, answer.StatusCode, body)
		}
	}
}
