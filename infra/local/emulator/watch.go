package emulator

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/mediahooks/mediahooks/infra/local/workspace"
)

// watch serves the emulator at another port, for the functions alone, with
// around around it, and returns that base URL. Requests pass unchanged, the Host
// that they are signed for included.
func (e *Emulator) watch(around func(http.Handler) http.Handler, said io.Writer) (string, error) {
	target, err := url.Parse(e.endpoint)
	if err != nil {
		return "", err
	}
	listener, err := workspace.Listen(0)
	if err != nil {
		return "", err
	}
	errorLog := log.New(said, "", 0)
	e.watched = &http.Server{
		Handler: around(&httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
			},
			Transport: &http.Transport{
				DisableCompression:  true, // or it would ask for gzip itself
				MaxIdleConnsPerHost: 64,
				IdleConnTimeout:     time.Minute, // less than the emulator's keep-alive of 75 s
			},
			ErrorLog: errorLog,
		}),
		ErrorLog:          errorLog,
		ReadHeaderTimeout: 30 * time.Second,
	}
	go func() { _ = e.watched.Serve(listener) }() // ends when it is closed
	return fmt.Sprintf("http://127.0.0.1:%d", workspace.Port(listener)), nil
}

func (e *Emulator) unwatch() error {
	if e.watched == nil {
		return nil
	}
	return e.watched.Close()
}
