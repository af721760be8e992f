package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// process is a function's own binary, run as Lambda runs it. Its whole world but
// the receivers is one server: the Runtime API, which hands it invocations, and an
// AWS in which anything may fail.
type process struct {
	function string
	round    *round
	cmd      *exec.Cmd
	server   *http.Server
	work     chan *invocation
	gone     chan struct{} // closed when the process has ended
	killed   atomic.Bool
	said     tail
	since    time.Time // when it was last at work

	mu      sync.Mutex
	current *invocation
}

// invocation is one event in a process's hands.
type invocation struct {
	event  []byte
	limit  time.Duration // the function's timeout
	twin   bool          // another process has the same event
	death  death
	answer chan []byte
	failed bool // the answer is a fault of the function
	calls  atomic.Int64
	posts  atomic.Int64
	// deliveries are those that its messages name.
	deliveries []string
}

// errKilled says that a process was killed before it had answered.
var errKilled = errors.New("killed")

// startProcess runs the binary of a function. It ends by itself where nobody is
// left to ask for work.
func startProcess(r *round, function string) (*process, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{function: function, round: r, work: make(chan *invocation), gone: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.respond)
	mux.HandleFunc("POST /", p.aws)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	p.cmd = exec.Command(filepath.Join(r.binaries, function, "bootstrap"))
	address := listener.Addr().String()
	p.cmd.Env = append(slices.Clone(r.environ), "AWS_ENDPOINT_URL=http://"+address,
		"AWS_LAMBDA_RUNTIME_API="+address, "AWS_LAMBDA_FUNCTION_NAME="+function)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", function, err), listener.Close())
	}
	go func() { _ = p.server.Serve(listener) }() // ends when it is shut down
	go func() {
		_ = p.cmd.Wait() // killed, as a rule
		close(p.gone)
	}()
	return p, nil
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	select {
	case i := <-p.work:
		p.hold(i)
		if i.death.when == atTime {
			time.AfterFunc(i.death.after, func() {
				if p.holds(i) {
					p.kill(i)
				}
			})
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", p.round.nextRequestID())
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(i.limit).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+p.function)
		_, _ = w.Write(i.event) // the process has died where this fails
	case <-p.gone:
	case <-r.Context().Done():
	}
}

func (p *process) respond(w http.ResponseWriter, r *http.Request) {
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		return // it died in the middle of its answer
	}
	p.mu.Lock()
	i := p.current
	p.mu.Unlock()
	if i == nil {
		return
	}
	if i.death.when == atAnswer {
		p.kill(i)
		panic(http.ErrAbortHandler)
	}
	i.failed = filepath.Base(r.URL.Path) == "error"
	p.hold(nil)
	i.answer <- answer
	w.WriteHeader(http.StatusAccepted)
}

// invoke hands the process an event and returns its answer, or errKilled.
func (p *process) invoke(i *invocation) ([]byte, error) {
	i.answer = make(chan []byte, 1)
	stuck := time.NewTimer(90 * time.Second)
	defer stuck.Stop()
	select {
	case p.work <- i:
	case <-p.gone:
		return nil, p.ended()
	case <-stuck.C:
		return nil, fmt.Errorf("invoke %s: it does not ask for work: %s", p.function, &p.said)
	}
	select {
	case answer := <-i.answer:
		return answer, nil
	case <-p.gone:
		p.hold(nil)
		select {
		case answer := <-i.answer: // it was quicker than its end
			return answer, nil
		default:
			return nil, p.ended()
		}
	case <-stuck.C:
		return nil, fmt.Errorf("invoke %s: no answer: %s", p.function, &p.said)
	}
}

// ended says how the process came to its end: by us, or by a fault of its own.
func (p *process) ended() error {
	if p.killed.Load() {
		return errKilled
	}
	return fmt.Errorf("invoke %s: it ended by itself: %s", p.function, &p.said)
}

func (p *process) hold(i *invocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = i
}

func (p *process) holds(i *invocation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current == i
}

// kill ends the process at once, in the middle of an invocation.
func (p *process) kill(i *invocation) {
	if p.killed.CompareAndSwap(false, true) {
		p.round.counts.kill(string(i.death.when))
	}
	_ = p.cmd.Process.Kill() // SIGKILL; it may have ended already
}

// end stops the process, if it still runs, and returns when the last of its calls
// is over: one that was under way when it was killed may still take effect.
func (p *process) end() {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill()
	<-p.gone
	_ = p.server.Shutdown(context.Background()) // waits for the calls
}

// tail keeps the end of what a process says, for the report of a failure.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - 8<<10; over > 0 {
		t.text = t.text[over:]
	}
	return len(b), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
