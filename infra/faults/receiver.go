package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// post is one POST as a receiver has seen it.
type post struct {
	url                  string
	deliveryID, eventID  string
	attempt              int
	body                 string
	timestamp, signature string
	// status is what was answered, 0 for a connection that was closed.
	status int
}

// receivers are the origins of a round's URLs.
type receivers struct {
	round   *round
	urls    map[int]string // by number
	servers []*http.Server

	mu    sync.Mutex
	posts []post
}

func openReceivers(r *round) (*receivers, error) {
	v := &receivers{round: r, urls: make(map[int]string)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{number}", v.receive)
	for _, numbers := range [][2]int{{1, secondOrigin}, {secondOrigin, urlCount}} {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(listener) }() // ends when it is closed
		v.servers = append(v.servers, server)
		for n := numbers[0]; n < numbers[1]; n++ {
			v.urls[n] = fmt.Sprintf("http://%s/hooks/%d", listener.Addr(), n)
		}
	}
	return v, nil
}

func (v *receivers) close() {
	for _, server := range v.servers {
		_ = server.Close()
	}
}

// seen returns the POSTs so far.
func (v *receivers) seen() []post {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]post(nil), v.posts...)
}

// temper is how a receiver treats the attempts of one event.
type temper string

const (
	kind     temper = "200"
	moody    temper = "500, then 200"
	busy     temper = "429 with Retry-After, then 200"
	hostile  temper = "always 500"
	absent   temper = "hangs up, then 200"
	dawdling temper = "200 after a second"
)

// slowAnswer is how long a dawdling receiver takes: longer than an origin may,
// that is not to be slow.
const slowAnswer = 1100 * time.Millisecond

// drawAnswer draws what an attempt is answered: the same whenever it is repeated.
func (p *plan) drawAnswer(number, eventID string, attempt int) (status int, after time.Duration, t temper) {
	dice := roll(p.seed, "receiver", number, eventID)
	t = pick(dice, kind, kind, kind, kind, kind, kind, kind, moody, moody, busy, hostile, absent, dawdling)
	bad := 1 + dice.IntN(p.retries+1) // attempts that fail; may be all
	switch {
	case t == dawdling:
		return http.StatusOK, slowAnswer, t
	case t == hostile, t == moody && attempt <= bad:
		return http.StatusInternalServerError, 0, t
	case t == busy && attempt <= bad:
		return http.StatusTooManyRequests, 0, t
	case t == absent && attempt <= bad:
		return 0, 0, t
	}
	return http.StatusOK, within(dice, 20*time.Millisecond), t
}

func (v *receivers) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // its sender died before it had sent all
	}
	seen := post{
		deliveryID: req.Header.Get("X-Mediahooks-Delivery"), body: string(body), timestamp: req.Header.Get("X-Cld-Timestamp"),
		signature: req.Header.Get("X-Cld-Signature"),
	}
	seen.attempt, _ = strconv.Atoi(req.Header.Get("X-Mediahooks-Attempt")) // 0 is no number of an attempt
	number, _ := strconv.Atoi(req.PathValue("number"))
	seen.url = v.urls[number]
	var said struct {
		PublicID string `json:"public_id"`
	}
	_ = json.Unmarshal(body, &said) // no event has no name
	seen.eventID = said.PublicID
	status, after, _ := v.round.plan.drawAnswer(req.PathValue("number"), seen.eventID, seen.attempt)
	// Whoever dies of it hears no answer, nor does another that has sent the same.
	if v.round.diesAt(beforePost, seen.deliveryID) {
		status = 0
	}
	seen.status = status
	v.mu.Lock()
	v.posts = append(v.posts, seen)
	v.mu.Unlock()
	v.round.story.tell([]string{seen.deliveryID}, "attempt %d is POSTed, and answered %d", seen.attempt, status)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	time.Sleep(after)
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = http.NewResponseController(w).Flush() // its sender is about to die
	v.round.diesAt(afterPost, seen.deliveryID)
}
