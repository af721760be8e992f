package stack

import (
	"errors"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// apiPath is where the emulator serves the stage $default of an HTTP API.
func apiPath(apiID string) string { return "/_aws/execute-api/" + apiID + "/$default" }

// serveAPI gives the HTTP API a base URL without a path, as it has on AWS: its
// functions see the same rawPath here as there. Requests and answers pass
// unchanged otherwise.
func serveAPI(l net.Listener, endpoint, apiID string, errorLog *log.Logger, around func(http.Handler) http.Handler) (*http.Server, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.URL.Path = apiPath(apiID) + r.In.URL.Path
			r.Out.URL.RawPath = apiPath(apiID) + r.In.URL.EscapedPath()
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, even where Go cannot parse it
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if values, ok := r.In.Header[name]; ok { // taken out by ReverseProxy
					r.Out.Header[name] = values
				}
			}
		},
		Transport: &http.Transport{
			DisableCompression:  true, // or it would ask for gzip itself
			MaxIdleConnsPerHost: 64,
			// Less than the emulator's keep-alive of 75 s, so that it is never
			// the emulator that closes a connection just being used.
			IdleConnTimeout: time.Minute,
		},
		ErrorLog: errorLog,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				errorLog.Printf("%s %s: %v", r.Method, r.URL.Path, err)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	var handler http.Handler = proxy
	if around != nil {
		handler = around(proxy)
	}
	server := &http.Server{Handler: handler, ErrorLog: errorLog, ReadHeaderTimeout: 30 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			errorLog.Printf("serve: %v", err)
		}
	}()
	return server, nil
}
