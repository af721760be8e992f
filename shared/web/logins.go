package web

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"github.com/mediahooks/mediahooks/shared/notification"
)

// How failed logins are slowed down, each figure for one process; see
// docs/decisions/0019-failed-logins.md.
const (
	loginWindow = time.Minute // in which failures are counted together
	freeLogins  = 5           // failures of one caller that are answered at once
	loginStep   = 100 * time.Millisecond
	longestStep = 2 * time.Second
	// loginBudget is the time for which all callers together may keep a process
	// waiting in a window: Lambda's time is paid for.
	loginBudget = 20 * time.Second
	// mostCallers bounds the memory.
	mostCallers = 4096
	// longestName is as long as a cloud_name or an account id can be.
	longestName = 64
)

// Logins counts calls whose credentials are wrong, and slows down callers that
// repeat them. It never delays or refuses credentials that are right. It is safe
// for concurrent use.
type Logins struct {
	// Count counts one.
	Count func()
	Now   func() time.Time
	// Wait returns after a duration, or with the context's error before that.
	// Where it is nil, a timer decides.
	Wait func(ctx context.Context, d time.Duration) error

	mu      sync.Mutex
	callers map[loginCaller]loginTally
	waited  time.Duration // by all callers, since began
	began   time.Time
}

// loginCaller is whose failures are counted together: those of one address for
// one environment or account. An IPv6 address stands for its /64, which is one
// customer's.
type loginCaller struct{ name, address string }

type loginTally struct {
	began    time.Time
	failures int
}

// Failed has a call with wrong credentials wait as long as it deserves, and
// returns with what it is answered: the error, or Throttled, whose Retry-After it
// sets, where the process has waited enough.
func (l *Logins) Failed(w http.ResponseWriter, r *http.Request, name string, unauthorized error) error {
	l.Count()
	gateway, _ := core.GetAPIGatewayV2ContextFromContext(r.Context())
	delay, later := l.delay(name, gateway.HTTP.SourceIP)
	if later > 0 {
		seconds := int64((later + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
		return notification.Errorf(notification.Throttled, "Too many failed logins; try again in %d seconds", seconds)
	}
	wait := l.Wait
	if wait == nil {
		wait = sleep
	}
	if delay > 0 {
		_ = wait(r.Context(), delay) // at the end of its time the call is answered early
	}
	return unauthorized
}

// delay counts a failure, and returns how long to wait before it is answered, or
// after how long the caller may try again.
func (l *Logins) delay(name, address string) (delay, later time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now().Round(0) // by the wall: a frozen process's other clock stands still
	caller := callerOf(name, address)
	tally := l.callers[caller]
	if over(tally.began, now) {
		tally = loginTally{began: now}
	}
	tally.failures++
	if _, known := l.callers[caller]; l.callers == nil || !known && len(l.callers) >= mostCallers {
		l.callers = make(map[loginCaller]loginTally)
	}
	l.callers[caller] = tally
	delay = min(time.Duration(max(0, tally.failures-freeLogins))*loginStep, longestStep)
	if delay == 0 {
		return 0, 0
	}
	if over(l.began, now) {
		l.began, l.waited = now, 0
	}
	if l.waited+delay > loginBudget {
		return 0, l.began.Add(loginWindow).Sub(now)
	}
	l.waited += delay
	return delay, 0
}

// over reports whether a window has ended.
func over(began, now time.Time) bool {
	age := now.Sub(began)
	return began.IsZero() || age < 0 || age >= loginWindow
}

func callerOf(name, address string) loginCaller {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		if prefix, err := ip.WithZone("").Prefix(64); err == nil {
			address = prefix.String()
		}
	}
	return loginCaller{name[:min(len(name), longestName)], address}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
