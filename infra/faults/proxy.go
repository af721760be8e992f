package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// fault is what becomes of a call of AWS.
type fault string

const (
	none fault = ""
	// failed answers 5xx, throttled asks to slow down; neither executes the call.
	failed, throttled fault = "failed", "throttled"
	// lostCall closes the connection before the call is executed, lostAnswer after.
	lostCall, lostAnswer fault = "call lost", "answer lost"
	// delayed executes the call late, or answers late.
	delayed fault = "delayed"
	// partly executes a part of a batch, or answers for a part.
	partly fault = "partly"
	// away is what no dice decide: the emulator is being restarted.
	away fault = "emulator away"
)

// kindsOf lists the faults that an operation may meet, each as often as it is
// likely.
func kindsOf(operation string) []fault {
	kinds := []fault{failed, throttled, lostCall, lostAnswer, lostAnswer, delayed}
	if _, ok := parts[operation]; ok {
		kinds = append(kinds, partly, partly, partly)
	}
	return kinds
}

// spell is the longest that a fault stays, in calls of its operation: throttling
// and outages do not come singly, and what lasts outlives the SDK's own repeats.
const spell = 4

// drawFault draws what becomes of the next call of an operation by a function.
func (r *round) drawFault(function, operation string) (kind fault, dice *rand.Rand) {
	n := r.next("call " + function + operation)
	for began := max(1, n-spell+1); began <= n; began++ {
		dice = roll(r.plan.seed, "call", function, operation, began)
		if !chance(dice, r.plan.faultRate) {
			continue
		}
		drawn, last := pick(dice, kindsOf(operation)...), began+dice.IntN(spell)
		if n <= last && kind == none {
			kind = drawn
		}
	}
	if r.calm.Load() {
		kind = none
	}
	if kind != none {
		r.counts.fault(operation, kind)
	}
	return kind, roll(r.plan.seed, "parts", function, operation, n)
}

// exchange is one call of AWS by a process.
type exchange struct {
	process   *process
	operation string
	header    http.Header
	dice      *rand.Rand
}

// aws is AWS as a process meets it.
func (p *process) aws(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // it died before it had asked
	}
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	x := exchange{process: p, operation: operation, header: req.Header}
	kind, dice := p.round.drawFault(p.function, operation)
	x.dice = dice
	p.mu.Lock()
	i := p.current
	p.mu.Unlock()
	dies := never
	if i != nil && i.death.meets(operation) && i.calls.Add(1) == i.death.nth {
		dies = i.death.when
	}
	if i != nil {
		p.round.story.tell(i.deliveries, "process %d calls %s: fault %q", p.cmd.Process.Pid, operation, kind)
	}
	if dies == beforeCall {
		p.kill(i)
		panic(http.ErrAbortHandler)
	}
	answer := x.answer(kind, body)
	if dies == afterCall {
		p.kill(i)
		panic(http.ErrAbortHandler)
	}
	answer.write(w)
}

// answer is what a call comes to; nil where the connection is closed.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) write(w http.ResponseWriter) {
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the process has died where this fails
}

func (x exchange) answer(kind fault, body []byte) *answer {
	switch kind {
	case failed:
		return refusal(pick(x.dice, 500, 503), "InternalServerError")
	case throttled:
		return x.throttle()
	case lostCall:
		return nil
	case lostAnswer:
		x.execute(body)
		return nil
	case partly:
		return parts[x.operation](x, body)
	case delayed:
		before, after := within(x.dice, 300*time.Millisecond), within(x.dice, 300*time.Millisecond)
		time.Sleep(before)
		a := x.execute(body)
		time.Sleep(after)
		return a
	default:
		return x.execute(body)
	}
}

// execute has AWS do what is asked, no matter whether the process that asked still
// lives.
func (x exchange) execute(body []byte) *answer {
	r := x.process.round
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.account.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		r.fail(fmt.Errorf("pass on %s: %w", x.operation, err))
		return nil
	}
	req.Header = x.header.Clone()
	res, err := r.account.network.Do(req)
	if err != nil {
		r.unreachable(x.operation, err)
		return nil
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		r.unreachable(x.operation, err)
		return nil
	}
	header := make(http.Header)
	for _, name := range []string{"Content-Type", "X-Amzn-Requestid", "X-Amzn-Query-Error"} {
		if value := res.Header.Get(name); value != "" {
			header.Set(name, value)
		}
	}
	return &answer{res.StatusCode, header, said}
}

// throttle asks to slow down, in the words of the service.
func (x exchange) throttle() *answer {
	switch service, _, _ := strings.Cut(x.header.Get("X-Amz-Target"), "."); {
	case strings.HasPrefix(service, "DynamoDB"):
		return refusal(http.StatusBadRequest, pick(x.dice, "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"))
	case strings.HasPrefix(service, "AmazonSQS"):
		a := refusal(http.StatusBadRequest, "RequestThrottled")
		a.header.Set("X-Amzn-Query-Error", "RequestThrottled;Sender")
		return a
	}
	return refusal(http.StatusBadRequest, "ThrottlingException")
}

func refusal(status int, code string) *answer {
	return &answer{
		status: status, header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		body: fmt.Appendf(nil, `{"__type":"%s","message":"made up by the fault test"}`, code),
	}
}
