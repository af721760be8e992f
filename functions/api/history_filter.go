package main

import (
	"net/http"
	"time"

	"github.com/mediahooks/mediahooks/shared/history"
	"github.com/mediahooks/mediahooks/shared/web"
)

// question reads the query of a list.
func (a api) question(r *http.Request, caller web.Caller) *history.Question {
	return &history.Question{
		Values: r.URL.Query(), CloudName: caller.Environment.CloudName, Now: time.Now().UTC(), Retention: a.retention,
	}
}
