package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/mediahooks/mediahooks/shared/notificationtest"
)

// recovered is a recovery as the API shows it.
type recovered struct {
	ID, Status, Failure string
	Examined, Queued    int
	Skipped, Results    map[string]int
	More                bool
}

// counted is what a recovery would do.
type counted struct {
	Deliveries, URLs, Seconds int
	Skipped                   map[string]int
	More                      bool
}

func (c counted) String() string {
	return fmt.Sprintf("%d to %d in %d s, skipped %v, more %t", c.Deliveries, c.URLs, c.Seconds, c.Skipped, c.More)
}

func recoverAs[T any](t *testing.T, want int, body string) (got T) {
	t.Helper()
	a := call(t, "POST", "/recoveries", body)
	if a.status != want {
		t.Fatalf("POST /recoveries %s: %d %s", body, a.status, a.body)
	}
	a.decode(t, &got)
	return got
}

// progressUntil asks for a recovery until it is as wanted.
func progressUntil(t *testing.T, id string, done func(recovered) bool) recovered {
	t.Helper()
	var r recovered
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r = recovered{}
		get(t, "/recoveries/"+id, &r)
		if done(r) {
			return r
		}
	}
	t.Fatalf("after two minutes: %+v", r)
	return r
}

// failing reports events in lists of 100 whose deliveries all fail, and waits until
// they are exhausted.
func failing(t *testing.T, n int, to string) {
	t.Helper()
	setSettings(t, `{"retry_schedule":""}`)
	for left := n; left > 0; left -= 100 {
		var events []string
		for range min(left, 100) {
			events = append(events, fmt.Sprintf(`{"notification_type":"upload","payload":{"public_id":%q},"notification_url":%q}`, eventID(), to))
		}
		if a := call(t, "POST", "/events", `{"events":[`+strings.Join(events, ",")+`]}`); a.status != http.StatusAccepted {
			t.Fatalf("report events: %d %s", a.status, a.body)
		}
	}
	var list struct{ Deliveries []told }
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		get(t, "/deliveries?status=exhausted&max_results=500&uri="+url.QueryEscape(to), &list)
		if len(list.Deliveries) == n {
			return
		}
	}
	t.Fatalf("after two minutes %d of %d deliveries are exhausted", len(list.Deliveries), n)
}

// TestRecover counts what a broken receiver has missed, has it attempted again,
// stops that, and resumes it. It takes more pages than one execution does.
func TestRecover(t *testing.T) {
	const missed = 250
	receiver := notificationtest.NewReceiver(t)
	var healed atomic.Bool
	receiver.Answer(func(int, notificationtest.Request) notificationtest.Reply {
		if healed.Load() {
			return notificationtest.Reply{StatusCode: http.StatusOK}
		}
		return notificationtest.Reply{StatusCode: http.StatusInternalServerError}
	})
	hook := receiver.URL("/hook")
	failing(t, missed, hook)

	body := fmt.Sprintf(`"uri":%q,"max_per_second":1`, hook)
	if got := recoverAs[counted](t, http.StatusOK, `{"dry_run":true,`+body+`}`); got.String() != "250 to 1 in 250 s, skipped map[], more false" {
		t.Errorf("counted %s", got)
	}
	if got := recoverAs[counted](t, http.StatusOK, `{"dry_run":true,"reason":"timeout",`+body+`}`); got.Deliveries != 0 {
		t.Errorf("of another reason: counted %s", got)
	}
	healed.Store(true)
	id := recoverAs[recovered](t, http.StatusAccepted, `{`+body+`}`).ID
	progressUntil(t, id, func(r recovered) bool { return r.Queued > 0 })
	if a := call(t, "DELETE", "/recoveries/"+id, ""); a.status != http.StatusOK {
		t.Fatalf("stop: %d %s", a.status, a.body)
	}
	stopped := progressUntil(t, id, func(r recovered) bool { return r.Results["delivered"] == r.Queued })
	if stopped.Status != "stopped" || stopped.Queued >= missed {
		t.Fatalf("stopped: %+v", stopped)
	}
	if a := call(t, "POST", "/recoveries/"+id+"/resume", ""); a.status != http.StatusAccepted {
		t.Fatalf("resume: %d %s", a.status, a.body)
	}
	done := progressUntil(t, id, func(r recovered) bool { return r.Status != "running" && r.Results["delivered"] == missed })
	if done.Status != "done" || done.Examined != missed || done.Queued != missed || len(done.Skipped) != 0 || len(done.Results) != 1 {
		t.Errorf("done: %+v", done)
	}
	attempts := make(map[string]int)
	for _, r := range receiver.Requests() {
		attempts[r.Header.Get("X-Mediahooks-Delivery")]++
	}
	for id, n := range attempts {
		if n != 2 {
			t.Errorf("delivery %s: %d attempts, want one that failed and one more", id, n)
		}
	}
	if len(attempts) != missed {
		t.Errorf("%d deliveries, want %d", len(attempts), missed)
	}
	if parts := partsOf(t, id); !slices.Equal(parts, []string{id + "-1", id + "-2", id + "-3"}) {
		t.Errorf("executions %v, want the first, the resumed and its successor", parts)
	}
	var list struct{ Recoveries []recovered }
	get(t, "/recoveries?max_results=1", &list)
	if len(list.Recoveries) != 1 || list.Recoveries[0].ID != id {
		t.Errorf("listed %+v", list)
	}
}

// partsOf names the executions of a recovery.
func partsOf(t *testing.T, id string) (names []string) {
	t.Helper()
	cfg, err := local.AWSConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pages := sfn.NewListExecutionsPaginator(sfn.NewFromConfig(cfg), &sfn.ListExecutionsInput{
		StateMachineArn: aws.String(local.Outputs()["RecoverWorkflowArn"]),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Executions {
			if strings.HasPrefix(aws.ToString(e.Name), id) {
				names = append(names, aws.ToString(e.Name))
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestRecoverUnmatched tells an event that matched nothing to a trigger made since.
func TestRecoverUnmatched(t *testing.T) {
	receiver := notificationtest.NewReceiver(t)
	asset := eventID()
	r := report(t, fmt.Sprintf(`{"notification_type":"delete","payload":{"public_id":%q}}`, asset))
	if len(r.Deliveries) != 0 {
		t.Fatalf("somebody was told: %+v", r)
	}
	body := fmt.Sprintf(`"unmatched":true,"public_id":%q`, asset)
	if got := recoverAs[counted](t, http.StatusOK, `{"dry_run":true,`+body+`}`); got.String() != "0 to 0 in 0 s, skipped map[no_trigger:1], more false" {
		t.Errorf("counted %s", got)
	}
	trigger := addTrigger(t, receiver.URL("/since"), "delete")
	if got := recoverAs[counted](t, http.StatusOK, `{"dry_run":true,`+body+`}`); got.String() != "1 to 1 in 1 s, skipped map[], more false" {
		t.Errorf("counted %s", got)
	}
	id := recoverAs[recovered](t, http.StatusAccepted, `{"trigger_id":"`+trigger+`",`+body+`}`).ID
	done := progressUntil(t, id, func(r recovered) bool { return r.Status != "running" && r.Results["delivered"] == 1 })
	if done.Status != "done" || done.Examined != 1 || done.Queued != 1 {
		t.Errorf("done: %+v", done)
	}
	got := receiver.Wait(t, 1)[0]
	if !strings.Contains(string(got.Body), asset) || got.Header.Get("X-Mediahooks-Attempt") != "1" {
		t.Errorf("received %s", got.Body)
	}
	var event shown
	get(t, "/events/"+r.EventID, &event)
	if len(event.Deliveries) != 1 || event.Deliveries[0].Status != "delivered" || len(event.Explanation) != 1 ||
		!strings.Contains(event.Explanation[0], "A recovery has told") {
		t.Errorf("the event: %+v", event)
	}
	if again := recoverAs[counted](t, http.StatusOK, `{"dry_run":true,`+body+`}`); again.Deliveries != 0 {
		t.Errorf("once told, counted %s", again)
	}
}

// What a recovery cannot be is refused by the field.
func TestRefusedRecoveries(t *testing.T) {
	for _, test := range []struct{ body, message string }{
		{`{"max_per_second":0}`, "max_per_second: must be a number from 1 to 500"},
		{`{"max_per_second":"fast"}`, "max_per_second: must be a number"},
		{`{"status":"pending"}`, "status: must be exhausted, retrying or delivered"},
		{`{"reason":"bored"}`, "reason: Invalid value bored"},
		{`{"from":"yesterday"}`, "from: must be a time"},
		{`{"from":"2026-02-02","to":"2026-02-01"}`, "from: must not be after to"},
		{`{"unmatched":true,"uri":"https://a.example"}`, "uri: cannot be given with unmatched"},
		{`{"unmatched":true,"trigger_id":"none"}`, "trigger_id: there is no such trigger to tell"},
		{`{"unmatched":"perhaps"}`, "unmatched: must be true or false"},
		{`{"uri":["a"]}`, "uri: must be a string"},
		{`{"limit":5}`, "limit: is not a field that is known here"},
	} {
		if a := call(t, "POST", "/recoveries", test.body); a.status != http.StatusBadRequest || !strings.Contains(a.message(t), test.message) {
			t.Errorf("%s: %d %s, want %q", test.body, a.status, a.body, test.message)
		}
	}
	for _, test := range []struct{ method, path string }{{"GET", ""}, {"DELETE", ""}, {"POST", "/resume"}} {
		if a := call(t, test.method, "/recoveries/01ARZ3NDEKTSV4RRFFQ69G5FAV"+test.path, ""); a.status != http.StatusNotFound {
			t.Errorf("%s of none: %d %s", test.method, a.status, a.body)
		}
	}
}
